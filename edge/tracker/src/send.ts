// Brings queued events to the edge. A message leaves the queue only when a reply names its id;
// whatever is sent twice carries the same id, which the edge counts once.

import { edge, writeKey } from "./config";
import { on } from "./guard";
import { fingerprint, ready } from "./identity";
import { paceOf } from "./pace";
import { bytesOf, type Queued, queueOf, without } from "./queue";

/** One message of the Segment spec, as it is stored. */
export interface Message extends Queued {
  type: "track" | "page";
  anonymousId: string;
  /** Becomes a text of ISO 8601 when it is stored. */
  timestamp: Date | string;
  event?: string | undefined;
  name?: string | undefined;
  properties?: unknown;
  context: { page: Record<string, string>; fingerprint?: string | undefined };
}

const enum Max {
  /** Browsers share 64 KiB among all keepalive requests of a page; the rest is margin. */
  BatchBytes = 5e4,
}

/** The events that the edge has not settled yet. */
export const queue = queueOf<Message>("q");
const { quietMs, note } = paceOf("wait");

const encode = (body: object): string => JSON.stringify({ ...body, sentAt: new Date(), writeKey });

let timer = 0;

/** Posts JSON as text/plain, which needs no CORS preflight, and outlives the page. */
export const post = (path: string, body: object): Promise<Response> =>
  fetch(edge + path, { method: "POST", body: encode(body), keepalive: true });

/** The oldest messages that fit; none while the edge is to be left alone. */
const take = (bytesMax = quietMs() ? 0 : Max.BatchBytes): Message[] =>
  queue.unsettled().filter((message) => {
    // Filled in here, since the first messages are stored before the hash is known.
    message.context.fingerprint = fingerprint;
    return (bytesMax -= bytesOf(message) + 1) > 0;
  });

/** Sends a batch and forgets what the reply names; whatever is left waits a while. */
const flush = async (): Promise<void> => {
  await ready;
  const wait = quietMs();
  const batch = take();
  if (batch[0]) {
    let seconds = 0;
    let well = false;
    try {
      const reply = await post("/v1/batch", { batch });
      seconds = +reply.headers.get("Retry-After")!;
      // Accepted, a duplicate, or dropped: the edge names an id only when it is done with it.
      const { results } = await reply.json();
      queue.settle(results);
      well = !without(batch, results)[0];
    } catch {
      // No reply, or none that we understand: nothing is settled.
    }
    note(well, seconds);
  }
  timer = 0;
  // There may be more, and after the wait as well. A flush that finds nothing is the last one.
  if (batch[0] || wait) send();
};

/** Sends soon; a wait that is running goes on, and a batch that is on its way comes first. */
export const send = (): void => {
  timer = timer || setTimeout(flush, quietMs() as number);
};

/**
 * A page that goes away hands over what it has, be it on its way already, and keeps it until a reply
 * settles it. Browsers tell so of a page that is left, too.
 */
export const watchPage = (): void =>
  on("visibilitychange", () => {
    if (!document.hidden) return;
    queue.settle([]);
    const batch = take();
    if (batch[0]) navigator.sendBeacon(edge + "/v1/batch", encode({ batch }));
  });
