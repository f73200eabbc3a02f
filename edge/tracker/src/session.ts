// What is told of the beginning of a journey's session.

import { clean } from "./address";
import { uuid } from "./identity";
import type { Step } from "./steps";
import { load } from "./storage";

const enum Max {
  /** The edge's bounds: a longer text would cost the whole session. */
  NameChars = 64,
  PageChars = 500,
}

const short = (text: string | null | undefined, charsMax: number = Max.NameChars): string =>
  clean(text || "").slice(0, charsMax);

/** The page, without what may name a person. */
export const here = (): string => short(location.pathname, Max.PageChars);

/** Whether the visitor points with a finger. */
export const byTouch = (): boolean => matchMedia("(pointer:coarse)").matches;

const device = (): string =>
  !byTouch() ? "desktop" : Math.min(screen.width, screen.height) < 600 ? "mobile" : "tablet";

/** The first step of a session. The edge answers one that it has by what it is. */
export const startOf = (session: string): Step => {
  const query = new URLSearchParams(location.search);
  const { referrer } = document;
  // The site before this one: `google.com` of `https://www.google.com/search`.
  const site = referrer.startsWith(location.origin) ? "" : referrer.replace(/^\w+:\/\/(www\.)?|[/:].*/g, "");
  return {
    ...{ messageId: uuid(), at: Date.now(), id: uuid(), method: "POST", path: "sessions/start" },
    body: {
      sessionId: session,
      deviceContext: {
        type: device(),
        screen_size: screen.width + "x" + screen.height,
      },
      entryPoint: {
        source: short(query.get("utm_source") || site) || "direct",
        campaign: short(query.get("utm_campaign")),
        landing_page: here(),
        referrer: short(referrer, Max.PageChars),
      },
      returningVisitor: !!load("back"),
    },
  };
};
