// The events that the edge has not settled yet. Storage is the truth: it is read anew each time,
// so that other tabs of the same shop share one queue.

import { load, save } from "./storage";

/** One message of the Segment spec, as it is stored. */
export interface Message {
  type: "track" | "page";
  messageId: string;
  anonymousId: string;
  /** Becomes a text of ISO 8601 when it is stored. */
  timestamp: Date | string;
  event?: string | undefined;
  name?: string | undefined;
  properties?: unknown;
  context: { page: Record<string, string>; fingerprint?: string | undefined };
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

/** All unsettled messages, oldest first. */
export const unsettled = (): Message[] => {
  try {
    return JSON.parse(load("q")).filter((message: Message) => message.messageId);
  } catch {
    return [];
  }
};

/** Replaces what is unsettled. */
export const store = (messages: Message[]): void => {
  const text = JSON.stringify(messages);
  if (text.length > Max.QueueChars) store(messages.slice(1));
  else save("q", text);
};

/** Stores a message; only what is stored is ever sent. */
export const enqueue = (message: Message): void => {
  if (bytesOf(message) < Max.MessageBytes) store([...unsettled(), message].slice(-Max.Messages));
};

/** The messages whose id none of the others has. */
export const without = (messages: Message[], others: { messageId: string }[]): Message[] =>
  messages.filter((message) => !others.some((other) => other.messageId === message.messageId));
