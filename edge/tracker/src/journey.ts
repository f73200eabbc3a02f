// The contract's class. Nothing in it throws or rejects: a page goes on without Footfall.

import { watchAuto } from "./auto";
import { edge, writeKey } from "./config";
import { alive, choose, settle, whenAlive } from "./consent";
import { safely } from "./guard";
import { kept, uuid } from "./identity";
import { here, startOf } from "./session";
import { bringTo, enqueue } from "./steps";
import { save } from "./storage";

/** A stage of a journey. */
export type Stage = "awareness" | "consideration" | "decision" | "purchase" | "retention";

/** What the probabilities and lifts of a reply rest on: `"prior"` until the shop has data of its own. */
export type Basis = string;

/** What the tracker is told once. */
export interface TrackerOptions {
  /** The shop's publishable key; with the script tag, the tag's own where it is missing. */
  apiKey?: string | undefined;
  /** The shop's own id of the session, at most 128 characters. Without one the tab makes one and keeps it. */
  sessionId?: string | undefined;
  /** Tells page views, scroll depth, dwell time, marked clicks, web vitals and exit intent by itself. */
  autoTrack?: boolean | undefined;
  /** The edge's address; else whoever served the script, or for the module the page's own address. */
  endpoint?: string | undefined;
  /** `"required"` asks the visitor first, as the tag's `data-consent` does. */
  consent?: "required" | undefined;
}

/** How the page performed. The edge's model reads the first three. */
export interface PerformanceMetrics {
  /** Seconds until the page was loaded. */
  loadTime?: number | undefined;
  /** Seconds until something was to be seen. */
  renderTime?: number | undefined;
  /** Errors for each request, 0 to 1. */
  errorRate?: number | undefined;
  /** Largest contentful paint, seconds. */
  lcp?: number | undefined;
  /** Cumulative layout shift. */
  cls?: number | undefined;
  /** Interaction to next paint, seconds. */
  inp?: number | undefined;
}

/** Something that the shopper met. */
export interface Touchpoint {
  /** A name that the shop chooses, at most 64 characters. */
  type: string;
  /** The page; where it is missing, the path of this one. */
  pageUrl?: string | undefined;
  /** What the shopper did. `interactionDuration` and `dwellTime` are seconds, `scrollDepth` is 0 to 1. */
  interactionData?: Record<string, unknown> | undefined;
  /** How the page performed. */
  performanceMetrics?: PerformanceMetrics | undefined;
  /** What the page saw beside it, such as `exitIntent`. */
  contextualSignals?: Record<string, unknown> | undefined;
  /** The shop's own id of it; a repetition under the same id counts once. */
  id?: string | undefined;
}

/** A goal that was reached. */
export interface Conversion {
  /** As `email_signup` or `purchase`. */
  type: string;
  /** In major units of the currency. */
  value?: number | undefined;
  /** ISO 4217; the shop's own where it is missing. */
  currency?: string | undefined;
  /** The shop's own step of its funnel. */
  funnelStep?: string | undefined;
  /** What came with it. `email` is sent, but never stored in the browser; the edge keeps it only with `consentGiven`. */
  conversionData?: Record<string, unknown> | undefined;
  /** What the page thinks of the way there. */
  journeyContext?: Record<string, unknown> | undefined;
  /** The shop's own id of it; a repetition under the same id counts once. */
  id?: string | undefined;
}

/** A change of stage. */
export interface StageChange {
  /** Where to; `purchase` is reached by a conversion alone. */
  newStage: Exclude<Stage, "purchase">;
  /** What set it off. */
  triggerEvent?: string | undefined;
  /** What the page measured. */
  engagementMetrics?: { timeOnPage?: number; scrollDepth?: number; interactionCount?: number; exitIntent?: boolean } | undefined;
  /** What the shopper looked at. */
  contextualData?: { featuresViewed?: string[]; comparisonsMade?: string[]; priceReaction?: "positive" | "neutral" | "negative" } | undefined;
}

/** What to optimize, and within which bounds. */
export interface Optimization {
  /** As `real_time_adaptation`. */
  optimizationType: string;
  /** As `targetMetric` and `adaptationStrength`. */
  optimizationParameters?: Record<string, unknown> | undefined;
  /** As `deviceLimitations` and `performanceBudget`. */
  contextualConstraints?: Record<string, unknown> | undefined;
}

/** Another session of the same person. */
export interface SessionLink {
  /** The other session. */
  secondarySessionId: string;
  /** As `email_identification`. */
  linkingMethod?: string | undefined;
  /** What shows that they belong together; an email needs the shop's `user_hash`. */
  linkingData?: Record<string, unknown> | undefined;
}

/** The edge's reply to a touchpoint. */
export interface TouchpointReply {
  success: true;
  touchpointId: string;
  journeyImpact: { engagementDelta: number; conversionProbabilityChange: number; nextRecommendedAction: string; basis?: Basis };
  realTimeAdaptation: { adaptationApplied: boolean; adaptationType: string | null; expectedImpact: number | null };
}

/** The edge's reply to a conversion. */
export interface ConversionReply {
  success: true;
  conversionId: string;
  journeyComplete: boolean;
  nextJourneyGoal: string | null;
  personalizedNurturing: { emailSequence: string | null; retargetingAudience: string; upsellOpportunity: string | null };
}

/** The edge's reply to a change of stage. */
export interface StageReply {
  success: true;
  updatedJourneyState: {
    currentStage: Stage;
    conversionProbability: number;
    nextOptimalTouchpoint: string;
    personalizedRecommendations: { type: string; content: string; priority: string }[];
    basis?: Basis;
  };
}

/** A session as it is. */
export interface StateReply {
  sessionId: string;
  journeyState: {
    currentStage: Stage;
    startTime: string;
    totalTouchpoints: number;
    conversionProbability: number;
    progressMetrics: { engagement_score: number; intent_strength: number; decision_readiness: number };
    basis?: Basis;
  };
  touchpointHistory: { touchpointType: string; timestamp: string; duration: number | null; engagementScore: number }[];
}

/** What fits the shopper now. */
export interface RecommendationsReply {
  sessionId: string;
  recommendations: { type: string; recommendation: string; reasoning: string; expectedImpact: number | null; priority: string }[];
  adaptationStrategy: { primaryStrategy: string | null; secondaryStrategy: string | null; expectedConversionLift: number | null };
}

/** What was adapted. */
export interface OptimizationReply {
  success: true;
  optimizationApplied: {
    adaptations: { type: string; change: string; expectedImpact: number | null }[];
    totalExpectedLift: number | null;
    implementationTime: string;
  };
}

/** What two linked sessions are together. */
export interface LinkReply {
  success: true;
  linkedSessionId: string;
  journeyState: {
    combinedTouchpoints: number;
    crossDeviceInsights: { researchOnDesktop: boolean; purchaseIntentOnMobile: boolean; optimalConversionDevice: string | null };
    unifiedConversionProbability: number;
    basis?: Basis;
  };
}

/** The visitor's choice, as `footfall.consent` of the script tag: anything but `true` is a no. */
export const consent = (given: boolean): void => safely(choose)(given);

// The session that this page has begun. A page begins the one that it finds, too: where the edge still has it nothing
// happens, and a visit that went on after a long pause tells where it comes from.
let begun: string;

/**
 * Tells the edge a shopper's journey and what to make of it.
 *
 * ```js
 * const journey = new CustomerJourneyTracker({ apiKey: "ff_pk_…", autoTrack: true });
 * await journey.trackTouchpoint({ type: "product_gallery_swipe", interactionData: { imageIndex: 3 } });
 * const recommendations = await journey.getRecommendations();
 * ```
 *
 * It begins its session by itself. Each method gives a promise of the contract's reply, or of `null` where
 * there is none: the edge cannot be reached, refuses, or the visitor has not agreed. None ever throws or
 * rejects. Touchpoints, conversions and changes of stage are kept and sent again until the edge has answered,
 * also by the shop's next page; what is called before the visitor's consent waits for it. With Do Not Track or
 * Global Privacy Control nothing is done at all.
 */
export class CustomerJourneyTracker {
  private readonly own: string | undefined;

  constructor(options?: TrackerOptions) {
    const { apiKey = writeKey, sessionId, autoTrack, endpoint = edge, consent }: TrackerOptions = options || {};
    this.own = sessionId;
    safely(() => {
      settle(consent === "required");
      whenAlive(() => {
        bringTo(endpoint, apiKey);
        if (autoTrack) watchAuto((touchpoint) => this.trackTouchpoint(touchpoint));
      });
    })();
  }

  /** Tells a touchpoint. */
  trackTouchpoint(touchpoint: Touchpoint): Promise<TouchpointReply | null> {
    return this.tell("touchpoints/track", "touchpoint", "contextualSignals", { pageUrl: here(), ...touchpoint });
  }

  /** Tells a goal that was reached. */
  trackConversion(conversion: Conversion): Promise<ConversionReply | null> {
    return this.tell("conversions/track", "conversionEvent", "journeyContext", conversion);
  }

  /** Moves the session to another stage. */
  updateStage(change: StageChange): Promise<StageReply | null> {
    return this.call("sessions/*/stage", { ...change }, uuid(), "");
  }

  /** What fits the shopper now, with all that was told before. */
  getRecommendations(): Promise<RecommendationsReply | null> {
    return this.call("recommendations/*");
  }

  /** Has the journey adapted, and says what was. */
  optimize(optimization: Optimization): Promise<OptimizationReply | null> {
    return this.call("optimize", { ...optimization });
  }

  /** The session as it is. */
  getState(): Promise<StateReply | null> {
    return this.call("sessions/*/state");
  }

  /** Says that another session is the same person's. Nothing of it is stored in the browser. */
  link(link: SessionLink): Promise<LinkReply | null> {
    return this.call("sessions/link", { ...link }, "", "primarySessionId");
  }

  /** Has what is told under the first name, and its second part beside it, as the contract wants them. */
  private tell(path: string, name: string, beside: string, given: object): Promise<any> {
    const { id = uuid(), [beside]: other, ...rest }: Record<string, any> = given || {};
    return this.call(path, { [name]: { id, ...rest }, [beside]: other }, id);
  }

  /**
   * Begins the session if this page has not. What has an id is kept until it is answered; a star is where the path
   * has the session, and `field` where the body has it.
   */
  private call(path: string, body?: object, id?: string, field = "sessionId"): Promise<any> {
    return new Promise<any>((tell) => {
      whenAlive(() => {
        const session = this.own || kept("session");
        if (session !== begun) {
          enqueue(startOf((begun = session)));
          save("back", 1);
        }
        enqueue({
          ...{ messageId: uuid(), at: Date.now(), id, once: !id, tell },
          method: !body ? "GET" : field ? "POST" : "PUT",
          path: path.replace("*", encodeURIComponent(session)),
          body: body && { ...(field && { [field]: session }), ...body },
        });
      });
      // What waits for consent is done then, but nobody waits for it.
      if (!alive) tell(null);
    }).catch(() => null);
  }
}
