// What the tests share: a Worker with its origin, and how they wait.
import { KEYS, startOrigin } from "./origin.mjs";
import { start } from "./workerd.mjs";

export const testing = new URL("../build-testing", import.meta.url).pathname;

/** Starts both, and stops them after the test. */
export async function world(test, options = {}) {
  const origin = await startOrigin();
  const vars = { EDGE_KEYS: KEYS, ORIGIN_URL: origin.url, ...options.vars };
  const edge = await start({ build: testing, ...options, vars });
  test.after(async () => {
    await edge.stop();
    origin.stop();
  });
  return { origin, edge, url: edge.url, take: (ids, event) => take(edge.url, ids, event) };
}

/** Sends a batch of events with these ids; gives what the edge says of each. */
export async function take(url, ids, event = "Product Viewed") {
  const batch = ids.map((messageId) => ({ type: "track", event, messageId, anonymousId: "visitor" }));
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/batch`, { method: "POST", headers, body: JSON.stringify({ batch }) });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()).results.map((result) => result.status);
}

/** Asks until the answer is true, at most so many seconds. */
export async function until(what, seconds, ask) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await ask()) return;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
