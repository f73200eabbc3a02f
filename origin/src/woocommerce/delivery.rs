//! A delivery of a webhook: whose it is, whether the shop signed it, and what it changes.

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use footfall_shared::id::ShopId;
use footfall_shared::text::hex;
use footfall_shared::time::{DAY_MS, UtcMillis};
use footfall_shared::wire::woocommerce::{
    Told, ToldOrder, ToldProduct, WebhookReply, WebhookResult, WooGone, WooOrder, WooProduct,
};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::connection::{Secret, webhook_secret};
use super::orders::{Tally, delete_order, take_orders};
use super::products::{delete_product, take_products};
use super::queries::versions as queries;
use super::version::{Thing, Word};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges;
use crate::http::error::AppError;
use crate::http::extract::parse_shape;
use crate::intelligence::take_turn;
use crate::shops::{self, Shop};

/// How long a delivery is known again.
const DELIVERY_KEPT_MS: i64 = 30 * DAY_MS;
/// Longest name of a shop in the path, in characters: an id is longer than any slug.
const SHOP_CHARS_MAX: usize = 64;

/// What a topic says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Told(Thing, Word),
    Deleted(Thing),
    Other,
}

impl Topic {
    fn parse(text: &str) -> Self {
        let Some((thing, event)) = text.trim().split_once('.') else {
            return Self::Other;
        };
        let thing = match thing {
            "order" => Thing::Order,
            "product" => Thing::Product,
            _ => return Self::Other,
        };
        match event {
            "created" | "updated" => Self::Told(thing, Word::Update),
            "restored" => Self::Told(thing, Word::Restore),
            "deleted" => Self::Deleted(thing),
            _ => Self::Other,
        }
    }
}

/// A delivery that the shop signed, or its ping.
#[derive(Debug)]
pub(super) enum Delivery {
    /// WooCommerce tests the address when a webhook is saved. The test is not signed, and says nothing.
    Ping,
    /// A signed one.
    Signed(Box<Signed>),
}

/// A delivery whose signature holds.
#[derive(Debug)]
pub(super) struct Signed {
    shop: Shop,
    topic: Topic,
    /// Hash over the delivery's id, topic and body. WooCommerce makes the id of the second and the webhook, so
    /// alone it does not tell two deliveries apart.
    fingerprint: Option<String>,
    body: Bytes,
}

impl Delivery {
    /// Finds the shop and checks the signature over the raw body.
    pub(super) async fn open(
        app: &App,
        shop: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Self, AppError> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (ping, signature) = (is_ping(&body), header("x-wc-webhook-signature"));
        if !ping && signature.is_none() {
            // Nobody looks anything up for a caller who did not even try.
            return Err(AppError::Unauthorized);
        }
        let mut db = app.db().read().await?;
        let shop = find_shop(&mut db, shop).await?.ok_or(AppError::NotFound)?;
        if ping {
            return Ok(Self::Ping);
        }
        let secret = webhook_secret(&mut db, &shop.id).await?;
        let signed = secret.zip(signature);
        if !signed.is_some_and(|(secret, signature)| is_signed(&body, signature, &secret)) {
            return Err(AppError::Unauthorized);
        }
        let topic = header("x-wc-webhook-topic").unwrap_or_default();
        let id = header("x-wc-webhook-delivery-id");
        Ok(Self::Signed(Box::new(Signed {
            shop,
            topic: Topic::parse(topic),
            fingerprint: id.map(|id| fingerprint(id, topic, &body)),
            body,
        })))
    }
}

async fn find_shop(db: &mut crate::db::Reader, named: &str) -> Result<Option<Shop>, StorageError> {
    if let Ok(id) = ShopId::parse(named) {
        return shops::find_by_id(db, &id).await;
    }
    let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if named.len() > SHOP_CHARS_MAX || !named.chars().all(slug) {
        return Ok(None);
    }
    shops::find_by_slug(db, named).await
}

fn is_ping(body: &[u8]) -> bool {
    let id = body.trim_ascii().strip_prefix(b"webhook_id=");
    id.is_some_and(|id| !id.is_empty() && id.len() <= 20 && id.iter().all(u8::is_ascii_digit))
}

/// Whether the signature is this body's: base64 of the HMAC-SHA256 under the secret, compared in constant time.
fn is_signed(body: &[u8], signature: &str, secret: &Secret) -> bool {
    let Ok(signature) = STANDARD.decode(signature.trim()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&signature).is_ok()
}

fn fingerprint(id: &str, topic: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [id.as_bytes(), b"\n", topic.as_bytes(), b"\n", body] {
        hash.update(part);
    }
    hex(&hash.finalize())
}

impl Signed {
    /// Does what the delivery says, in one transaction.
    pub(super) async fn take(self, app: &App) -> Result<WebhookReply, AppError> {
        let now = app.now();
        let change = match self.read(now)? {
            Ok(change) => change,
            Err(reason) => return Ok(WebhookReply::ignored(reason)),
        };
        let mut tx = app.db().begin().await?;
        take_turn(&mut tx, &self.shop.id).await?;
        if !self.is_new(&mut tx, now).await? {
            return Ok(WebhookReply::new(WebhookResult::Unchanged));
        }
        let reply = change.apply(app, &mut tx, &self.shop, now).await?;
        edges::commit(app, tx).await?;
        Ok(reply)
    }

    /// What it says; or why it is nothing for us.
    fn read(&self, now: UtcMillis) -> Result<Result<Change, &'static str>, AppError> {
        let currency = self.shop.currency;
        Ok(match self.topic {
            Topic::Other => Err("the topic is none of order.… and product.…"),
            Topic::Deleted(thing) => Ok(Change::Gone(thing, parse_shape(&self.body)?)),
            Topic::Told(Thing::Order, word) => {
                let order: WooOrder = parse_shape(&self.body)?;
                match order.parse(currency, now)? {
                    Told::This(order) => Ok(Change::Order(Box::new(order), word)),
                    Told::Nothing(reason) => Err(reason),
                }
            }
            Topic::Told(Thing::Product, word) => {
                let product: WooProduct = parse_shape(&self.body)?;
                match product.parse(currency)? {
                    Told::This(product) => Ok(Change::Product(product, word)),
                    Told::Nothing(reason) => Err(reason),
                }
            }
        })
    }

    async fn is_new(&self, tx: &mut Tx, now: UtcMillis) -> Result<bool, StorageError> {
        let Some(fingerprint) = &self.fingerprint else {
            return Ok(true);
        };
        let oldest = now.plus(-DELIVERY_KEPT_MS);
        queries::forget_deliveries_before(tx, &self.shop.id, oldest).await?;
        queries::note_delivery(tx, &self.shop.id, fingerprint, now).await
    }
}

/// What a delivery changes.
enum Change {
    Order(Box<ToldOrder>, Word),
    Product(ToldProduct, Word),
    Gone(Thing, WooGone),
}

impl Change {
    async fn apply(
        self,
        app: &App,
        tx: &mut Tx,
        shop: &Shop,
        now: UtcMillis,
    ) -> Result<WebhookReply, StorageError> {
        let changed = match self {
            Self::Order(order, word) => {
                let tally = take_orders(app, tx, shop, vec![*order], word, now).await?;
                return Ok(reply_of(tally));
            }
            Self::Product(product, word) => {
                return Ok(reply_of(
                    take_products(tx, shop, vec![product], word).await?,
                ));
            }
            Self::Gone(Thing::Order, gone) => delete_order(app, tx, shop, &gone.id, now).await?,
            Self::Gone(Thing::Product, gone) => delete_product(tx, shop, &gone.id, now).await?,
        };
        Ok(WebhookReply::new(if changed {
            WebhookResult::Taken
        } else {
            WebhookResult::Unchanged
        }))
    }
}

fn reply_of(tally: Tally) -> WebhookReply {
    if tally.gone > 0 {
        return WebhookReply::ignored("it is deleted, and only its restoration brings it back");
    }
    if tally.ignored > 0 {
        return WebhookReply::ignored("the product has no price yet");
    }
    WebhookReply::new(match tally {
        Tally { stale: 1.., .. } => WebhookResult::Stale,
        Tally { unchanged: 1.., .. } => WebhookResult::Unchanged,
        _ => WebhookResult::Taken,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_body_and_one_secret() {
        let secret = |text| Secret::parse("secret", text).unwrap();
        // Computed with another implementation: printf 'hello' | openssl dgst -sha256 -hmac key -binary | base64
        let signature = "kwezuRXvtRcf8U2MtV+8x5jGwO8UVtZt7RpqpyOli3s=";
        assert!(is_signed(b"hello", signature, &secret("key")));
        assert!(!is_signed(b"hello!", signature, &secret("key")));
        assert!(!is_signed(b"hello", signature, &secret("other")));
        for broken in ["", "====", "a", "aGVsbG8=", "é"] {
            assert!(!is_signed(b"hello", broken, &secret("key")), "{broken}");
        }
    }

    #[test]
    fn only_a_bare_webhook_id_is_a_ping() {
        assert!(is_ping(b"webhook_id=123"));
        for body in [
            &b""[..],
            b"webhook_id=",
            b"webhook_id=1&x=2",
            b"{\"webhook_id\":1}",
        ] {
            assert!(!is_ping(body));
        }
    }

    #[test]
    fn a_topic_is_read_whole() {
        assert_eq!(
            Topic::parse("order.created"),
            Topic::Told(Thing::Order, Word::Update)
        );
        assert_eq!(
            Topic::parse("product.restored"),
            Topic::Told(Thing::Product, Word::Restore)
        );
        assert_eq!(Topic::parse("order.deleted"), Topic::Deleted(Thing::Order));
        for other in [
            "",
            "order",
            "order.",
            "order.refunded",
            "customer.created",
            "coupon.deleted",
            "action.x",
        ] {
            assert_eq!(Topic::parse(other), Topic::Other, "{other}");
        }
    }
}
