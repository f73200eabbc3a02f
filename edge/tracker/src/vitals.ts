// How the page performed, as the browser measured it: seconds, but for the layout shift.

import { safely } from "./guard";
import type { PerformanceMetrics } from "./journey";

const enum Max {
  /** Shifts belong together when they follow within this, */
  ShiftGapMs = 1e3,
  /** and not for longer than this. */
  ShiftSpanMs = 5e3,
}

const vitals: PerformanceMetrics = {};

/** Begins to measure; what the browser has noted before counts, too. */
export const watchVitals = (): void => {
  let first = 0;
  let last = 0;
  let sum = 0;
  const takes: Record<string, (entry: any) => unknown> = {
    // The first paint comes first, the first contentful one is kept.
    paint: (entry) => (vitals.renderTime = entry.startTime / 1e3),
    "largest-contentful-paint": (entry) => (vitals.lcp = entry.startTime / 1e3),
    "layout-shift": (entry) => {
      const { startTime } = entry;
      if (entry.hadRecentInput) return;
      if (startTime - last > Max.ShiftGapMs || startTime - first > Max.ShiftSpanMs) {
        first = startTime;
        sum = 0;
      }
      last = startTime;
      vitals.cls = Math.max(vitals.cls || 0, (sum += entry.value));
    },
    // The slowest: of fewer than fifty interactions on a page, that is what the metric means. Browsers tell
    // of those above a tenth of a second; without any there is no figure.
    event: (entry) => entry.interactionId && (vitals.inp = Math.max(vitals.inp || 0, entry.duration / 1e3)),
  };
  for (const type in takes)
    safely(() =>
      new PerformanceObserver((list) => list.getEntries().forEach(takes[type]!)).observe({ type, buffered: true }))();
};

/** What is known by now. A page that is not loaded yet takes at least until now. */
export const measured = (): PerformanceMetrics => {
  const [loading] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return { loadTime: (loading!.loadEventEnd || performance.now()) / 1e3, ...vitals };
};
