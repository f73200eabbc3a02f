// Small values in localStorage, those of one tab's session in sessionStorage. Where that is blocked or
// full, memory holds them for this page.

import { alive } from "./consent";

/** All that is ever stored about a visitor; what begins with an s is the tab's. */
const NAMES = ["id", "fp", "q", "wait", "done", "jq", "jwait", "back", "session"] as const;

/** The visitor's choice is the one thing that is read and stored without consent. */
export type Name = (typeof NAMES)[number] | "consent";

const memory: Record<string, unknown> = {};

const shelf = (name: Name): Storage => (name[0] === "s" ? sessionStorage : localStorage);

/** What is stored, as text, or undefined. */
export const load = (name: Name): any => {
  if (alive || name === "consent") {
    try {
      return memory[name] || shelf(name)["ff_" + name];
    } catch {
      // Nothing is stored that we could read.
    }
  }
};

/** Stores the text, durable when the browser lets us. Without a text, removes what is stored: that is always allowed. */
export const save = (name: Name, text?: string | number | false): void => {
  if (!alive && text && name !== "consent") return;
  memory[name] = text;
  try {
    if (text) shelf(name)["ff_" + name] = text;
    else delete shelf(name)["ff_" + name];
    delete memory[name];
  } catch {
    // Memory keeps it.
  }
};

/** Removes all but the visitor's choice. */
export const forget = (): void => NAMES.forEach((name) => save(name));
