// Runs the built Worker on real workerd, with the bindings that wrangler.toml names, behind a front like
// Cloudflare's.
import { Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as readWranglerToml } from "wrangler";
import { listen } from "./front.mjs";

const here = new URL("..", import.meta.url).pathname;
const wranglerToml = new URL("../../../wrangler.toml", import.meta.url).pathname;

/**
 * Starts the Worker; gives the Miniflare instance, the URL of the front, the one of workerd itself, and how to
 * stop them.
 *
 * - `build`: the folder that worker-build wrote
 * - `vars`: variables and secrets beside those of wrangler.toml
 * - `port`, `persist`: where the front listens and workerd keeps its state; a free port and memory by default
 * - `queue`: false leaves the queue out; an object changes how it is consumed
 * - `geo`: what the front tells of the client's place
 */
export async function start({ build = `${here}build`, vars = {}, port = 0, persist, queue = {}, geo, log } = {}) {
  const { workerOptions } = readWranglerToml(wranglerToml);
  const { bindings, kvNamespaces, durableObjects, queueProducers, queueConsumers, compatibilityDate } = workerOptions;
  const queues = Object.entries(queueConsumers).map(([name, options]) => [name, { ...options, ...queue }]);
  const miniflare = new Miniflare({
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
    ...(queue ? { queueProducers, queueConsumers: Object.fromEntries(queues) } : {}),
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    cf: false,
    log,
    ...(persist ? { defaultPersistRoot: persist } : {}),
  });
  await miniflare.ready;
  const direct = await miniflare.unsafeGetDirectURL("edge");
  const front = await listen({ port, target: direct, geo });
  let stopped;
  const stop = () => {
    front.close();
    stopped ??= miniflare.dispose();
    return stopped;
  };
  return { miniflare, url: front.url, direct: direct.origin, stop };
}
