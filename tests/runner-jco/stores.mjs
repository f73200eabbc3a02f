// The `spin:*` interfaces of the component, as Spin gives them: a key-value store and a SQLite database `default`
// in files of their own, and the application's variables.
import { DatabaseSync } from "node:sqlite";

/** What the bindings turn into the error case of a WIT `result`. */
class Refused extends Error {
  constructor(tag, val) {
    super(val ?? tag);
    this.payload = val === undefined ? { tag } : { tag, val };
  }
}

/** One file for each of both stores; whoever starts again on the same folder finds them again. */
export function open(folder, variables) {
  const database = new DatabaseSync(`${folder}/sqlite_db.db`);
  // Durable when it returns: the outbox promises that an answered event survives.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000");
  const pairs = new DatabaseSync(`${folder}/sqlite_key_value.db`);
  pairs.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS pair (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID`);
  return {
    "spin:key-value/key-value": { Store: storeOver(pairs) },
    "spin:sqlite/sqlite": { Connection: connectionOver(database) },
    "spin:variables/variables": { get: (name) => variable(variables, name) },
  };
}

async function variable(variables, name) {
  if (!/^[a-z0-9_]+$/.test(name)) throw new Refused("invalid-name", name);
  if (!Object.hasOwn(variables, name)) throw new Refused("undefined", name);
  return variables[name];
}

function storeOver(pairs) {
  const get = pairs.prepare("SELECT value FROM pair WHERE key = ?");
  const set = pairs.prepare(
    "INSERT INTO pair (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const remove = pairs.prepare("DELETE FROM pair WHERE key = ?");
  return class Store {
    static async open(label) {
      if (label !== "default") throw new Refused("access-denied");
      return new Store();
    }
    async get(key) {
      return get.get(key)?.value;
    }
    async set(key, value) {
      set.run(key, value);
    }
    async delete(key) {
      remove.run(key);
    }
  };
}

function connectionOver(database) {
  const prepared = new Map();
  const prepare = (text) => {
    let statement = prepared.get(text);
    if (!statement) {
      statement = database.prepare(text);
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      prepared.set(text, statement);
    }
    return statement;
  };
  return class Connection {
    static open(name) {
      // What spin.toml does not grant.
      if (name !== "default") throw new Refused("access-denied");
      return new Connection();
    }
    static async openAsync(name) {
      return Connection.open(name);
    }
    execute(text, parameters) {
      try {
        const statement = prepare(text);
        const rows = statement.all(...bound(text, parameters));
        const columns = statement.columns().map((column) => column.name);
        return { columns, rows: rows.map((row) => ({ values: row.map(toWit) })) };
      } catch (fault) {
        throw new Refused("io", fault.message);
      }
    }
    async executeAsync(text, parameters) {
      const { columns, rows } = this.execute(text, parameters);
      return [columns, each(rows), Promise.resolve({ tag: "ok" })];
    }
  };
}

async function* each(rows) {
  yield* rows;
}

/** To node:sqlite `?1` is a name, `?` is a position. */
function bound(text, parameters) {
  const values = parameters.map(fromWit);
  if (!/\?\d/.test(text)) return values;
  return [Object.fromEntries(values.map((value, index) => [`?${index + 1}`, value]))];
}

function fromWit(value) {
  return value.tag === "null" ? null : value.val;
}

function toWit(value) {
  if (value === null) return { tag: "null" };
  if (typeof value === "bigint") return { tag: "integer", val: value };
  if (typeof value === "number") return { tag: "real", val: value };
  if (typeof value === "string") return { tag: "text", val: value };
  return { tag: "blob", val: value };
}
