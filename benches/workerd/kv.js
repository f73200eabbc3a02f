// Workers KV for the benchmark: in memory, over the protocol that workerd's binding speaks. Both Workers read it.
const held = new Map();

export default {
  async fetch(request) {
    const key = new URL(request.url).pathname;
    if (request.method === "PUT") {
      held.set(key, await request.arrayBuffer());
      return new Response();
    }
    const value = held.get(key);
    return value === undefined ? new Response(null, { status: 404 }) : new Response(value);
  },
};
