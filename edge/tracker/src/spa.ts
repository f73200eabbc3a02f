// Shops that change pages without loading them.

import { on, safely } from "./guard";

/** From now on, each new address is told, a moment later: most routers set the title after the address. */
export const watchHistory = (listener: () => unknown): void => {
  const moved = () => setTimeout(safely(listener));
  (["pushState", "replaceState"] as const).forEach((name) => {
    const original = history[name];
    history[name] = (...given) => {
      original.apply(history, given);
      moved();
    };
  });
  on("popstate", moved);
};
