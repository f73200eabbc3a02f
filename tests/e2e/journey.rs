//! Journeys on a real edge: one writer for a session, and the same bytes at edge and origin.

use std::thread;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::http::{Answer, Target};
use crate::support::world::World;
use crate::support::{unique, until};

const START: &str = "/api/journey/sessions/start";
const TOUCH: &str = "/api/journey/touchpoints/track";
const CONVERT: &str = "/api/journey/conversions/track";
/// Writers of one session at once.
const WRITERS: usize = 64;
/// Touchpoints of each.
const EACH: usize = 4;
/// How long the log may take to have what the edge has.
const LOGGED_WITHIN: Duration = Duration::from_secs(20);

fn start(edge: &Target, session: &str, device: &str) {
    let body = json!({
        "sessionId": session, "deviceContext": {"type": device},
        "entryPoint": {"source": "tiktok"}, "intentSignals": {"purchase_intent": 0.65}
    });
    let reply = edge.post(START, &body).expect(200);
    assert_eq!(
        reply["journeyState"]["currentStage"], "awareness",
        "{reply}"
    );
}

fn touch(edge: &Target, session: &str, id: &str, kind: &str, seconds: f64) -> Answer {
    let touchpoint =
        json!({"id": id, "type": kind, "interactionData": {"interactionDuration": seconds}});
    edge.post(
        TOUCH,
        &json!({"sessionId": session, "touchpoint": touchpoint}),
    )
    .send()
}

fn state(target: &Target, session: &str) -> Answer {
    target
        .get(&format!("/api/journey/sessions/{session}/state"))
        .send()
}

/// Waits until the origin, which folds the log, holds the very bytes that the edge holds.
#[track_caller]
fn same_bytes(world: &World, session: &str) {
    let (edge, origin) = (world.edge(), world.origin());
    let held = state(&edge, session);
    assert_eq!(held.status, 200, "{}", held.text());
    let digest = held.header("etag").to_owned();
    assert_eq!(digest.len(), 66, "{digest}");
    until("the origin has the session", LOGGED_WITHIN, || {
        let folded = state(&origin, session);
        (folded.status == 200 && folded.header("etag") == digest).then_some(())
    });
}

#[test]
fn no_step_of_sixty_four_writers_at_once_is_lost() {
    let world = World::shared();
    let session = unique("busy");
    start(&world.edge(), &session, "mobile");
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (edge, session) = (world.edge(), session.clone());
            thread::spawn(move || {
                for at in 0..EACH {
                    let id = format!("{writer}-{at}");
                    // An edge that is busy says so; the same id again is the same touchpoint.
                    let taken = (0..20)
                        .any(|_| touch(&edge, &session, &id, "product_view", 3.0).status == 200);
                    assert!(taken, "{id}");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let read = state(&world.edge(), &session).json();
    assert_eq!(
        read["journeyState"]["totalTouchpoints"],
        WRITERS * EACH,
        "{read}"
    );
    same_bytes(world, &session);
}

/// Events that look like chance and are the same in every run.
fn events(seed: usize) -> impl Iterator<Item = usize> {
    (1..30_usize).map(move |at| (at * 7919 + seed * 104_729) % 97)
}

#[test]
fn edge_and_origin_end_in_the_same_bytes() {
    let world = World::shared();
    let sessions: Vec<String> = ["mobile", "desktop", "tablet", "other"]
        .map(|_| unique("mixed"))
        .into();
    for (session, device) in sessions
        .iter()
        .zip(["mobile", "desktop", "tablet", "other"])
    {
        start(&world.edge(), session, device);
    }
    // Interleaved and at once, each touchpoint twice.
    let walks: Vec<_> = sessions
        .iter()
        .enumerate()
        .map(|(seed, session)| {
            let (edge, session) = (world.edge(), session.clone());
            thread::spawn(move || {
                for (at, event) in events(seed).enumerate() {
                    go(&edge, &session, at, event);
                }
            })
        })
        .collect();
    for walk in walks {
        walk.join().unwrap();
    }
    for session in &sessions {
        same_bytes(world, session);
    }
    let pair = json!({"primarySessionId": sessions[0], "secondarySessionId": sessions[1]});
    let linked = world
        .edge()
        .post("/api/journey/sessions/link", &pair)
        .expect(200);
    for name in [
        &sessions[0],
        &sessions[1],
        linked["linkedSessionId"].as_str().unwrap(),
    ] {
        same_bytes(world, name);
    }
}

fn go(edge: &Target, session: &str, at: usize, event: usize) {
    match event % 5 {
        0 => {
            let stage = ["awareness", "consideration", "decision"][event % 3];
            let body = json!({"newStage": stage, "engagementMetrics": {"timeOnPage": event, "scrollDepth": 0.5}});
            let call = edge.call(
                Method::PUT,
                &format!("/api/journey/sessions/{session}/stage"),
            );
            call.header("content-type", "application/json")
                .body(body.to_string())
                .expect(200);
        }
        1 => {
            let event = json!({"type": "email_signup", "value": event});
            edge.post(
                CONVERT,
                &json!({"sessionId": session, "conversionEvent": event}),
            )
            .expect(200);
        }
        kind => {
            let kind = format!("product_{kind}");
            for _ in 0..2 {
                let taken = touch(edge, session, &at.to_string(), &kind, 0.37 * event as f64);
                assert_eq!(taken.status, 200, "{}", taken.text());
            }
        }
    }
}

#[test]
fn the_contracts_own_requests_are_answered_in_its_shape() {
    let world = World::shared();
    let edge = world.edge();
    let (one, other) = (unique("session"), unique("session"));
    let requests = contract_requests(&one, &other);
    // What the origin answers is for the shop's server.
    let server = edge.with(&world.report().secret_key);
    for (method, path, body, fields) in requests {
        let target = if path.contains("/analytics/") {
            &server
        } else {
            &edge
        };
        let call = target.call(Method::from_bytes(method.as_bytes()).unwrap(), &path);
        let call = match body {
            Some(body) => call
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => call,
        };
        let reply = call.expect(200);
        for field in fields {
            let pointer = format!("/{}", field.replace('.', "/"));
            assert!(
                reply.pointer(&pointer).is_some(),
                "{path}: {field} is missing in {reply}"
            );
        }
    }
}

type Request = (&'static str, String, Option<Value>, &'static [&'static str]);

/// The contract's example requests, and the fields of its replies.
fn contract_requests(one: &str, other: &str) -> Vec<Request> {
    let start = json!({
        "sessionId": one,
        "persona": {"type": "TechEarlyAdopter", "confidence": 0.85,
            "attributes": {"age_range": "25-35", "income_level": "high", "tech_adoption": "early"}},
        "deviceContext": {"type": "mobile", "screen_size": "375x812", "connection_speed": "4g", "user_agent": "Mozilla/5.0..."},
        "entryPoint": {"source": "tiktok", "campaign": "viral_tech_2024", "landing_page": "/smart-ring-tracker",
            "referrer": "https://tiktok.com/@techguru"},
        "intentSignals": {"purchase_intent": 0.65, "urgency_level": "medium", "price_sensitivity": "low"}
    });
    let stage = json!({
        "newStage": "consideration", "triggerEvent": "product_gallery_viewed",
        "engagementMetrics": {"timeOnPage": 45, "scrollDepth": 0.8, "interactionCount": 3, "exitIntent": false},
        "contextualData": {"featuresViewed": ["heart_rate", "sleep_tracking", "waterproof"],
            "comparisonsMade": ["apple_watch", "fitbit"], "priceReaction": "positive"}
    });
    let touch = json!({
        "sessionId": one,
        "touchpoint": {"type": "product_gallery_swipe", "pageUrl": "/smart-ring-tracker#gallery",
            "interactionData": {"swipeDirection": "left", "imageIndex": 3, "zoomLevel": 1.2, "interactionDuration": 5.2},
            "performanceMetrics": {"loadTime": 0.8, "renderTime": 0.3, "errorRate": 0.0}},
        "contextualSignals": {"scrollVelocity": "fast", "clickPrecision": "accurate", "exitIntent": false, "deviceMotion": "stable"}
    });
    let conversion = json!({
        "sessionId": one,
        "conversionEvent": {"type": "email_signup", "value": 0.0, "funnelStep": "lead_capture",
            "conversionData": {"email": "user@example.com", "leadScore": 0.85, "consentGiven": true,
                "sourceAttribution": "tiktok_viral_video"}},
        "journeyContext": {"totalTouchpoints": 8, "timeToConversion": 127, "primaryInfluencer": "social_proof",
            "secondaryInfluencer": "scarcity_trigger"}
    });
    let optimize = json!({
        "sessionId": one, "optimizationType": "real_time_adaptation",
        "optimizationParameters": {"targetMetric": "conversion_probability", "adaptationStrength": "moderate",
            "preserveUserExperience": true},
        "contextualConstraints": {"deviceLimitations": ["small_screen", "touch_only"],
            "performanceBudget": "mobile_3g", "brandGuidelines": "maintain_premium_feel"}
    });
    let link = json!({
        "primarySessionId": one, "secondarySessionId": other, "linkingMethod": "email_identification",
        "linkingData": {"email": "user@example.com", "deviceTransition": "mobile_to_desktop", "timeGap": 3600,
            "contextualContinuity": true}
    });
    vec![
        (
            "POST",
            START.into(),
            Some(start),
            &[
                "success",
                "sessionId",
                "journeyState.currentStage",
                "journeyState.personalizedPath",
                "journeyState.nextOptimalTouchpoint",
                "journeyState.conversionProbability",
                "journeyState.estimatedTimeToDecision",
                "personalizedContent.heroMessage",
                "personalizedContent.callToAction",
                "personalizedContent.trustSignals",
                "personalizedContent.scarcityTrigger",
            ],
        ),
        (
            "POST",
            START.into(),
            Some(json!({"sessionId": other})),
            &["success"],
        ),
        (
            "PUT",
            format!("/api/journey/sessions/{one}/stage"),
            Some(stage),
            &[
                "success",
                "updatedJourneyState.currentStage",
                "updatedJourneyState.conversionProbability",
                "updatedJourneyState.nextOptimalTouchpoint",
                "updatedJourneyState.personalizedRecommendations",
            ],
        ),
        (
            "POST",
            TOUCH.into(),
            Some(touch),
            &[
                "success",
                "touchpointId",
                "journeyImpact.engagementDelta",
                "journeyImpact.conversionProbabilityChange",
                "journeyImpact.nextRecommendedAction",
                "realTimeAdaptation.adaptationApplied",
                "realTimeAdaptation.adaptationType",
                "realTimeAdaptation.expectedImpact",
            ],
        ),
        (
            "GET",
            format!("/api/journey/sessions/{one}/state"),
            None,
            &[
                "sessionId",
                "journeyState.currentStage",
                "journeyState.startTime",
                "journeyState.totalTouchpoints",
                "journeyState.conversionProbability",
                "journeyState.progressMetrics.engagement_score",
                "journeyState.progressMetrics.intent_strength",
                "journeyState.progressMetrics.decision_readiness",
                "touchpointHistory.0.touchpointType",
                "touchpointHistory.0.timestamp",
                "touchpointHistory.0.duration",
                "touchpointHistory.0.engagementScore",
            ],
        ),
        (
            "POST",
            CONVERT.into(),
            Some(conversion),
            &[
                "success",
                "conversionId",
                "journeyComplete",
                "nextJourneyGoal",
                "personalizedNurturing.emailSequence",
                "personalizedNurturing.retargetingAudience",
                "personalizedNurturing.upsellOpportunity",
            ],
        ),
        (
            "GET",
            format!("/api/journey/recommendations/{one}"),
            None,
            &[
                "sessionId",
                "recommendations.0.type",
                "recommendations.0.recommendation",
                "recommendations.0.reasoning",
                "recommendations.0.expectedImpact",
                "recommendations.0.priority",
                "adaptationStrategy.primaryStrategy",
                "adaptationStrategy.secondaryStrategy",
                "adaptationStrategy.expectedConversionLift",
            ],
        ),
        (
            "POST",
            "/api/journey/optimize".into(),
            Some(optimize),
            &[
                "success",
                "optimizationApplied.adaptations",
                "optimizationApplied.totalExpectedLift",
                "optimizationApplied.implementationTime",
            ],
        ),
        (
            "GET",
            "/api/journey/analytics/funnel?timeRange=7d".into(),
            None,
            &[
                "funnelMetrics.awareness.visitors",
                "funnelMetrics.awareness.conversionRate",
                "funnelMetrics.awareness.averageTime",
                "funnelMetrics.awareness.dropOffReasons",
                "funnelMetrics.consideration.visitors",
                "funnelMetrics.decision.visitors",
                "funnelMetrics.purchase.visitors",
                "funnelMetrics.purchase.conversionRate",
                "funnelMetrics.purchase.averageOrderValue",
                "optimizationOpportunities",
            ],
        ),
        (
            "GET",
            "/api/journey/analytics/cohorts".into(),
            None,
            &[
                "cohortAnalysis.mobileVideoTraffic.cohortSize",
                "cohortAnalysis.mobileVideoTraffic.conversionRate",
                "cohortAnalysis.mobileVideoTraffic.averageTimeToConversion",
                "cohortAnalysis.mobileVideoTraffic.lifeTimeValue",
                "cohortAnalysis.mobileVideoTraffic.characteristics",
                "cohortAnalysis.desktopResearchers.cohortSize",
                "cohortAnalysis.returningCustomers.cohortSize",
            ],
        ),
        (
            "POST",
            "/api/journey/sessions/link".into(),
            Some(link),
            &[
                "success",
                "linkedSessionId",
                "journeyState.combinedTouchpoints",
                "journeyState.crossDeviceInsights.researchOnDesktop",
                "journeyState.crossDeviceInsights.purchaseIntentOnMobile",
                "journeyState.crossDeviceInsights.optimalConversionDevice",
                "journeyState.unifiedConversionProbability",
            ],
        ),
    ]
}
