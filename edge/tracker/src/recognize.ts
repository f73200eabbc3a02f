// Asks the edge who this is and whether there is an offer for them.

import { edge, popupOn, writeKey } from "./config";
import { alive } from "./consent";
import { anonymousId, fingerprint, ready } from "./identity";
import { type Offer, show } from "./popup";
import { post } from "./send";

interface Person {
  email?: string;
  user_hash?: string;
}

// In memory only: an email is never stored in the browser.
let person: Person = {};

/**
 * Who the shop says this is; the hash by the shop's server is what proves it. Asks in place of
 * whoever asked before. Never rejects: without an answer there is simply no offer.
 */
export const recognize = async (who?: Person, event_type?: string): Promise<void> => {
  const asked = (person = { ...who });
  try {
    await ready;
    if (asked !== person || !alive) return;
    await post("/api/intelligence/track-customer", { ...person, fingerprint, anonymous_id: anonymousId, event_type });
    if (asked !== person || !popupOn) return;
    let address = edge + "/api/intelligence/bundle?anonymous_id=" + anonymousId;
    if (fingerprint) address += "&fingerprint=" + fingerprint;
    if (writeKey) address += "&key=" + writeKey;
    const reply = await fetch(address);
    const offer: Offer = await reply.json();
    if (asked === person) show(offer);
  } catch {
    // The next page asks again.
  }
};

/** Reads an email only from a field that the shop has marked, and only once it looks like one. */
export const captureEmail = ({ target: field }: { target: HTMLInputElement }): void => {
  const email = (alive && field.matches("[data-footfall-email]") && field.value.trim()) as string;
  if (/^\S+@\S+\.\S+$/.test(email) && email !== person.email) recognize({ email }, "checkout_email_entered");
};
