// The wiring. Everything begins in `start`: whoever must be asked first (consent, Do Not Track)
// is asked there, before anything else runs.

import { page, track } from "./events";
import { on, safely } from "./guard";
import { settleIdentity } from "./identity";
import { captureEmail, know, recognize } from "./recognize";
import { watchPage } from "./send";
import { settlePage, watchHistory } from "./spa";

type Footfall = { (...command: any[]): void; q?: Iterable<any[]>; on?: boolean };

const shop = window as { footfall?: Footfall };

const start = safely(() => {
  const early = shop.footfall;
  // The script may stand on the page twice.
  if (early && early.on) return;

  const commands: Record<string, (...given: any[]) => void> = {
    track,
    page,
    identify(person) {
      know(person);
      if (footfall.on) recognize();
    },
  };
  const footfall: Footfall = safely((name: string, ...given: unknown[]) => {
    settlePage();
    commands[name]!(...given);
  });
  shop.footfall = footfall;

  settleIdentity();
  watchPage();
  watchHistory();
  on("change", captureEmail);

  page();
  for (const command of (early && early.q) || []) footfall(...command);
  recognize();
  footfall.on = true;
});

start();
