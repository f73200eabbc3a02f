// The wiring. Nothing begins before consent, for which `consent.ts` waits.

import { choose, refused, watchConsent, whenAlive, withConsent } from "./consent";
import { page, settlePage, track } from "./events";
import { on, safely } from "./guard";
import { settleIdentity } from "./identity";
import { close } from "./popup";
import { captureEmail, recognize } from "./recognize";
import { watchPage } from "./send";
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
  }
}

safely(() => {
  const { on: running, q = [] }: Partial<Footfall> = window.footfall || {};
  // The script may stand on the page twice.
  if (running) return;

  withConsent(
    () => {
      settleIdentity();
      settlePage();
      recognize();
    },
    () => {
      recognize();
      close();
    },
  );

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
    if (refused) return;
    if (command[0] === "consent") run(command);
    else whenAlive(() => run(command));
  };
  footfall.consent = (given) => footfall("consent", given);
  footfall.on = true;
  window.footfall = footfall;

  watchConsent();
  if (refused) return;
  watchPage();
  watchHistory(settlePage);
  on("change", captureEmail);
  on("keydown", (event: KeyboardEvent) => event.key === "Escape" && close());
  for (const command of q) footfall(...command);
})();
