// Runs the component as the end-to-end tests' edge, set up by the same variables as `footfall edge`.
//
// It ends on SIGTERM and when its standard input closes. It has no clock: the origin calls it, as it calls Spin.
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { load } from "./component.mjs";
import { read, taken } from "./exchange.mjs";
import { pool } from "./instances.mjs";
import { open } from "./stores.mjs";

const setting = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const [host, port] = setting("FOOTFALL_EDGE_ADDR").split(":");
const folder = `${setting("FOOTFALL_DATA_DIR")}/jco`;
const originUrl = process.env.FOOTFALL_ORIGIN_URL ?? `http://${setting("FOOTFALL_ORIGIN_ADDR")}`;
mkdirSync(folder, { recursive: true });

// The variables of spin.toml.
const stores = open(folder, {
  mode: process.env.FOOTFALL_MODE ?? "production",
  origin_url: originUrl,
  edge_keys: setting("FOOTFALL_EDGE_KEYS"),
  trusted_proxy_hops: process.env.FOOTFALL_TRUSTED_PROXY_HOPS ?? "0",
  geo_header: "",
  outbox_bytes_max: "1073741824",
});
const answered = pool(await load(setting("FOOTFALL_EDGE_COMPONENT"), folder, originUrl, stores));

const server = createServer(async (incoming, outgoing) => {
  let reply;
  try {
    const request = await read(incoming);
    reply = await answered(async (component) => taken(await component.handle(request)));
  } catch (fault) {
    console.error(`${incoming.method} failed:`, fault);
    reply = { status: 500, headers: [], body: "" };
  }
  outgoing.writeHead(reply.status, reply.headers);
  outgoing.end(reply.body);
});
server.listen(Number(port), host);

const end = () => process.exit(0);
process.on("SIGTERM", end);
process.on("SIGINT", end);
process.stdin.on("end", end).resume();
