// Asks the edge who this is and whether there is an offer for them.

import { edge, popupOn, writeKey } from "./config";
import { fingerprint, ready } from "./identity";
import { type Offer, show } from "./popup";
import { post } from "./send";

interface Person {
  email?: string;
  user_hash?: string;
}

// In memory only: an email is never stored in the browser.
let person: Person = {};

/** Who the shop says this is; the hash by the shop's server is what proves it. */
export const know = (who: Person): void => {
  person = { ...who };
};

/** Never rejects: without an answer there is simply no offer. */
export const recognize = async (event_type?: string): Promise<void> => {
  try {
    await ready;
    await post("/api/intelligence/track-customer", { ...person, fingerprint, event_type });
    if (!popupOn || !fingerprint) return;
    const key = writeKey ? "&key=" + writeKey : "";
    const reply = await fetch(edge + "/api/intelligence/bundle?fingerprint=" + fingerprint + key);
    show((await reply.json()) as Offer);
  } catch {
    // The next page asks again.
  }
};

/** Reads an email only from a field that the shop has marked, and only once it looks like one. */
export const captureEmail = ({ target }: Event): void => {
  const field = target as HTMLInputElement;
  if (!field.matches("[data-footfall-email]")) return;
  const email = field.value.trim();
  if (!/^\S+@\S+\.\S+$/.test(email) || email === person.email) return;
  know({ email });
  recognize("checkout_email_entered");
};
