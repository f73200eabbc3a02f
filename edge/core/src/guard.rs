//! Who may ask: the shop behind a key, the page's origin, the client's address, the body's form.
//!
//! **Invariant:** the raw client address ends here and in [`forward`](crate::forward), which tells the
//! origin a hash; handlers see a hash.

use std::net::IpAddr;
use std::rc::Rc;

use base64::Engine as _;
use footfall_shared::event::Device;
use footfall_shared::identity::{IpHash, client_address};
use footfall_shared::keys::{AccessToken, ApiKey, KeyKind};
use footfall_shared::shop::ShopEntry;
use footfall_shared::signing::{SIGNATURE_HEADER, TIMESTAMP_HEADER};
use footfall_shared::text::InvalidField;
use footfall_shared::time::DAY_MS;
use footfall_shared::wire::internal::{ResolveShop, ResolvedShop, path};
use serde::Deserialize;

use crate::cache::{self, Entry, key};
use crate::error::EdgeError;
use crate::http::Request;
use crate::json_fault;
use crate::origin::ask;
use crate::platform::Platform;
use crate::trace::Trace;

/// Largest body of a storefront call, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Largest batch of events as it is sent, in bytes.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Largest batch of events after gzip is undone, in bytes: what compresses better than four to one is
/// rather an attack than a batch.
pub const BATCH_BYTES_UNPACKED_MAX: usize = 1024 * 1024;
/// How long a shop that was known is served while the origin does not answer.
const SHOP_STALE_MS_MAX: i64 = DAY_MS;

/// How long what a person may do is believed: nobody tells edges that somebody has logged out.
const PERSON_MS_MAX: i64 = 3_000;

/// A request whose shop and device are known.
#[derive(Debug)]
pub(crate) struct ShopRequest {
    /// The shop.
    pub(crate) shop: Rc<ShopEntry>,
    /// The device as far as the request itself shows it; nothing of one that asks not to be tracked.
    pub(crate) device: Device,
    /// The address, for limits only.
    pub(crate) address: Option<IpHash>,
    /// The browser's user agent; a server's says nothing of a visitor.
    pub(crate) user_agent: Option<String>,
    /// Whether the visitor asks not to be tracked: then nothing about the device is stored.
    pub(crate) opted_out: bool,
}

impl ShopRequest {
    /// Whether the caller is the shop's own server, or one of its people.
    pub(crate) fn is_backend(&self) -> bool {
        self.shop.key == Some(KeyKind::Secret)
    }
}

/// Finds the shop that a request speaks for; `body_key` is a key that stood in the body.
pub(crate) async fn admit<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
    body_key: Option<&str>,
) -> Result<ShopRequest, EdgeError> {
    let question = match presented_key(request, body_key) {
        Some(text) => match (ApiKey::parse(&text), AccessToken::parse(&text)) {
            (Some(key), _) => ResolveShop::KeyHash(key.hash),
            (None, Some(token)) => ResolveShop::Token(token),
            (None, None) => return Err(EdgeError::InvalidKey),
        },
        None => {
            let slug = platform
                .config()
                .access
                .keyless_shop
                .ok_or(EdgeError::InvalidKey)?;
            ResolveShop::Slug(slug.to_owned())
        }
    };
    let shop = resolve(platform, trace, question)
        .await?
        .ok_or(EdgeError::InvalidKey)?;
    // The entry may be a minute old, so the end of a key is measured by the edge's own clock.
    if !shop.is_live(platform.now()) {
        return Err(EdgeError::InvalidKey);
    }
    if !shop.may_call(request.method.as_str(), &request.path) {
        return Err(EdgeError::MissingScope);
    }
    // A secret key has no business in a page, so only publishable keys are bound to origins.
    if shop.key != Some(KeyKind::Secret) && !shop.allows_origin(request.header("origin")) {
        return Err(EdgeError::OriginNotAllowed);
    }
    // The address of the shop's own server says nothing of a visitor.
    if shop.key == Some(KeyKind::Secret) {
        return Ok(ShopRequest {
            shop,
            device: Device::default(),
            address: None,
            user_agent: None,
            opted_out: false,
        });
    }
    let address = client_ip(platform, request).map(|address| IpHash::of(address, &shop.salt));
    let opted_out = asks_not_to_be_tracked(request);
    let device = if opted_out {
        Device::default()
    } else {
        Device {
            ip: address.clone(),
            geo: request.geo.clone(),
            fingerprint: None,
        }
    };
    Ok(ShopRequest {
        shop,
        device,
        address,
        user_agent: request.header("user-agent").map(str::to_owned),
        opted_out,
    })
}

/// Do Not Track, or Global Privacy Control.
fn asks_not_to_be_tracked(request: &Request) -> bool {
    let says_one = |name| {
        request
            .header(name)
            .is_some_and(|value| value.trim() == "1")
    };
    says_one("dnt") || says_one("sec-gpc")
}

/// The client's own address.
pub(crate) fn client_ip<P: Platform>(platform: &P, request: &Request) -> Option<IpAddr> {
    let hops = platform.config().trusted_proxy_hops;
    let forwarded = request.headers.get_all("x-forwarded-for").iter();
    let forwarded = forwarded.filter_map(|value| value.to_str().ok());
    client_address(request.peer, forwarded, hops)
}

/// As [`admit`], for a storefront call whose JSON body may hold the key; gives the body, too.
pub(crate) async fn admit_with_body<'r, P: Platform, T: Deserialize<'r>>(
    platform: &P,
    trace: &Trace,
    request: &'r Request,
) -> Result<(ShopRequest, T), EdgeError> {
    check_body(request, BODY_BYTES_MAX)?;
    let asked = admit(platform, trace, request, body_key(&request.body).as_deref()).await?;
    Ok((asked, read_json(&request.body)?))
}

/// Whether a page may send what it asks for in a preflight. A preflight shows no credential, so the shop is
/// known only by a key in the URL; where it is not, the real request is checked all the same.
pub(crate) async fn welcomes_page<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> bool {
    let key = request.query_value("key");
    let Some(key) = key.as_deref().and_then(ApiKey::parse) else {
        return true;
    };
    let known = resolve(platform, trace, ResolveShop::KeyHash(key.hash)).await;
    match known {
        Ok(Some(shop)) => shop.allows_origin(request.header("origin")),
        Ok(None) | Err(_) => true,
    }
}

/// The shop from the cache, else from the origin; one that was known is served for a while longer when
/// the origin does not answer, because pages must not break with it.
async fn resolve<P: Platform>(
    platform: &P,
    trace: &Trace,
    question: ResolveShop,
) -> Result<Option<Rc<ShopEntry>>, EdgeError> {
    let key = match &question {
        ResolveShop::KeyHash(name) | ResolveShop::Slug(name) => key::shop(name),
        ResolveShop::Token(token) => key::shop(&token.hash()),
    };
    let is_person = matches!(question, ResolveShop::Token(_));
    let now = platform.now();
    if let Some(shop) = platform.shops().get(&key, now) {
        trace.cache(true);
        return Ok(Some(shop));
    }
    let mut held = cache::get::<ShopEntry>(platform.cache(), &key).await;
    if let Some(entry) = held.as_mut().filter(|entry| entry.is_fresh(now)) {
        trace.cache(true);
        let shop = entry.value.take().map(Rc::new);
        if let Some(shop) = &shop {
            platform.shops().keep(key, shop, now);
        }
        return Ok(shop);
    }
    trace.cache(false);
    match ask::<P, ResolvedShop>(platform, trace, path::RESOLVE_SHOP, &question).await {
        Ok(ResolvedShop { shop }) => {
            // Its version is the time of the question: a revocation pushed later is always newer.
            let mut entry = Entry::fresh(now.get(), shop, now);
            if is_person {
                entry.until = now.plus(PERSON_MS_MAX);
            }
            cache::put_fetched(platform.cache(), &key, &entry).await;
            Ok(entry.value.map(Rc::new))
        }
        Err(unreachable) => held
            .filter(|_| !is_person)
            .filter(|entry| now.since(entry.until) < SHOP_STALE_MS_MAX)
            .and_then(|entry| entry.value)
            .map(|shop| Some(Rc::new(shop)))
            .ok_or(EdgeError::OriginUnreachable(unreachable)),
    }
}

/// The key that a request shows: HTTP basic user name, bearer, `X-API-Key`, body, or query.
fn presented_key(request: &Request, body_key: Option<&str>) -> Option<String> {
    let authorization = request.header("authorization").and_then(|value| {
        let (scheme, credentials) = value.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(credentials.trim().to_owned());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(credentials.trim())
            .ok()?;
        let pair = String::from_utf8(decoded).ok()?;
        Some(pair.split(':').next().unwrap_or_default().to_owned())
    });
    authorization
        .or_else(|| request.header("x-api-key").map(str::to_owned))
        .or_else(|| body_key.map(str::to_owned))
        // A URL ends up in logs and histories: no place for a secret.
        .or_else(|| request.query_value("key").filter(|key| !is_secret(key)))
        .filter(|key| !key.trim().is_empty())
}

fn is_secret(key: &str) -> bool {
    key.trim_start().starts_with(KeyKind::Secret.prefix())
}

/// Checks that a call comes from the origin or the host, and reads its body.
pub(crate) fn signed<'r, P: Platform, T: Deserialize<'r>>(
    platform: &P,
    request: &'r Request,
) -> Result<T, EdgeError> {
    platform
        .config()
        .keys
        .verify(
            platform.now(),
            &request.path,
            &request.body,
            request.header(TIMESTAMP_HEADER),
            request.header(SIGNATURE_HEADER),
        )
        .map_err(|_| EdgeError::BadSignature)?;
    serde_json::from_slice(&request.body).map_err(|fault| EdgeError::InvalidBody(fault.to_string()))
}

/// The key in a JSON body, whatever else the body holds.
pub(crate) fn body_key(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Keyed {
        #[serde(rename = "writeKey")]
        write_key: Option<String>,
    }
    serde_json::from_slice::<Keyed>(body).ok()?.write_key
}

/// Checks a body's size and content type. `text/plain` is what `sendBeacon` and preflight-free `fetch` send.
pub(crate) fn check_body(request: &Request, bytes_max: usize) -> Result<(), EdgeError> {
    if request.body.len() > bytes_max {
        return Err(EdgeError::PayloadTooLarge(bytes_max));
    }
    let content_type = request.header("content-type").unwrap_or("application/json");
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if !matches!(essence.as_str(), "application/json" | "text/plain") {
        return Err(EdgeError::UnsupportedMediaType);
    }
    Ok(())
}

/// Reads a JSON body; a fault names the field.
pub(crate) fn read_json<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, EdgeError> {
    // serde does not look into the texts of fields that it skips; JSON is UTF-8 as a whole.
    let text = std::str::from_utf8(body)
        .map_err(|_| EdgeError::InvalidBody("the body is not UTF-8".to_owned()))?;
    // serde would read a list as an object's fields in their sequence, which no contract means.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(EdgeError::InvalidBody(
            "the body is not a JSON object".to_owned(),
        ));
    }
    // From bytes as everywhere at the edge: serde's code for texts would be there twice.
    serde_json::from_slice(text.as_bytes()).map_err(|fault| {
        if fault.is_syntax() && fault.to_string().starts_with("trailing characters") {
            return EdgeError::InvalidBody("text follows the JSON value".to_owned());
        }
        let offset = json_fault::offset_of(text, fault.line(), fault.column());
        let field = json_fault::path_at(text, offset);
        if field.is_empty() {
            return EdgeError::InvalidBody(format!(
                "the body is not the JSON expected: {}",
                kind(&fault)
            ));
        }
        EdgeError::field(InvalidField::new(field, kind(&fault)))
    })
}

/// What is wrong, without the rejected value that serde's own sentence repeats.
fn kind(fault: &serde_json::Error) -> &'static str {
    match fault.classify() {
        serde_json::error::Category::Eof => "ends too early",
        serde_json::error::Category::Syntax => "is not valid JSON",
        serde_json::error::Category::Data => "has the wrong type",
        serde_json::error::Category::Io => "could not be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::request;

    #[test]
    fn a_key_is_found_wherever_sdks_put_it() {
        let with = |name: &'static str, value: &str| {
            let mut request = request("GET", "/x?key=query");
            request.headers.insert(name, value.parse().unwrap());
            presented_key(&request, None)
        };
        assert_eq!(
            with("authorization", "Basic a2V5Og==").as_deref(),
            Some("key")
        );
        assert_eq!(with("authorization", "Bearer key").as_deref(), Some("key"));
        assert_eq!(with("x-api-key", "key").as_deref(), Some("key"));
        assert_eq!(
            presented_key(&request("GET", "/x?key=query"), Some("body")).as_deref(),
            Some("body")
        );
        assert_eq!(
            presented_key(&request("GET", "/x?key=query"), None).as_deref(),
            Some("query")
        );
        assert_eq!(presented_key(&request("GET", "/x?key="), None), None);
    }
}
