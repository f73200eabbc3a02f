//! What a single event says of a visit.
//!
//! Of the Segment spec: pages and screens are pages; `Order Completed` is a purchase; other events are deeds, and the ones
//! of checkout and search count as their page. Of journeys: their beginning tells device and source, `page_view` is a page,
//! and a sale is a purchase. A page's time of loading is `load_time_ms` (or `loadTime` in seconds) of its properties.

use serde_json::{Map, Value};

use super::page::{self, PagePaths, PageType};
use super::visit::{Earliest, Step, StepKind, Visit};
use crate::event::ecommerce::canonical_name;
use crate::event::{Event, EventKind};
use crate::journey::event::{Happening, Numbered};
use crate::journey::reducer::SLOW_LOAD_MS;
use crate::time::UtcMillis;
use crate::upload::row::PageEvent;

/// Longest path or name that a step keeps, in characters.
const WHAT_CHARS_MAX: usize = 120;
/// Longest source, in characters.
const SOURCE_CHARS_MAX: usize = 64;
/// Longest time that a page may say that it took to load, in milliseconds: an hour.
const LOAD_MS_MAX: f64 = 3_600_000.0;

/// A part of a visit, and by what the other parts of the visit are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// `s:` and the session's id; `b:` and the visitor's, where there is no session.
    pub key: String,
    /// The part.
    pub part: Visit,
}

/// What an event says; `None` where it is about no visit.
#[must_use]
pub fn of_event(event: &Event, set: &PagePaths) -> Option<Sight> {
    let key = key_of_event(event)?;
    let mut part = match event.kind {
        EventKind::Page | EventKind::Screen => of_page(event, set),
        EventKind::Track => of_deed(event),
        EventKind::Journey => of_journey(event, set)?,
        EventKind::Identify | EventKind::Group | EventKind::Alias => Visit::default(),
    };
    (part.first_at, part.last_at, part.events) = (event.at, event.at, 1);
    let told = |text: Option<&String>| text.map(|text| (event.at, text.clone()));
    part.browser = told(event.anonymous_id.as_ref());
    part.user = told(event.user_id.as_ref());
    let context = event.body.get("context").and_then(Value::as_object);
    part.device = part
        .device
        .or_else(|| device_of(context).map(|device| (event.at, device.to_owned())));
    part.source = part.source.or_else(|| source_of(event.at, context));
    Some(Sight { key, part })
}

/// By what the visit of an event is found; `None` where it is about no visit.
#[must_use]
pub fn key_of_event(event: &Event) -> Option<String> {
    key_of(
        event.session_id.as_deref(),
        event.anonymous_id.as_deref().or(event.user_id.as_deref()),
    )
}

fn key_of(session: Option<&str>, visitor: Option<&str>) -> Option<String> {
    let of_session = session.map(|session| format!("s:{session}"));
    of_session.or_else(|| visitor.map(|visitor| format!("b:{visitor}")))
}

/// Where an event was sent from.
struct Place {
    path: Option<String>,
    /// Whether the address asks for something.
    asks: bool,
}

fn place_of(event: &Event) -> Place {
    let properties = event.body.get("properties").and_then(Value::as_object);
    let context = event.body.get("context").and_then(Value::as_object);
    let page_of = context
        .and_then(|context| context.get("page"))
        .and_then(Value::as_object);
    let find = |name: &str| text_of(properties, name).or_else(|| text_of(page_of, name));
    let url = find("url");
    Place {
        path: find("path")
            .map(str::to_owned)
            .or_else(|| url.map(|url| path_of(url).to_owned())),
        asks: url.is_some_and(asks) || find("search").is_some_and(asks),
    }
}

fn of_page(event: &Event, set: &PagePaths) -> Visit {
    let properties = event.body.get("properties").and_then(Value::as_object);
    let Place { path, asks } = place_of(event);
    let told = ["page_type", "pageType"]
        .iter()
        .find_map(|name| PageType::parse(text_of(properties, name)?));
    let by_path = || {
        path.as_deref()
            .and_then(|path| page::of_path(path, asks, set))
    };
    let by_name = || event.name.as_deref().and_then(page::of_name);
    let page = told.or_else(by_name).or_else(by_path);
    let what = path.or_else(|| event.name.clone()).unwrap_or_default();
    let load_ms = load_of(properties);
    Visit {
        steps: vec![Step {
            at: event.at,
            page,
            what: clean(&what),
            kind: StepKind::Page,
            load_ms,
            failed: false,
        }],
        pages: 1,
        slow: u32::from(is_slow(load_ms)),
        loads: u32::from(load_ms.is_some()),
        bought: page == Some(PageType::Confirmation),
        ..Visit::default()
    }
}

fn of_deed(event: &Event) -> Visit {
    let name = event.name.as_deref().unwrap_or_default();
    let known = canonical_name(name);
    let page = match known {
        Some("Order Completed") => Some(PageType::Confirmation),
        Some(
            "Checkout Started"
            | "Checkout Step Viewed"
            | "Checkout Step Completed"
            | "Payment Info Entered",
        ) => Some(PageType::Payment),
        Some("Products Searched") => Some(PageType::Search),
        _ => None,
    };
    let failed = tells_failure(name);
    Visit {
        steps: vec![Step {
            at: event.at,
            page,
            what: clean(known.unwrap_or(name)),
            kind: StepKind::Deed,
            load_ms: None,
            failed,
        }],
        failures: u32::from(failed),
        bought: page == Some(PageType::Confirmation),
        ..Visit::default()
    }
}

/// `Payment Failed`, `error`, `Form Error Shown`.
fn tells_failure(name: &str) -> bool {
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    words.any(|word| {
        ["error", "errors", "failed", "failure"]
            .iter()
            .any(|one| one.eq_ignore_ascii_case(word))
    })
}

fn of_journey(event: &Event, set: &PagePaths) -> Option<Visit> {
    let mut part = Visit::default();
    match Numbered::of(event)?.what {
        Happening::Started(start) => {
            part.device = start.device.map(|device| (event.at, device));
            part.source = start.source.map(|source| (event.at, short_source(&source)));
        }
        Happening::Touchpoint(touch) => {
            let load_ms = touch.measured.load_ms;
            let failed = touch.measured.errors == Some(true);
            (part.slow, part.loads) = (u32::from(is_slow(load_ms)), u32::from(load_ms.is_some()));
            part.failures = u32::from(failed);
            if touch.kind == "page_view" {
                let path = touch.page.unwrap_or_default();
                let page = page::of_path(path_of(&path), asks(&path), set);
                part.journey_pages = 1;
                part.steps = vec![Step {
                    at: event.at,
                    page,
                    what: clean(path_of(&path)),
                    kind: StepKind::JourneyPage,
                    load_ms,
                    failed,
                }];
            }
        }
        Happening::Converted(conversion) if conversion.is_sale() => {
            part.bought = true;
            part.steps = vec![Step {
                at: event.at,
                page: Some(PageType::Confirmation),
                what: clean(&conversion.kind),
                kind: StepKind::Deed,
                load_ms: None,
                failed: false,
            }];
        }
        Happening::Converted(_)
        | Happening::StageChanged(_)
        | Happening::Linked(_)
        | Happening::Unlinked(_) => {}
    }
    Some(part)
}

fn is_slow(load_ms: Option<u32>) -> bool {
    load_ms.is_some_and(|load| load > SLOW_LOAD_MS)
}

fn text_of<'a>(object: Option<&'a Map<String, Value>>, name: &str) -> Option<&'a str> {
    object?.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn load_of(properties: Option<&Map<String, Value>>) -> Option<u32> {
    let number = |name: &str| properties?.get(name)?.as_f64();
    let ms =
        number("load_time_ms").or_else(|| number("loadTime").map(|seconds| seconds * 1000.0))?;
    (0.0..=LOAD_MS_MAX).contains(&ms).then_some(ms as u32)
}

fn device_of(context: Option<&Map<String, Value>>) -> Option<&str> {
    let context = context?;
    let told = context
        .get("device")
        .and_then(|device| device.get("type"))
        .and_then(Value::as_str);
    told.or_else(|| text_of(Some(context), "userAgent").and_then(device_of_agent))
}

/// The kind of device by its user agent: tablets say `iPad` or `Tablet`, or are Androids that do not say `Mobile` (Google's
/// advice to makers of browsers).
#[must_use]
pub fn device_of_agent(agent: &str) -> Option<&'static str> {
    let says = |word: &str| agent.contains(word);
    match () {
        () if says("iPad") || says("Tablet") || (says("Android") && !says("Mobile")) => {
            Some("tablet")
        }
        () if says("Mobi") || says("iPhone") => Some("mobile"),
        () if says("Mozilla/") || says("Opera/") => Some("desktop"),
        () => None,
    }
}

/// A campaign's source, that of the page's address, or the site before.
fn source_of(at: UtcMillis, context: Option<&Map<String, Value>>) -> Earliest<String> {
    let context = context?;
    let campaign = context
        .get("campaign")
        .and_then(|campaign| campaign.get("source"))
        .and_then(Value::as_str);
    let page = context.get("page").and_then(Value::as_object);
    let url = text_of(page, "url");
    let tagged = || url.and_then(|url| query_value(url, "utm_source"));
    let before = || {
        let site = site_of(text_of(page, "referrer")?)?;
        (url.and_then(site_of) != Some(site)).then_some(site)
    };
    let source = campaign.or_else(tagged).or_else(before)?;
    Some((at, short_source(source)))
}

fn short_source(source: &str) -> String {
    source
        .trim()
        .to_lowercase()
        .chars()
        .take(SOURCE_CHARS_MAX)
        .collect()
}

/// `google.com` of `https://www.google.com/search`.
fn site_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', '?', '#', ':']).next()?;
    Some(host.strip_prefix("www.").unwrap_or(host)).filter(|host| !host.is_empty())
}

fn path_of(url: &str) -> &str {
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => url,
    };
    rest.split(['?', '#']).next().unwrap_or(rest)
}

fn query_value<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let query = url.split_once('?')?.1.split('#').next()?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, value)| *key == name && !value.is_empty());
    found.next().map(|(_, value)| value)
}

/// Whether an address asks for something, as search pages of most shops do.
fn asks(url: &str) -> bool {
    ["q", "s", "query", "search"]
        .iter()
        .any(|name| query_value(url, name).is_some())
}

/// What an event tells of the page it was sent from, of the device, and of where the visitor came from, in as few words as
/// [`of_event`] needs.
pub(crate) struct Context {
    /// The page's path.
    pub(crate) path: Option<String>,
    /// Whether its address asks for something.
    pub(crate) asks: bool,
    /// The kind of device.
    pub(crate) device: Option<String>,
    /// The source.
    pub(crate) source: Option<String>,
}

/// See [`Context`].
pub(crate) fn context_of(event: &Event) -> Context {
    let Place { path, asks } = place_of(event);
    let context = event.body.get("context").and_then(Value::as_object);
    Context {
        path: path.map(|path| clean(&path)),
        asks,
        device: device_of(context).map(str::to_owned),
        source: source_of(event.at, context).map(|(_, source)| clean(&source)),
    }
}

/// A page's address with as much as [`of_event`] needs: its path, and whether it asks for something.
pub(crate) fn address_without_person(address: &str) -> String {
    let path = clean(path_of(address));
    if asks(address) {
        format!("{path}?q=…")
    } else {
        path
    }
}

/// A path or name as it is kept: short, and without what may be somebody's address.
pub(crate) fn clean(what: &str) -> String {
    let hide = |part: &str| {
        if part.contains('@') || part.contains("%40") {
            "…".to_owned()
        } else {
            part.to_owned()
        }
    };
    let parts: Vec<String> = what.split('/').map(hide).collect();
    parts.join("/").chars().take(WHAT_CHARS_MAX).collect()
}

/// What a row of a file says. A row without a time happened at `at`.
#[must_use]
pub fn of_row(row: &PageEvent<'_>, at: UtcMillis, device: Option<&str>) -> Option<Sight> {
    let visitor = row.visitor.as_ref();
    let key = key_of(
        row.session.as_deref(),
        Some(visitor).filter(|id| !id.is_empty()),
    )?;
    let name = row.page.as_ref();
    let by_path = || page::of_path(path_of(name), asks(name), &PagePaths::default());
    let page = if name.starts_with('/') || name.contains("://") {
        by_path()
    } else {
        page::of_name(name)
    };
    let device = row.device.as_deref().or(device);
    Some(Sight {
        key: format!("f{key}"),
        part: Visit {
            first_at: at,
            last_at: at,
            steps: vec![Step {
                at,
                page,
                what: clean(path_of(name)),
                kind: StepKind::Page,
                load_ms: None,
                failed: tells_failure(name),
            }],
            events: 1,
            pages: 1,
            device: device.map(|device| (at, device.to_lowercase())),
            source: row
                .source
                .as_deref()
                .map(|source| (at, short_source(source))),
            user: Some((at, visitor.to_owned())).filter(|_| !visitor.is_empty()),
            failures: u32::from(tells_failure(name)),
            bought: page == Some(PageType::Confirmation),
            ..Visit::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::json;

    use super::*;
    use crate::event::Device;
    use crate::id::{EventId, ShopId};
    use crate::journey::context::DeviceType;

    const AT: UtcMillis = UtcMillis::new(1_700_000_000_000);

    fn told(kind: EventKind, name: Option<&str>, body: Value) -> Sight {
        let event = Event {
            shop: ShopId::generate(AT, [0; 10]),
            id: EventId::generate(AT, [0; 10]),
            kind,
            name: name.map(str::to_owned),
            at: AT,
            received_at: AT,
            anonymous_id: Some("browser".into()),
            user_id: None,
            session_id: None,
            email: None,
            trust: None,
            device: Device::default(),
            body: body.as_object().cloned().unwrap_or_default(),
        };
        of_event(&event, &PagePaths::default()).unwrap()
    }

    #[test]
    fn a_page_tells_where_it_was_and_from_where() {
        let sight = told(
            EventKind::Page,
            None,
            json!({
                "properties": {"load_time_ms": 2600},
                "context": {
                    "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Mobile/15E148",
                    "page": {"url": "https://shop.example/search/?q=tea", "path": "/search/", "referrer": "https://www.google.com/"},
                },
            }),
        );
        assert_eq!(
            (sight.key.as_str(), sight.part.visitor("")),
            ("b:browser", "browser")
        );
        let step = &sight.part.steps[0];
        assert_eq!(
            (step.page, step.what.as_str(), step.load_ms),
            (Some(PageType::Search), "/search/", Some(2600))
        );
        assert_eq!(
            (sight.part.device_type(), sight.part.source_name()),
            (DeviceType::Mobile, "google.com")
        );
        assert_eq!((sight.part.slow, sight.part.loads), (1, 1));
        let own = told(
            EventKind::Page,
            None,
            json!({"context": {"page": {
            "url": "https://shop.example/a", "path": "/a", "referrer": "https://shop.example/"}}}),
        );
        assert_eq!((own.part.source, own.part.steps[0].page), (None, None));
    }

    #[test]
    fn events_of_the_spec_are_steps_and_purchases() {
        let page = |name: &str| told(EventKind::Track, Some(name), json!({})).part;
        assert_eq!(
            page("Products Searched").steps[0].page,
            Some(PageType::Search)
        );
        assert_eq!(
            page("checkout started").steps[0].page,
            Some(PageType::Payment)
        );
        assert!(page("Order Completed").bought && !page("Product Viewed").bought);
        assert_eq!(
            (
                page("Payment Failed").failures,
                page("Terror Film Viewed").failures
            ),
            (1, 0)
        );
    }

    #[test]
    fn an_address_in_a_path_is_not_kept() {
        let sight = told(
            EventKind::Page,
            None,
            json!({"properties": {"path": "/account/ann@shop.example/orders"}}),
        );
        assert_eq!(sight.part.steps[0].what, "/account/…/orders");
    }

    #[test]
    fn devices_tell_themselves() {
        for (agent, device) in [
            (
                "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) Mobile/15E148",
                Some("tablet"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X910) Chrome/120 Safari/537.36",
                Some("tablet"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120 Mobile Safari/537.36",
                Some("mobile"),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36",
                Some("desktop"),
            ),
            ("ShopApp/2.1", None),
        ] {
            assert_eq!(device_of_agent(agent), device, "{agent}");
        }
    }

    #[test]
    fn a_row_of_a_file_is_a_page() {
        let row = PageEvent {
            visitor: Cow::Borrowed("9"),
            session: None,
            page: Cow::Borrowed("payment_confirmation_page"),
            device: None,
            source: None,
            at: None,
        };
        let sight = of_row(&row, AT, Some("Mobile")).unwrap();
        assert_eq!((sight.key.as_str(), sight.part.bought), ("fb:9", true));
        assert_eq!(sight.part.device_type(), DeviceType::Mobile);
    }
}
