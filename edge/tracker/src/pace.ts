// How long to leave the edge alone after a failure. It is in storage, since the shop's next page has to
// wait too.

import { load, type Name, save } from "./storage";

const enum Max {
  /** Short, so that a phone that is back from a tunnel need not be told. */
  BackoffSeconds = 60,
  /** A longer wait is a clock that was set back, not a wish of the edge. */
  WaitMs = 36e5,
}

/** The wait that is stored under this name. */
export const paceOf = (name: Name) => {
  let failures = 0;
  return {
    /** What is left of it. */
    quietMs(): number | false {
      const wait = load(name) - Date.now();
      return wait > 0 && wait < Max.WaitMs && wait;
    },

    /** Notes how a try ended; `seconds` is what the edge asked for. */
    note(well: boolean, seconds: number): void {
      failures = well ? 0 : failures + 1;
      const backoff = Math.min(2 ** failures - 1, Max.BackoffSeconds) * Math.random();
      save(name, Date.now() + (seconds || backoff) * 1e3);
    },
  };
};
