// The wiring. Nothing begins before `begin`, which waits for consent.

import { consentImplied } from "./config";
import { alive, refused, settleConsent } from "./consent";
import { page, settlePage, track } from "./events";
import { on, safely } from "./guard";
import { settleIdentity } from "./identity";
import { close } from "./popup";
import { captureEmail, recognize } from "./recognize";
import { watchPage } from "./send";
import { watchHistory } from "./spa";
import { forget, save } from "./storage";

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

const enum Max {
  /** A page may stay open for hours without an answer. The first commands say who this is. */
  KeptCommands = 100,
}

safely(() => {
  const { on: running, q = [] }: Partial<Footfall> = window.footfall || {};
  // The script may stand on the page twice.
  if (running) return;

  // Commands that wait for consent. In memory only.
  let kept: any[][] = [];

  const begin = (): void => {
    settleIdentity();
    settlePage();
    recognize();
    kept.forEach(run);
    kept = [];
  };
  const end = (): void => {
    forget();
    recognize();
    close();
  };
  // Another tab may have changed the choice, or a page after this one, before the visitor came back.
  const settle = (): void => {
    const before = alive;
    if (!settleConsent()) end();
    else if (!before) begin();
  };

  const commands: Record<string, (...given: any[]) => void> = {
    track,
    page,
    identify: (person) => recognize(person),
    consent(given) {
      // Nothing but a clear yes is one. A no that goes without saying is not stored.
      save("consent", given === true ? "1" : consentImplied && "0");
      settle();
    },
  };
  const run = safely(([name, ...given]: any[]) => {
    settlePage();
    commands[name]!(...given);
  });
  const footfall: Footfall = (...command) => {
    if (refused) return;
    if (alive || command[0] === "consent") run(command);
    else if (kept.length < Max.KeptCommands) kept.push(command);
  };
  footfall.consent = (given) => footfall("consent", given);
  footfall.on = true;
  window.footfall = footfall;

  settle();
  if (refused) return save("consent");
  watchPage();
  watchHistory();
  on("change", captureEmail);
  on("keydown", (event: KeyboardEvent) => event.key === "Escape" && close());
  on("storage", settle);
  on("pageshow", settle);
  for (const command of q) footfall(...command);
})();
