// What stands before every deployed Worker, as far as the Worker can tell: Cloudflare's front, which writes the
// client's address over whatever the client says of it, and tells where the client is.
import { createServer, request } from "node:http";

const ADDRESS = "cf-connecting-ip";
/** The header that workerd, as Miniflare sets it up, takes `request.cf` from. */
const PLACE = "mf-cf-blob";

/**
 * Listens on `port` of loopback and passes everything to `target`. `geo` is what it tells of the client's place.
 */
export async function listen({ port, target, geo = {} }) {
  const server = createServer((incoming, reply) => {
    const headers = [ADDRESS, incoming.socket.remoteAddress, PLACE, JSON.stringify(geo)];
    for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
      const name = incoming.rawHeaders[at];
      if (name.toLowerCase() !== ADDRESS && name.toLowerCase() !== PLACE) headers.push(name, incoming.rawHeaders[at + 1]);
    }
    const { hostname: host, port } = target;
    const { method, url: path } = incoming;
    // A connection for each request: one that is used again may be closing at that very moment.
    const outgoing = request({ host, port, method, path, headers, agent: false }, (answer) => {
      reply.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(reply);
    });
    // Whoever waits learns that nobody answers, as from a process that is gone.
    outgoing.on("error", () => reply.destroy());
    reply.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
