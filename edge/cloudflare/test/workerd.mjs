// Runs the built Worker on real workerd, with the bindings that wrangler.toml names.
//
// Before it stands what Cloudflare's own front does for a deployed Worker: it tells the client's address,
// whatever the client says of it, and where the client is.
import { Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as readWranglerToml } from "wrangler";

const here = new URL("..", import.meta.url).pathname;
const wranglerToml = new URL("../../../wrangler.toml", import.meta.url).pathname;

const FRONT = `
export default {
  async fetch(request, env) {
    const headers = new Headers(request.headers);
    headers.delete("CF-Connecting-IP");
    const address = /^\\[?(.*?)\\]?:\\d+$/.exec(request.cf?.clientIp ?? "");
    if (address) headers.set("CF-Connecting-IP", address[1]);
    const cf = env.GEO ?? {};
    return env.EDGE.fetch(new Request(request, { headers, cf, redirect: "manual" }));
  },
};`;

/**
 * Starts the Worker; gives it as a Miniflare instance and the URL at which it listens.
 *
 * - `build`: the folder that worker-build wrote
 * - `vars`: variables and secrets beside those of wrangler.toml
 * - `port`, `persist`: where it listens and keeps its state; a free port and memory by default
 * - `queue`: false leaves the queue out
 * - `geo`: what the front tells of the client's place
 */
export async function start({ build = `${here}build`, vars = {}, port = 0, persist, queue = true, geo, log } = {}) {
  const { workerOptions } = readWranglerToml(wranglerToml);
  const { bindings, kvNamespaces, durableObjects, queueProducers, queueConsumers, compatibilityDate } = workerOptions;
  const edge = {
    name: "edge",
    compatibilityDate,
    modulesRoot: build,
    modules: [
      { type: "ESModule", path: `${build}/index.js` },
      { type: "CompiledWasm", path: `${build}/index_bg.wasm` },
    ],
    bindings: { ...bindings, ...vars },
    kvNamespaces,
    durableObjects,
    ...(queue ? { queueProducers, queueConsumers } : {}),
  };
  const front = {
    name: "front",
    compatibilityDate,
    modules: true,
    script: FRONT,
    bindings: geo ? { GEO: geo } : {},
    serviceBindings: { EDGE: "edge" },
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  };
  const miniflare = new Miniflare({
    workers: [front, edge],
    cf: false,
    log,
    ...(persist ? { defaultPersistRoot: persist } : {}),
  });
  await miniflare.ready;
  const url = await miniflare.unsafeGetDirectURL("front");
  return { miniflare, url: url.origin };
}
