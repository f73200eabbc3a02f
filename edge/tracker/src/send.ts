// Brings queued events to the edge. A message leaves the queue only when a reply names its id;
// whatever is sent twice carries the same id, which the edge counts once.

import { edge, writeKey } from "./config";
import { fingerprint, ready } from "./identity";
import { bytesOf, type Queued, queueOf } from "./queue";

/** One message of the Segment spec, as it is stored. */
export interface Message extends Queued {
  type: "track" | "page";
  anonymousId: string;
  /** The tab's, which is the journey's too: both are one visit. */
  sessionId: string;
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

const encode = (body: object): string => JSON.stringify({ ...body, sentAt: new Date(), writeKey });

/** Posts JSON as text/plain, which needs no CORS preflight, and outlives the page. */
export const post = (path: string, body: object): Promise<Response> =>
  fetch(edge + path, { method: "POST", body: encode(body), keepalive: true });

/** The oldest messages that fit. */
const pick = (messages: Message[], bytesMax: number = Max.BatchBytes): Message[] =>
  messages.filter((message) => {
    // Filled in here, since the first messages are stored before the hash is known.
    message.context.fingerprint = fingerprint;
    return (bytesMax -= bytesOf(message) + 1) > 0;
  });

/** Stores an event and sends it soon. */
export const enqueue = queueOf<Message>(
  "q",
  "wait",
  pick,
  async (batch) => {
    await ready;
    return post("/v1/batch", { batch: pick(batch) });
  },
  // Accepted, a duplicate, or dropped: the edge names an id only when it is done with it.
  ({ results }) => results,
  (messages) => {
    const batch = pick(messages);
    if (batch[0]) navigator.sendBeacon(edge + "/v1/batch", encode({ batch }));
  },
);
