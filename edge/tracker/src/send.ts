// Brings queued events to the edge. A message leaves the queue only when a reply names its id;
// whatever is sent twice carries the same id, which the edge counts once.

import { edge, writeKey } from "./config";
import { on } from "./guard";
import { fingerprint, ready } from "./identity";
import { bytesOf, type Message, settle, unsettled, without } from "./queue";
import { load, save } from "./storage";

const enum Max {
  /** Browsers share 64 KiB among all keepalive requests and beacons of a page; the rest is margin. */
  KeepaliveBytes = 6e4,
  BatchBytes = 5e4,
  /** Short, so that a phone that is back from a tunnel need not be told. */
  BackoffSeconds = 60,
  /** A longer wait is a clock that was set back, not a wish of the edge. */
  WaitMs = 36e5,
}

let bytesInFlight = 0;
let flying: Message[] = [];
let failures = 0;
let timer = 0;

const encode = (body: object): string => JSON.stringify({ ...body, writeKey });

/** Posts JSON as text/plain, which needs no CORS preflight, and outlives the page where it may. */
export const post = (path: string, body: object): Promise<Response> => {
  const text = encode(body);
  const bytes = bytesOf(text);
  bytesInFlight += bytes;
  return fetch(edge + path, {
    method: "POST",
    body: text,
    keepalive: bytesInFlight < Max.KeepaliveBytes,
  }).finally(() => {
    bytesInFlight -= bytes;
  });
};

/** The oldest messages that fit and are not on their way already. */
const take = (bytesMax: number): Message[] =>
  without(unsettled(), flying).filter((message) => {
    // Filled in here, since the first messages are stored before the hash is known.
    message.context.fingerprint = fingerprint;
    return (bytesMax -= bytesOf(JSON.stringify(message)) + 1) > 0;
  });

const envelope = (batch: Message[]) => ({ batch, sentAt: new Date().toISOString() });

/** How long to leave the edge alone. It is in storage, since the shop's next page has to wait too. */
const quietMs = (): number => {
  const wait = load("wait") - Date.now();
  return wait > 0 && wait < Max.WaitMs ? wait : 0;
};

/** Sends one batch and forgets what the reply names; whatever is left waits a while. */
const sendBatch = async (): Promise<void> => {
  let left = flying;
  let seconds = 0;
  try {
    const reply = await post("/v1/batch", envelope(flying));
    seconds = +reply.headers.get("Retry-After")!;
    // Accepted, a duplicate, or dropped: the edge names an id only when it is done with it.
    const { results } = await reply.json();
    settle(results);
    left = without(left, results);
  } catch {
    // No reply, or none that we understand: nothing is settled.
  }
  failures = left[0] ? failures + 1 : 0;
  const backoff = failures && Math.min(2 ** failures, Max.BackoffSeconds) * Math.random();
  save("wait", Date.now() + (seconds || backoff) * 1e3);
};

const flush = async (): Promise<void> => {
  timer = 0;
  await ready;
  if (flying[0]) return;
  if (!quietMs()) {
    flying = take(Max.BatchBytes);
    if (flying[0]) await sendBatch();
    flying = [];
  }
  if (unsettled()[0]) send(quietMs());
};

/** Sends soon; a wait that is running goes on. */
export const send = (delayMs?: number): void => {
  timer = timer || setTimeout(flush, delayMs);
};

/** The page may go away now: hands over what remains, and keeps it until a reply settles it. */
const beacon = (): void => {
  const batch = take(Max.KeepaliveBytes - bytesInFlight);
  if (batch[0] && !quietMs()) navigator.sendBeacon(edge + "/v1/batch", encode(envelope(batch)));
};

/** Beacons when the page goes away. */
export const watchPage = (): void => {
  on("pagehide", beacon);
  on("visibilitychange", () => document.hidden && beacon());
};
