// Requests and replies between Node's HTTP and the component's.
import { Request, Response, _fieldsFromEntriesChecked } from "@bytecodealliance/preview3-shim/http";
import { StreamReader } from "@bytecodealliance/preview3-shim/stream";

/** No more is kept of a body: more than the component takes, so that it refuses a longer one itself. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
const NO_TRAILERS = Promise.resolve({ tag: "ok", val: undefined });

/** Takes a request as a whole and gives it as the component's. `spin-client-addr` tells who asks, as Spin does. */
export async function read(incoming) {
  const chunks = [];
  let length = 0;
  for await (const chunk of incoming) {
    length += chunk.length;
    if (length <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  // Without a stream the component could not ask for the body.
  const body = new StreamReader(ReadableStream.from(chunks));
  const [request] = Request.new(headers(incoming), body, NO_TRAILERS, null);
  request.setMethod(incoming.method);
  request.setScheme({ tag: "HTTP" });
  request.setAuthority(incoming.headers.host);
  request.setPathWithQuery(incoming.url);
  return request;
}

function headers(incoming) {
  const entries = [];
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at].toLowerCase();
    // From outside, Spin's own headers are lies.
    if (OF_THE_CONNECTION.has(name) || name.startsWith("spin-")) continue;
    entries.push([name, Buffer.from(incoming.rawHeaders[at + 1], "latin1")]);
  }
  const { remoteAddress, remotePort } = incoming.socket;
  entries.push(["spin-client-addr", Buffer.from(`${remoteAddress}:${remotePort}`)]);
  return _fieldsFromEntriesChecked(entries);
}

/** Takes the component's reply as a whole, so that a component that breaks off gives none. */
export async function taken(reply) {
  const [body] = Response.consumeBody(reply, Promise.resolve());
  const chunks = [];
  if (body) for (let chunk; (chunk = await body.read()) !== null; ) chunks.push(chunk);
  const headers = [];
  for (const [name, value] of reply.getHeaders().copyAll()) {
    headers.push(name, Buffer.from(value).toString("latin1"));
  }
  return { status: reply.getStatusCode(), headers, body: Buffer.concat(chunks) };
}
