use super::*;

fn read<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).unwrap()
}

#[test]
fn the_contracts_touchpoint_is_read_in_whole_numbers() {
    let body = json!({
        "sessionId": "session_12345",
        "touchpoint": {
            "type": "product_gallery_swipe", "pageUrl": "/smart-ring-tracker?a=1#gallery",
            "interactionData": {"imageIndex": 3, "interactionDuration": 5.2},
            "performanceMetrics": {"loadTime": 0.8, "renderTime": 0.3, "errorRate": 0.0}
        },
        "contextualSignals": {"exitIntent": false, "deviceMotion": "stable"}
    });
    let read = touchpoint(read(body)).unwrap();
    let Happening::Touchpoint(touch) = read.what else {
        panic!("a touchpoint");
    };
    assert_eq!(touch.page.as_deref(), Some("/smart-ring-tracker"));
    assert!(touch.interacted);
    assert_eq!(touch.measured.dwell_ms, Some(5200));
    assert_eq!(touch.measured.load_ms, Some(800));
    assert_eq!(touch.measured.errors, Some(false));
    assert_eq!(read.properties["renderMs"], 300);
}

#[test]
fn what_breaks_the_contract_is_named() {
    let stage_of = |name: &str| stage(read(json!({"newStage": name}))).unwrap_err();
    assert_eq!(stage_of("nirvana").field, "newStage");
    assert!(
        stage_of("nirvana")
            .reason
            .contains("awareness, consideration, decision")
    );
    assert!(stage_of("purchase").reason.contains("conversion"));
    for (value, field) in [
        (json!({"type": ""}), "conversionEvent.type"),
        (
            json!({"type": "purchase", "value": -1}),
            "conversionEvent.value",
        ),
        (
            json!({"type": "purchase", "value": 1e300}),
            "conversionEvent.value",
        ),
        (
            json!({"type": "purchase", "currency": "€"}),
            "conversionEvent.currency",
        ),
        (
            json!({"type": "a", "conversionData": {"leadScore": 2}}),
            "conversionEvent.conversionData.leadScore",
        ),
    ] {
        let body = json!({"sessionId": "s", "conversionEvent": value});
        assert_eq!(
            conversion(&read(body), Currency::EUR).unwrap_err().field,
            field
        );
    }
}

#[test]
fn money_is_exact() {
    for (given, minor) in [(97.5, 9750), (0.0, 0), (19.99, 1999), (1000.0, 100_000)] {
        assert_eq!(
            value("v", given, Currency::EUR).unwrap(),
            MinorUnits::new(minor)
        );
    }
}
