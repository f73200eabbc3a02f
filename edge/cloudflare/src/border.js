// What crosses between JavaScript and WebAssembly, in as few steps as can be: each text and each call that goes
// over the border costs a good part of a microsecond, and a look-up has dozens of headers and fields.

/** A value of `request.cf` as a line. */
function line(value) {
  return typeof value === "string" ? value.replaceAll("\n", " ") : "";
}

/** Names and values, a line each. No header holds a line's end. */
function headerLines(headers) {
  let text = "";
  for (const [name, value] of headers) text += `${name}\n${value}\n`;
  return text;
}

/** All of a request but its body: method, URL, location, country, city, then the headers. */
export function readHead(request) {
  const { colo, country, city } = request.cf ?? {};
  return `${request.method}\n${request.url}\n${line(colo)}\n${line(country)}\n${line(city)}\n${headerLines(request.headers)}`;
}

/** The headers of a response. */
export function readHeaders(response) {
  return headerLines(response.headers);
}

/** Headers from such lines; what the runtime would not send is left out, the rest goes on. */
export function makeHeaders(lines) {
  const headers = new Headers();
  const parts = lines.split("\n");
  for (let at = 0; at + 1 < parts.length; at += 2) {
    try {
      headers.append(parts[at], parts[at + 1]);
    } catch {
      // A name or value that is none.
    }
  }
  return headers;
}

/** A response. The body is a view of memory that goes on to change, so it is copied. */
export function makeResponse(status, lines, body) {
  const headers = makeHeaders(lines);
  return new Response(body.length === 0 ? null : body.slice(), { status, headers });
}
