//! Reads messages of the Segment spec into events.
//!
//! Clock skew: a client's clock may be wrong, but the time between its `timestamp` and its `sentAt` is
//! right, so `at = received − (sentAt − timestamp)` (Segment, "Spec: Common Fields").

use serde_json::{Map, Value};

use crate::event::{Device, Event, EventKind};
use crate::id::{Entropy, EventId, ShopId};
use crate::identity::{Email, FingerprintHash, IpHash, Salt, Trust};
use crate::text::{InvalidField, bounded, required};
use crate::time::{DAY_MS, UtcMillis};

/// Most messages in one batch.
pub const MESSAGES_MAX: usize = 500;
/// Largest single message, in bytes of JSON; the spec's own bound.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// Longest event, page or screen name, in characters.
pub const NAME_CHARS_MAX: usize = 200;
/// Longest visitor, session or group id, in characters.
pub const ID_CHARS_MAX: usize = 200;
/// Longest fingerprint, in characters.
pub const FINGERPRINT_CHARS_MAX: usize = 256;
/// How far ahead of the server an event may claim to be, after correction.
const AHEAD_MS_MAX: i64 = DAY_MS;
/// How old an event may be: queues of devices that were offline for long still count.
const AGE_MS_MAX: i64 = 400 * DAY_MS;

/// What the server knows of the request that a message came in.
#[derive(Debug, Clone)]
pub struct Received<'a> {
    /// The shop whose key was shown.
    pub shop: &'a ShopId,
    /// The shop's salt.
    pub salt: &'a Salt,
    /// The secret with which its back end vouches for emails.
    pub identity_secret: &'a str,
    /// The server's clock.
    pub now: UtcMillis,
    /// The device as far as the request shows it.
    pub device: &'a Device,
    /// The browser's user agent, for messages that do not tell it themselves (`context.userAgent`).
    pub user_agent: Option<&'a str>,
    /// Whether the shop's own server sends it, which knows its customers' emails and may say which address a
    /// visitor has (`context.ip`).
    pub from_backend: bool,
    /// The batch's `sentAt`, for messages without their own.
    pub sent_at: Option<UtcMillis>,
    /// Kind that the route stands for (`/v1/track`); `None` for a batch.
    pub kind: Option<EventKind>,
}

/// Reads the `sentAt` of a batch; what is no timestamp counts as not given.
#[must_use]
pub fn sent_at(value: Option<&Value>) -> Option<UtcMillis> {
    value
        .and_then(Value::as_str)
        .and_then(UtcMillis::parse_rfc3339)
}

/// Reads one message.
///
/// # Errors
/// [`InvalidField`] names the field of the message that breaks the spec.
pub fn parse(
    mut message: Map<String, Value>,
    received: &Received<'_>,
    entropy: Entropy,
) -> Result<Event, InvalidField> {
    let kind = kind_of(&message, received.kind)?;
    let id = match take_text(&mut message, "messageId", EventId::CHARS_MAX)? {
        Some(id) => EventId::parse(&id)?,
        None => EventId::generate(received.now, entropy),
    };
    let name = name_of(&mut message, kind)?;
    let at = happened_at(&mut message, received)?;
    let anonymous_id = take_text(&mut message, "anonymousId", ID_CHARS_MAX)?;
    let user_id = take_text(&mut message, "userId", ID_CHARS_MAX)?;
    let needs_visitor = anonymous_id.is_none() && user_id.is_none();
    if needs_visitor && kind != EventKind::Alias {
        return Err(InvalidField::new("anonymousId", "or userId is required"));
    }
    let required_ids = match kind {
        EventKind::Group => Some("groupId"),
        EventKind::Alias => Some("previousId"),
        _ => None,
    };
    if let Some(field) = required_ids {
        let given = message
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default();
        required(field, given, ID_CHARS_MAX)?;
    }
    for field in ["properties", "traits", "context"] {
        objects_only(&mut message, field)?;
    }
    tell_agent(&mut message, received.user_agent);
    let (email, trust) = take_email(&mut message, received)?;
    let device = take_device(&mut message, received)?;
    let session_id = session_of(&mut message)?;
    for field in [
        "type",
        "sentAt",
        "originalTimestamp",
        "receivedAt",
        "writeKey",
        "integrations",
    ] {
        message.remove(field);
    }
    no_nul("message", &Value::Object(message.clone()))?;
    Ok(Event {
        shop: received.shop.clone(),
        id,
        kind,
        name,
        at,
        received_at: received.now,
        anonymous_id,
        user_id,
        session_id,
        email,
        trust,
        device,
        body: message,
    })
}

fn kind_of(
    message: &Map<String, Value>,
    route: Option<EventKind>,
) -> Result<EventKind, InvalidField> {
    let unknown = || {
        InvalidField::new(
            "type",
            "must be track, page, identify, screen, group or alias",
        )
    };
    match (message.get("type"), route) {
        (_, Some(kind)) => Ok(kind),
        (Some(Value::String(text)), None) => EventKind::parse(text)
            .filter(|kind| EventKind::SPEC.contains(kind))
            .ok_or_else(unknown),
        _ => Err(unknown()),
    }
}

fn name_of(
    message: &mut Map<String, Value>,
    kind: EventKind,
) -> Result<Option<String>, InvalidField> {
    match kind {
        EventKind::Track => take_text(message, "event", NAME_CHARS_MAX)?
            .ok_or_else(|| InvalidField::new("event", "is required"))
            .map(Some),
        EventKind::Page | EventKind::Screen => take_text(message, "name", NAME_CHARS_MAX),
        EventKind::Identify | EventKind::Group | EventKind::Alias | EventKind::Journey => Ok(None),
    }
}

fn happened_at(
    message: &mut Map<String, Value>,
    received: &Received<'_>,
) -> Result<UtcMillis, InvalidField> {
    let sent_at = sent_at(message.get("sentAt")).or(received.sent_at);
    let given = match message
        .remove("timestamp")
        .or_else(|| message.get("originalTimestamp").cloned())
    {
        None | Some(Value::Null) => return Ok(received.now),
        Some(Value::String(text)) => UtcMillis::parse_rfc3339(&text),
        Some(_) => None,
    };
    let given = given.ok_or_else(|| InvalidField::new("timestamp", "must be an RFC 3339 time"))?;
    let at = match sent_at {
        Some(sent_at) => received.now.plus(-sent_at.since(given)),
        None => given,
    };
    let age = received.now.since(at);
    if age < -AHEAD_MS_MAX {
        return Err(InvalidField::new("timestamp", "lies in the future"));
    }
    if age > AGE_MS_MAX {
        return Err(InvalidField::new(
            "timestamp",
            "lies more than 400 days back",
        ));
    }
    Ok(at)
}

/// Takes a text field out of a message; numbers are taken too, since user ids often are.
fn take_text(
    message: &mut Map<String, Value>,
    field: &str,
    chars_max: usize,
) -> Result<Option<String>, InvalidField> {
    let text = match message.remove(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(InvalidField::new(field, "must be a text")),
    };
    let text = bounded(field, &text, chars_max)?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn objects_only(message: &mut Map<String, Value>, field: &str) -> Result<(), InvalidField> {
    match message.get(field) {
        None | Some(Value::Object(_)) => Ok(()),
        Some(Value::Null) => {
            message.remove(field);
            Ok(())
        }
        Some(_) => Err(InvalidField::new(field, "must be an object")),
    }
}

/// Longest user agent that is added to a message, in characters; browsers' have 100 to 200.
const AGENT_CHARS_MAX: usize = 400;

/// Browsers' own SDKs tell `context.userAgent`; of the others the request knows it.
fn tell_agent(message: &mut Map<String, Value>, agent: Option<&str>) {
    let Some(agent) = agent.filter(|agent| agent.chars().count() <= AGENT_CHARS_MAX) else {
        return;
    };
    let context = message
        .entry("context")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(context) = context.as_object_mut() {
        context
            .entry("userAgent")
            .or_insert_with(|| Value::String(agent.to_owned()));
    }
}

/// The places where the spec lets an email stand, by importance.
const EMAIL_PLACES: [&[&str]; 4] = [
    &["traits"],
    &["context", "traits"],
    &["properties"],
    &["properties", "customer"],
];

/// Takes the email out of wherever it stands, so that the event holds it in one place. A text that is no
/// address is dropped: it must neither be stored as one nor lose the event.
fn take_email(
    message: &mut Map<String, Value>,
    received: &Received<'_>,
) -> Result<(Option<Email>, Option<Trust>), InvalidField> {
    let mut email = None;
    let mut user_hash = None;
    for place in EMAIL_PLACES {
        let Some(object) = object_at(message, place) else {
            continue;
        };
        if let Some(Value::String(text)) = object.remove("email") {
            email = email.or_else(|| Email::parse("email", &text).ok());
        }
        if let Some(Value::String(text)) = object.remove("user_hash") {
            user_hash = user_hash.or(Some(text));
        }
    }
    let Some(email) = email else {
        return Ok((None, None));
    };
    let trust = match user_hash {
        Some(hash) if email.is_vouched_by(&hash, received.identity_secret) => Trust::Verified,
        Some(_) => {
            return Err(InvalidField::new(
                "user_hash",
                "does not belong to the email",
            ));
        }
        None if received.from_backend => Trust::Verified,
        None => Trust::Claimed,
    };
    Ok((Some(email), Some(trust)))
}

fn object_at<'a>(
    message: &'a mut Map<String, Value>,
    place: &[&str],
) -> Option<&'a mut Map<String, Value>> {
    place.iter().try_fold(message, |object, field| {
        object.get_mut(*field)?.as_object_mut()
    })
}

/// Takes address and fingerprint out of `context` and keeps their hashes.
fn take_device(
    message: &mut Map<String, Value>,
    received: &Received<'_>,
) -> Result<Device, InvalidField> {
    let mut device = received.device.clone();
    if let Some(context) = object_at(message, &["context"]) {
        let address = context.remove("ip");
        let address = address
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok());
        if let Some(address) = address.filter(|_| received.from_backend) {
            device.ip = Some(IpHash::of(address, received.salt));
        }
        if let Some(fingerprint) = take_text(context, "fingerprint", FINGERPRINT_CHARS_MAX)
            .map_err(|fault| fault.inside("context"))?
        {
            device.fingerprint = Some(FingerprintHash::of(&fingerprint, received.salt));
        }
    }
    Ok(device)
}

fn session_of(message: &mut Map<String, Value>) -> Result<Option<String>, InvalidField> {
    for place in [&["context"][..], &["properties"], &[]] {
        let Some(object) = object_at(message, place) else {
            continue;
        };
        for field in ["sessionId", "session_id"] {
            if let Some(session) = take_text(object, field, ID_CHARS_MAX)? {
                return Ok(Some(session));
            }
        }
    }
    Ok(None)
}

/// PostgreSQL's text cannot hold NUL, and no honest sender has one.
pub(crate) fn no_nul(field: &str, value: &Value) -> Result<(), InvalidField> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(InvalidField::new(field, "must not contain NUL characters"))
        }
        Value::Array(values) => values.iter().try_for_each(|value| no_nul(field, value)),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            if key.contains('\0') {
                return Err(InvalidField::new(field, "must not contain NUL characters"));
            }
            no_nul(if field == "message" { key } else { field }, value)
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: UtcMillis = UtcMillis::new(1_700_000_000_000);
    const SALT: Salt = Salt::new([1; 32]);

    fn read_at(message: Value, sent_at: Option<&str>) -> Result<Event, InvalidField> {
        let Value::Object(message) = message else {
            panic!("an object")
        };
        let shop = ShopId::generate(NOW, [0; 10]);
        let device = Device {
            ip: Some(IpHash::of("192.0.2.1".parse().unwrap(), &SALT)),
            ..Device::default()
        };
        let received = Received {
            shop: &shop,
            salt: &SALT,
            identity_secret: "secret",
            now: NOW,
            device: &device,
            user_agent: None,
            from_backend: false,
            sent_at: sent_at.and_then(UtcMillis::parse_rfc3339),
            kind: None,
        };
        parse(message, &received, [2; 10])
    }

    fn read(message: Value) -> Result<Event, InvalidField> {
        read_at(message, None)
    }

    fn fault(message: Value) -> String {
        read(message).unwrap_err().field
    }

    #[test]
    fn a_message_keeps_its_id_and_one_without_gets_one() {
        let with = read(json!({"type": "page", "messageId": "m-1", "userId": 7})).unwrap();
        assert_eq!(
            (with.id.as_str(), with.user_id.as_deref()),
            ("m-1", Some("7"))
        );
        let without = read(json!({"type": "page", "anonymousId": "a"})).unwrap();
        assert!(without.id.as_str().starts_with("evt_"));
    }

    #[test]
    fn a_wrong_client_clock_is_corrected_by_its_own_sending_time() {
        let message = json!({"type": "page", "userId": "u", "timestamp": "2001-01-01T00:00:00Z"});
        let event = read_at(message, Some("2001-01-01T00:00:42Z")).unwrap();
        assert_eq!(event.at, NOW.plus(-42_000));
    }

    #[test]
    fn address_fingerprint_and_email_leave_the_body() {
        let event = read(json!({
            "type": "identify", "userId": "u", "traits": {"email": "Ada@Example.com", "plan": "x"},
            "context": {"ip": "192.0.2.9", "fingerprint": "raw-print", "traits": {"email": "b@c.de"}},
        }))
        .unwrap();
        assert_eq!(event.email.as_ref().unwrap().as_str(), "ada@example.com");
        assert_eq!(event.trust, Some(Trust::Claimed));
        assert_eq!(
            event.device.fingerprint,
            Some(FingerprintHash::of("raw-print", &SALT))
        );
        let kept = serde_json::to_string(&event.body).unwrap();
        assert_eq!(kept, r#"{"context":{"traits":{}},"traits":{"plan":"x"}}"#);
    }

    #[test]
    fn an_email_is_verified_only_by_the_shops_hash() {
        let hash = crate::text::hex(&crate::identity::keyed(b"secret", &["a@b.cd"]));
        let identify = |hash: &str| json!({"type": "identify", "userId": "u", "traits": {"email": "a@b.cd", "user_hash": hash}});
        assert_eq!(read(identify(&hash)).unwrap().trust, Some(Trust::Verified));
        assert_eq!(fault(identify("0000")), "user_hash");
    }

    #[test]
    fn a_fault_names_its_field() {
        for (message, field) in [
            (json!({"userId": "u"}), "type"),
            (json!({"type": "buy", "userId": "u"}), "type"),
            (json!({"type": "track", "userId": "u"}), "event"),
            (
                json!({"type": "track", "event": ["x"], "userId": "u"}),
                "event",
            ),
            (json!({"type": "page"}), "anonymousId"),
            (json!({"type": "page", "userId": "a\u{0}"}), "userId"),
            (
                json!({"type": "page", "userId": "u", "messageId": "x".repeat(101)}),
                "messageId",
            ),
            (
                json!({"type": "page", "userId": "u", "timestamp": 7}),
                "timestamp",
            ),
            (
                json!({"type": "page", "userId": "u", "timestamp": "2099-01-01T00:00:00Z"}),
                "timestamp",
            ),
            (
                json!({"type": "page", "userId": "u", "timestamp": "1999-01-01T00:00:00Z"}),
                "timestamp",
            ),
            (
                json!({"type": "page", "userId": "u", "properties": "x"}),
                "properties",
            ),
            (
                json!({"type": "page", "userId": "u", "properties": {"a": ["\u{0}"]}}),
                "properties",
            ),
            (json!({"type": "group", "userId": "u"}), "groupId"),
            (json!({"type": "alias", "userId": "u"}), "previousId"),
        ] {
            assert_eq!(fault(message.clone()), field, "{message}");
        }
    }

    #[test]
    fn a_bundle_event_reports_on_its_offer() {
        let event = read(json!({
            "type": "track", "event": "bundle_accepted", "userId": "u", "properties": {"offer_id": "off_1"},
        }))
        .unwrap();
        let expected = Some(("off_1", crate::offers::OfferStatus::AddedToCart));
        assert_eq!(event.offer_report(), expected);
    }

    proptest::proptest! {
        #[test]
        fn any_object_gives_an_event_or_a_named_fault(
            kind in "[a-z]{0,8}|track|page", id in ".{0,120}", name in ".{0,40}", stamp in ".{0,30}",
        ) {
            let message = json!({"type": kind, "messageId": id, "event": name, "timestamp": stamp, "userId": "u"});
            match read(message) {
                Ok(event) => {
                    let json = serde_json::to_string(&event).unwrap();
                    proptest::prop_assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
                }
                Err(fault) => proptest::prop_assert!(!fault.field.is_empty()),
            }
        }
    }
}
