// Makes messages of the Segment spec and stores them, before anybody tries to send them.

import { clean } from "./address";
import { alive } from "./consent";
import { anonymousId, kept, uuid } from "./identity";
import { enqueue, type Message } from "./send";

let referrer: string;
let here = "";

const record = (message: Pick<Message, "type" | "event" | "name" | "properties">): void => {
  enqueue({
    ...message,
    context: {
      page: { path: new URL(here).pathname, url: here, referrer, title: document.title },
    },
    messageId: uuid(),
    timestamp: new Date(),
    anonymousId,
    sessionId: kept("session"),
  });
};

/** Something happened: `track("Product Added", { product_id: 44 })`. */
export const track = (event: string, properties?: unknown): void => record({ type: "track", event, properties });

/** A page is looked at. */
export const page = (name?: string, properties?: unknown): void => record({ type: "page", name, properties });

/**
 * Tells a page view where the page's address is a new one, as it is at first. In an application of
 * one page, the page before is the referrer. Events of the new page must come after this.
 */
export const settlePage = (): void => {
  const address = clean(location.href);
  if (!alive || address === here) return;
  referrer = here || clean(document.referrer);
  here = address;
  page();
};
