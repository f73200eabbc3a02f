// Runs the built Worker as the end-to-end tests' edge, set up by the same variables as `footfall edge`.
//
// It writes the process id of workerd to FOOTFALL_DATA_DIR/workerd.pid once it serves. It ends on SIGTERM,
// when its standard input closes, and when workerd ends: no orphan is left by any of these.
import { readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { Log, LogLevel } from "miniflare";
import { start } from "./workerd.mjs";

const setting = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const [, port] = setting("FOOTFALL_EDGE_ADDR").split(":");
const folder = setting("FOOTFALL_DATA_DIR");

const { stop } = await start({
  build: setting("FOOTFALL_EDGE_WORKER"),
  port: Number(port),
  persist: `${folder}/workerd`,
  log: new Log(LogLevel.WARN),
  vars: {
    MODE: process.env.FOOTFALL_MODE ?? "production",
    ORIGIN_URL: process.env.FOOTFALL_ORIGIN_URL ?? `http://${setting("FOOTFALL_ORIGIN_ADDR")}`,
    EDGE_KEYS: setting("FOOTFALL_EDGE_KEYS"),
    TRUSTED_PROXY_HOPS: process.env.FOOTFALL_TRUSTED_PROXY_HOPS ?? "0",
  },
});

/** The process that this one has started; Miniflare does not tell. */
function workerd() {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      // The parent is the second field after the name, which stands in parentheses.
      const [, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop().split(" ");
      if (Number(parent) === process.pid) return Number(pid);
    } catch {
      // It ended meanwhile.
    }
  }
  throw new Error("workerd does not run");
}

const pid = workerd();
writeFileSync(`${folder}/workerd.pid.new`, `${pid}\n`);
renameSync(`${folder}/workerd.pid.new`, `${folder}/workerd.pid`);

async function end() {
  await stop();
  process.exit(0);
}
process.on("SIGTERM", end);
process.on("SIGINT", end);
process.stdin.on("end", end).resume();
setInterval(() => {
  try {
    process.kill(pid, 0);
  } catch {
    process.exit(1);
  }
}, 50);
