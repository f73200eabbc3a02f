# Raw workerd with the Worker as it is deployed, the yardstick beside it, and nothing of wrangler or Miniflare.
# The words in capitals are put in by src/worker.rs.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "disk", disk = (path = "@DISK@", writable = true)),
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "kv", worker = (
      modules = [(name = "kv.js", esModule = embed "kv.js")],
      compatibilityDate = "2026-07-01",
    )),
    (name = "rust", worker = .rust),
    (name = "plain", worker = .plain),
  ],
  sockets = [
    (name = "rust", address = "@RUST@", http = (), service = "rust"),
    (name = "plain", address = "@PLAIN@", http = (), service = "plain"),
  ],
);

const rust :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "index.js"),
    (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
  ],
  compatibilityDate = "2026-07-01",
  bindings = [
    (name = "CACHE", kvNamespace = "kv"),
    (name = "OUTBOX", durableObjectNamespace = "OutboxShard"),
    (name = "RECENT", durableObjectNamespace = "Recent"),
    (name = "LIMITER", durableObjectNamespace = "LimiterShard"),
    (name = "JOURNEYS", durableObjectNamespace = "JourneySession"),
    (name = "MODE", text = "development"),
    (name = "ORIGIN_URL", text = "@ORIGIN@"),
    (name = "EDGE_KEYS", text = "@KEYS@"),
  ],
  durableObjectNamespaces = [
    (className = "OutboxShard", uniqueKey = "outbox", enableSql = true),
    (className = "Recent", uniqueKey = "recent", enableSql = true),
    (className = "LimiterShard", uniqueKey = "limiter", enableSql = true),
    (className = "JourneySession", uniqueKey = "journeys", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "disk"),
);

const plain :Workerd.Worker = (
  modules = [(name = "plain.js", esModule = embed "plain.js")],
  compatibilityDate = "2026-07-01",
  bindings = [
    (name = "CACHE", kvNamespace = "kv"),
    (name = "SHOP", text = "@SHOP@"),
    (name = "SALT", text = "@SALT@"),
    (name = "KEY_HASH", text = "@KEY_HASH@"),
  ],
);
