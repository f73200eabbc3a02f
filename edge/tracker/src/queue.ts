// What the edge has not settled yet. Storage is read anew each time, so that other tabs of the same
// shop share one queue. Tabs that write in one moment may write over each other's messages there; each
// page therefore holds its own in memory until they are settled, and writes them again.

import { withConsent } from "./consent";
import { load, type Name, save } from "./storage";

/** What a queue needs to know of a message. */
export interface Queued {
  messageId: string;
}

// A const enum, here and elsewhere, since the build writes its values into the code.
const enum Max {
  /** Older ones are dropped: an offline phone must not fill the shop's storage. */
  Messages = 500,
  /** A fifth of what browsers give a whole site (about 5 M characters). */
  QueueChars = 1e6,
  /** Segment's own limit for a message, which the edge has too. */
  MessageBytes = 32e3,
}

/** The size of what is sent, as JSON. */
export const bytesOf = (value: object): number => new Blob([JSON.stringify(value)]).size;

/** The messages whose id none of the others has. */
export const without = <M extends Queued>(messages: M[], others: Queued[]): M[] =>
  messages.filter((message) => !others.some((other) => other.messageId === message.messageId));

/** The queue that is stored under this name; `stays` says which fields stay in memory. */
export const queueOf = <M extends Queued>(name: Name, stays?: (field: string, value: unknown) => unknown) => {
  let own: M[] = [];

  /** All unsettled messages, oldest first. */
  const unsettled = (): M[] => {
    const all = new Map<string, M>();
    const put = (message: M) => message.messageId && all.set(message.messageId, message);
    try {
      JSON.parse(load(name)).forEach(put);
    } catch {
      // Nothing is stored that we could read.
    }
    own.forEach(put);
    return [...all.values()];
  };

  /** Replaces what is unsettled. */
  const store = (messages: M[]): void => {
    const text = JSON.stringify(messages, stays);
    if (text.length > Max.QueueChars) return store(messages.slice(1));
    const left = new Set(messages);
    own = own.filter((message) => left.has(message));
    save(name, text);
  };

  withConsent(undefined, () => (own = []));
  return {
    unsettled,

    /** Stores a message, and says so: only what is stored is ever sent. */
    enqueue(message: M): boolean {
      const fits = bytesOf(message) < Max.MessageBytes;
      if (fits) {
        own.push(message);
        store(unsettled().slice(-Max.Messages));
      }
      return fits;
    },

    /** Forgets what is settled, and writes again what another tab has written over. */
    settle(settled: Queued[]): void {
      own = without(own, settled);
      store(without(unsettled(), settled));
    },
  };
};
