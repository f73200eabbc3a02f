// The wiring. Nothing begins before consent, for which `consent.ts` waits.

import { beginnings, choose, endings, refused, settle, whenAlive } from "./consent";
import { page, settlePage, track } from "./events";
import { on, safely } from "./guard";
import { settleIdentity } from "./identity";
import { CustomerJourneyTracker } from "./journey";
import { close } from "./popup";
import { captureEmail, recognize } from "./recognize";
import { watchHistory } from "./spa";

interface Footfall {
  (...command: any[]): void;
  consent?(given: boolean): void;
  q?: Iterable<any[]>;
  on?: boolean;
}

declare global {
  interface Window {
    footfall?: Footfall;
    CustomerJourneyTracker?: typeof CustomerJourneyTracker;
  }
}

safely(() => {
  const { on: running, q = [] }: Partial<Footfall> = window.footfall || {};
  // The script may stand on the page twice.
  if (running) return;

  beginnings.push(settleIdentity, settlePage, recognize);
  endings.push(recognize, () => close());

  const commands: Record<string, (...given: any[]) => void> = {
    track,
    page,
    identify: (person) => recognize(person),
    consent: choose,
  };
  const run = safely(([name, ...given]: any[]) => {
    settlePage();
    commands[name]!(...given);
  });
  const footfall: Footfall = (...command) => {
    if (command[0] === "consent") run(command);
    else whenAlive(() => run(command));
  };
  footfall.consent = safely(choose);
  footfall.on = true;
  window.footfall = footfall;
  window.CustomerJourneyTracker = CustomerJourneyTracker;

  settle();
  if (refused) return;
  watchHistory(settlePage);
  on("change", captureEmail);
  on("keydown", (event: KeyboardEvent) => event.key === "Escape" && close());
  for (const command of q) footfall(...command);
})();
