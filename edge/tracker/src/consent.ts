// Whether this browser may be followed: what it says itself, else what its visitor has chosen, else
// what the shop's tag says.

import { consentImplied } from "./config";
import { load } from "./storage";

/** The browser speaks for its visitor: Global Privacy Control or Do Not Track. */
export const refused = [navigator, window].some((from: any) => from.globalPrivacyControl || from.doNotTrack == 1);

/** While this is false, nothing is read from the device, stored on it or sent. */
export let alive = false;

/** Looks at the choice anew. */
export const settleConsent = (): boolean => (alive = !refused && (load("consent") || consentImplied) > 0);
