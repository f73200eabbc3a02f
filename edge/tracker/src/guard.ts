// A storefront never breaks because Footfall does: whatever goes wrong in here stays in here.

/** Wraps what the page calls. */
export const safely =
  <Given extends unknown[]>(work: (...given: Given) => unknown) =>
  (...given: Given): void => {
    try {
      work(...given);
    } catch {
      // Nobody on the page can do anything about it.
    }
  };

/** Listens on the window, before anybody on the page can stop the event; or after everybody. */
export const on = (type: string, listener: (event: any) => unknown, first = true): void =>
  addEventListener(type, safely(listener), first);
