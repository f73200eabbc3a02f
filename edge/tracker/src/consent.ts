// Whether this browser may be followed: what it says itself, else what its visitor has chosen, else
// what the shop's tag says. Nothing begins before `settle`, and what is to end with consent ends there.

import { consentImplied } from "./config";
import { on } from "./guard";
import { forget, load, save } from "./storage";

const enum Max {
  /** A page may stay open for hours without an answer. The first calls say who this is. */
  KeptCalls = 100,
}

type Work = () => unknown;

/** The browser speaks for its visitor: Global Privacy Control or Do Not Track. */
export const refused = [navigator, window].some((from: any) => from.globalPrivacyControl || from.doNotTrack == 1);

/** While this is false, nothing is read from the device, stored on it or sent. */
export let alive = false;

let implied = consentImplied;
let watched: unknown;
// Calls that wait for consent. In memory only.
let kept: Work[] = [];
const beginnings: Work[] = [];
const endings: Work[] = [];

/** What each consent begins, before any call that waited, and what its end ends. */
export const withConsent = (begin?: Work, end?: Work): void => {
  if (begin) beginnings.push(begin);
  if (end) endings.push(end);
};

/** Runs now, or once the visitor agrees; without an answer only the first hundred are kept. */
export const whenAlive = (work: Work): void => {
  if (alive) work();
  else if (!refused && kept.length < Max.KeptCalls) kept.push(work);
};

/** Looks at the choice anew: another tab may have changed it, or a page after this one. */
const settle = (): void => {
  const before = alive;
  alive = !refused && (load("consent") || implied) > 0;
  if (!alive) {
    forget();
    endings.forEach((work) => work());
  } else if (!before) {
    const waiting = kept;
    kept = [];
    [...beginnings, ...waiting].forEach((work) => work());
  }
};

/** The visitor's choice. Nothing but a clear yes is one. A no that goes without saying is not stored. */
export const choose = (given?: unknown): void => {
  if (refused) return;
  save("consent", given === true ? "1" : implied && "0");
  settle();
};

/** Looks at the choice, now and whenever it may have changed; `required` asks the visitor first from here on. */
export const watchConsent = (required?: boolean): void => {
  if (required) implied = false;
  settle();
  if (refused) save("consent");
  else if (!watched) {
    watched = 1;
    on("storage", settle);
    on("pageshow", settle);
  }
};
