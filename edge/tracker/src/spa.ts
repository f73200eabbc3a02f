// Page views of shops that change pages without loading them.

import { settlePage } from "./events";
import { on } from "./guard";

// A moment later, since most routers set the title after the address.
const moved = () => setTimeout(settlePage);

/** From now on, each new address is a page view. */
export const watchHistory = (): void => {
  (["pushState", "replaceState"] as const).forEach((name) => {
    const original = history[name];
    history[name] = (...given) => {
      original.apply(history, given);
      moved();
    };
  });
  on("popstate", moved);
};
