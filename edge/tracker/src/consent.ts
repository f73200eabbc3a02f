// Whether this browser may be followed: what it says itself, else what its visitor has chosen, else
// what the shop's tag says. Nothing begins before `settle`, and what is to end with consent ends there.

import { consentImplied } from "./config";
import { on, safely } from "./guard";
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
// Calls that wait for consent. In memory only.
const kept: Work[] = [];

/** What each consent begins, before any call that waited. */
export const beginnings: Work[] = [];

/** What the end of consent ends. */
export const endings: Work[] = [];

/** Runs now, or once the visitor agrees; without an answer only the first hundred are kept. */
export const whenAlive = (work: Work): void => {
  if (alive) work();
  else if (!refused && kept.length < Max.KeptCalls) kept.push(safely(work));
};

/** Looks at the choice anew: another tab may have changed it, or a page after this one. `true` asks the visitor first from here on. */
export const settle = (required?: unknown): void => {
  if (required === true) implied = false;
  const before = alive;
  alive = !refused && (load("consent") || implied) > 0;
  if (!alive) {
    forget();
    if (refused) save("consent");
    endings.forEach((work) => work());
  } else if (!before) {
    [...beginnings, ...kept.splice(0)].forEach((work) => work());
  }
};

/** The visitor's choice. Nothing but a clear yes is one. A no that goes without saying is not stored. */
export const choose = (given?: unknown): void => {
  if (refused) return;
  save("consent", given === true ? "1" : implied && "0");
  settle();
};

on("storage", settle);
on("pageshow", settle);
