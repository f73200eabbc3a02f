// Small values in localStorage. Where that is blocked or full, memory holds them for this page.

const memory: Record<string, string | number> = {};

/** What is stored, as text, or undefined. */
export const load = (name: string): any => {
  try {
    return memory[name] || localStorage["ff_" + name];
  } catch {
    // Nothing is stored that we could read.
  }
};

/** Stores the text, durable when the browser lets us. */
export const save = (name: string, text: string | number): void => {
  try {
    localStorage["ff_" + name] = text;
    delete memory[name];
  } catch {
    memory[name] = text;
  }
};
