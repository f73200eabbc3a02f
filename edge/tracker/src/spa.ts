// Page views of shops that change pages without loading them.

import { page, turnPage } from "./events";
import { on, safely } from "./guard";

let waiting = false;

/** Tells a page view that is still waiting. Events of the new page must come after it. */
export const settlePage = (): void => {
  if (waiting) page();
  waiting = false;
};

// A fragment is a place on the page, not another page: such a change is none.
const moved = safely(() => {
  if (!turnPage()) return;
  waiting = true;
  // A moment later, since most routers set the title after the address.
  setTimeout(settlePage);
});

/** From now on, each new address is a page view. */
export const watchHistory = (): void => {
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...given) {
      original.apply(this, given);
      moved();
    };
  }
  on("popstate", moved);
};
