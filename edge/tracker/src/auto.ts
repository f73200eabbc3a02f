// Touchpoints that the tracker sees by itself: pages, scrolling, time, marked clicks, and signs of leaving.
// Each tells the visible seconds since the one before, so that together they are the time of the visit.

import { clean } from "./address";
import { alive, beginnings, endings } from "./consent";
import { on } from "./guard";
import type { PerformanceMetrics, Touchpoint } from "./journey";
import { byTouch, here } from "./session";
import { watchHistory } from "./spa";
import { measured, watchVitals } from "./vitals";

const enum Min {
  /** Shorter looks are told with what comes after them. */
  DwellMs = 1e3,
  /** Pixels a millisecond: who throws the page down on a phone is after the address bar. */
  FlingSpeed = 2,
}

/** From now on, tells what it sees. */
export const watchAuto = (tell: (touchpoint: Touchpoint) => unknown): void => {
  let address = "";
  let pageUrl: string;
  // Of this page: the quarters that were seen, and signs of leaving.
  let quarters: number;
  let leaving: boolean;
  let warned: boolean;
  let unmeasured = true;
  let visibleSince = 0;
  let visibleMs = 0;
  let scrolledTo = 0;
  let scrolledAt = 0;

  const tick = (): number => {
    const now = performance.now();
    if (visibleSince) visibleMs += now - visibleSince;
    visibleSince = document.hidden ? 0 : now;
    return visibleMs;
  };
  const touch = (type: string, data?: object, performanceMetrics?: PerformanceMetrics): void => {
    const dwellTime = tick() / 1e3;
    visibleMs = 0;
    if (alive) {
      tell({
        ...{ type, pageUrl, performanceMetrics },
        interactionData: { ...data, dwellTime },
        contextualSignals: { exitIntent: leaving },
      });
    }
  };
  /** The page is left, or the visitor looks elsewhere. */
  const leave = (): void => {
    if (tick() < Min.DwellMs && !unmeasured) return;
    touch("dwell", { scrollDepth: quarters / 4 }, unmeasured ? measured() : undefined);
    unmeasured = false;
  };
  const arrive = (): void => {
    const next = clean(location.href);
    if (!alive || next === address) return;
    if (address) leave();
    address = next;
    pageUrl = here();
    quarters = scrolledAt = 0;
    leaving = warned = false;
    touch("page_view");
  };
  const warn = (): void => {
    leaving = true;
    if (!warned) touch("exit_intent");
    warned = true;
  };

  watchVitals();
  arrive();
  watchHistory(arrive);
  // Who agrees again begins anew; what was seen meanwhile is not told.
  beginnings.push(arrive);
  endings.push(() => {
    address = "";
    visibleMs = visibleSince = 0;
  });
  on("scroll", () => {
    const now = performance.now();
    if (scrolledAt && byTouch() && scrolledTo - scrollY > (now - scrolledAt) * Min.FlingSpeed) warn();
    scrolledTo = scrollY;
    scrolledAt = now;
    // Browsers round both, so the end is a pixel early.
    const seen = Math.min(((scrollY + innerHeight + 1) / document.documentElement.scrollHeight) * 4, 4) | 0;
    if (seen > quarters) {
      quarters = seen;
      touch("scroll_depth", { scrollDepth: quarters / 4 });
    }
  });
  on("click", (event) => {
    const marked: HTMLElement = event.target.closest("[data-footfall-touchpoint]");
    if (!marked) return;
    const { dataset } = marked;
    const data: Record<string, unknown> = {};
    for (const name in dataset) if (/^footfall./.test(name)) data[name[8]!.toLowerCase() + name.slice(9)] = dataset[name];
    touch(dataset.footfallTouchpoint!, data);
  });
  on("mouseout", (event) => !event.relatedTarget && event.clientY <= 0 && warn());
  on("mouseover", () => (leaving = false));
  let gone = false;
  on("pagehide", () => (gone = true));
  on("visibilitychange", () => {
    if (!document.hidden) {
      gone = leaving = false;
      return tick();
    }
    // On a phone, who looks at another app may not come back; the shop's next page is no such sign.
    if (!gone && byTouch()) leaving = true;
    leave();
  });
};
