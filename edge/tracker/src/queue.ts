// What the edge has not settled yet, and when to try again. Storage is read anew each time, so that other
// tabs of the same shop share a queue. Tabs that write in one moment may write over each other's messages
// there; each page therefore holds its own in memory until they are settled, and writes them again.

import { endings } from "./consent";
import { on } from "./guard";
import { load, type Name, save } from "./storage";

/** What a queue needs to know of a message. */
export interface Queued {
  messageId: string;
  /** When it happened, where it is worth nothing after a day. */
  at?: number;
  /** Whether it is tried once, by this page alone, and never stored. */
  once?: boolean;
  /** Who waits for the reply; nobody waits for a connection, so it may be null and the message go on without them. */
  tell?: (reply: unknown) => void;
}

// A const enum, here and elsewhere, since the build writes its values into the code.
const enum Max {
  /** Older ones are dropped: an offline phone must not fill the shop's storage. */
  Messages = 500,
  /** A fifth of what browsers give a whole site (about 5 M characters). */
  QueueChars = 1e6,
  /** Segment's own limit for a message, which the edge has too. */
  MessageBytes = 32e3,
  AgeMs = 864e5,
  /** Short, so that a phone that is back from a tunnel need not be told. */
  BackoffSeconds = 60,
  /** A longer wait is a clock that was set back, not a wish of the edge. */
  WaitMs = 36e5,
}

/** The size of what is sent, as JSON. */
export const bytesOf = (value: object): number => new Blob([JSON.stringify(value)]).size;

const without = <M extends Queued>(messages: M[], others: Queued[]): M[] =>
  messages.filter((message) => !others.some((other) => other.messageId === message.messageId));

const tell = (message: Queued, reply: unknown = null): unknown => message.tell && message.tell(reply);

const lasting = (message: Queued): boolean => !message.once;

/**
 * The queue that is stored under the first name; the second keeps how long to leave the edge alone. Gives what stores a
 * message and sends it soon; without a message, what is stored is sent.
 */
export const queueOf = <M extends Queued>(
  name: Name,
  waitName: Name,
  /** Which of the unsettled go together, at least one. */
  pick: (unsettled: M[]) => M[],
  post: (picked: M[]) => Promise<Response>,
  /** What a reply settles; nothing is settled where this throws. A reply that is no JSON is null. */
  read: (reply: any, response: Response, picked: M[]) => Queued[],
  /** Hands over to the browser what it brings after the page. */
  leave: (unsettled: M[]) => void,
  /** What of a message must not be stored, as for `JSON.stringify`. */
  storable?: (field: string, value: unknown) => unknown,
) => {
  let own: M[] = [];
  let failures = 0;
  let timer: unknown = 0;

  /** How long to leave the edge alone. It is in storage, since the shop's next page has to wait too. */
  const quietMs = (): number | false => {
    const wait = load(waitName) - Date.now();
    return wait > 0 && wait < Max.WaitMs && wait;
  };

  /** All unsettled messages, oldest first. */
  const unsettled = (): M[] => {
    const all: Record<string, M> = {};
    const put = (message: M) => {
      if (message.messageId && !(Date.now() - message.at! > Max.AgeMs)) all[message.messageId] = message;
    };
    try {
      JSON.parse(load(name)).forEach(put);
    } catch {
      // Nothing is stored that we could read.
    }
    own.forEach(put);
    return Object.values(all);
  };

  /** Replaces what is unsettled. */
  const store = (messages: M[]): void => {
    const text = JSON.stringify(messages.filter(lasting), storable);
    if (text.length > Max.QueueChars) return store(messages.slice(1));
    save(name, text);
  };

  /** For now nothing more is going to be sent. */
  const release = (): void => {
    own.forEach((message) => tell(message));
    own = own.filter(lasting);
  };

  /** Sends what goes together and forgets what the reply settles; whatever is left waits a while. */
  const flush = async (): Promise<void> => {
    const wait = quietMs();
    const picked = wait ? [] : pick(unsettled());
    if (picked[0]) {
      let seconds = 0;
      let settled: Queued[] = [];
      try {
        const response = await post(picked);
        seconds = +response.headers.get("Retry-After")!;
        const reply = await response.json().catch(() => null);
        picked.forEach((message) => tell(message, response.ok ? reply : null));
        const named = read(reply, response, picked);
        own = without(own, named);
        store(without(unsettled(), named));
        settled = named;
      } catch {
        // No reply, or none that we understand: nothing is settled.
      }
      failures = without(picked, settled)[0] ? failures + 1 : 0;
      const backoff = Math.min(2 ** failures - 1, Max.BackoffSeconds) * Math.random();
      save(waitName, Date.now() + (seconds || backoff) * 1e3);
    }
    timer = 0;
    // There may be more, and after the wait as well. A flush that finds nothing is the last one.
    if (picked[0] || wait) send();
  };

  /** Sends soon; a wait that is running goes on, and what is on its way comes first. */
  const send = (): void => {
    const wait = quietMs() as number;
    if (wait) release();
    timer = timer || setTimeout(flush, wait);
  };

  endings.push(() => {
    release();
    own = [];
  });
  // A page that goes away hands over what it has, be it on its way already, and keeps it until a reply
  // settles it. Browsers tell so of a page that is left, too. Others that listen may still have something.
  on("visibilitychange", () => {
    if (document.hidden) {
      store(unsettled());
      if (!quietMs()) leave(unsettled());
    }
  }, false);

  return (message?: M): void => {
    if (message) {
      if (bytesOf(message) < Max.MessageBytes) {
        own.push(message);
        if (own.length > Max.Messages) tell(own.shift()!);
        store(unsettled().slice(-Max.Messages));
      } else tell(message);
    }
    send();
  };
};
