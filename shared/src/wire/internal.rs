//! What edge and origin say to each other. Every call is a signed POST (see [`crate::signing`]).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::id::{CustomerId, ExternalId, OutboxId, ShopId};
use crate::identity::{DeviceKey, Email, EmailHash, FingerprintHash, Geo, IpHash};
use crate::intelligence::Owner;
use crate::journey::content::Kit;
use crate::keys::AccessToken;
use crate::money::Currency;
use crate::offers::Offer;
use crate::profile::Profile;
use crate::shop::ShopEntry;
use crate::time::Moment;

/// Paths of the signed routes.
pub mod path {
    /// Edge → origin: append events.
    pub const EVENTS: &str = "/internal/events";
    /// Edge → origin: a shop by its key's hash or slug.
    pub const RESOLVE_SHOP: &str = "/internal/shops/resolve";
    /// Edge → origin: who was seen on a device.
    pub const RECOGNIZE: &str = "/internal/devices/recognize";
    /// Edge → origin: a customer's entry.
    pub const CUSTOMER_ENTRY: &str = "/internal/customers/entry";
    /// Edge → origin: make the offer that is due and answer with the entry.
    pub const ENSURE_OFFER: &str = "/internal/offers/ensure";
    /// Edge → origin: move an offer.
    pub const MOVE_OFFER: &str = "/internal/offers/status";
    /// Edge → origin: what somebody may want next.
    pub const RECOMMENDATIONS: &str = "/internal/recommendations";
    /// Edge → origin: a shop's kit.
    pub const KIT: &str = "/internal/journey/kit";
    /// Origin → edge: changed entries.
    pub const PUSH: &str = "/internal/push";
    /// Host → edge: drain the outbox.
    pub const FLUSH: &str = "/internal/flush";
    /// Origin → edge: what became of the events that the edge accepted.
    pub const LEDGER: &str = "/internal/ledger";
}

/// A batch of events as the outbox holds them, so that one bad event cannot fail the rest.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventBatch<'a> {
    /// The outbox that they come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox: Option<OutboxId>,
    /// Each event's handle there, in the sequence of the events. With the outbox it names the acceptance,
    /// so that a batch whose receipt was lost gets the same verdicts again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<i64>,
    /// Each a JSON [`crate::event::Event`].
    #[serde(borrow)]
    pub events: Vec<&'a RawValue>,
}

/// What became of one event at the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is in the log now.
    Appended,
    /// It was in the log before.
    Duplicate,
    /// It will never be taken; it is kept as rejected with its reason.
    Rejected,
}

impl Verdict {
    /// The verdict's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appended => "appended",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
        }
    }
}

/// The receipt of one event. Only an event named here may be forgotten by the edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The event's place in the batch, from 0.
    pub index: usize,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The receipts of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppendReceipt {
    /// One for each event that was settled; events not named stay with the edge.
    pub receipts: Vec<Receipt>,
}

/// Asks for a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolveShop {
    /// By the hash of a presented key.
    KeyHash(String),
    /// By slug, for the keyless shop of development.
    Slug(String),
    /// By the access token of one of its people.
    Token(AccessToken),
}

/// The shop asked for; `None` where the key is unknown or revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedShop {
    /// What the edge may know of it.
    pub shop: Option<ShopEntry>,
}

/// Asks whom a device's keys stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognizeDevice {
    /// The shop.
    pub shop: ShopId,
    /// What the device is known by.
    pub keys: Vec<DeviceKey>,
}

/// Whom a device's key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLink {
    /// The person, or that it is shared.
    pub owner: Owner,
    /// Grows with every change of the link.
    pub version: i64,
}

/// The links of the keys asked for, in their sequence; `None` where nobody was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recognized {
    /// One for each key.
    pub links: Vec<Option<DeviceLink>>,
}

/// Names a customer by the keyed hash of the email.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerKey {
    /// The shop.
    pub shop: ShopId,
    /// The customer.
    pub email_hash: EmailHash,
}

/// The entry asked for; `None` where no such customer is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerReply {
    /// The customer's entry.
    pub entry: Option<CustomerEntry>,
}

/// Everything that the edge holds of a customer: enough to answer every storefront question about
/// profile and offer without the origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerEntry {
    /// Grows with every change of anything below.
    pub version: i64,
    /// Who it is.
    pub card: CustomerCard,
    /// The currency of all amounts below.
    pub currency: Currency,
    /// The profile; `None` before the first counted order.
    pub profile: Option<Profile>,
    /// The latest offer, whatever became of it.
    pub offer: Option<Offer>,
}

/// Who a customer is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerCard {
    /// Footfall's id.
    pub id: CustomerId,
    /// The number within the shop, the contract's integer id.
    pub number: i64,
    /// The email.
    pub email: Email,
    /// The shop's own id of the customer.
    pub external_id: Option<ExternalId>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Fingerprint of the device seen last.
    pub fingerprint: Option<FingerprintHash>,
    /// Address of the device seen last.
    pub ip: Option<IpHash>,
    /// Where that device was.
    pub geo: Option<Geo>,
    /// When the record was made.
    pub created: Moment,
    /// When it changed last.
    pub updated: Moment,
}

/// Asks to move an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveOffer {
    /// The shop.
    pub shop: ShopId,
    /// The offer's id, or its number as text.
    pub offer: String,
    /// Where to, as the caller wrote it.
    pub status: String,
    /// Whose email came with the request.
    pub customer_email: Option<Email>,
}

/// Asks what somebody may want next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskRecommendations {
    /// The shop.
    pub shop: ShopId,
    /// The customer; `None` for what is told everybody who is not known.
    pub whom: Option<EmailHash>,
}

/// What somebody may want next; `L` is a [`RecommendationList`], if they have one of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecommendationsAnswer<L> {
    /// Grows with every list that is put in service for them.
    pub version: i64,
    /// The list.
    pub list: L,
}

/// A list of recommendations as an edge holds it; `R` is one of them, or its text, which edges pass on as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecommendationList<R> {
    /// `personal`, `cold` or `untrained`.
    pub basis: String,
    /// The version of the recommender that made it; `None` before the first training.
    pub model_version: Option<i64>,
    /// The best first.
    pub recommendations: Vec<R>,
}

/// A changed entry that the origin sends to the edges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A customer's entry; `entry` is `None` after an erasure.
    Customer {
        /// The shop.
        shop: ShopId,
        /// The customer.
        email_hash: EmailHash,
        /// The version from which this holds.
        version: i64,
        /// The new entry.
        entry: Option<Box<CustomerEntry>>,
    },
    /// The link of a device's key; `link` is `None` when it recognizes nobody any more.
    Device {
        /// The shop.
        shop: ShopId,
        /// The key.
        key: DeviceKey,
        /// The version from which this holds.
        version: i64,
        /// The new link.
        link: Option<DeviceLink>,
    },
    /// A shop's kit; `entry` is `None` where it has none.
    Kit {
        /// The shop.
        shop: ShopId,
        /// The kit's version.
        version: i64,
        /// The kit.
        entry: Option<Box<Kit>>,
    },
    /// What somebody may want next; `entry` is `None` where nothing is known of them any more.
    Recommendations {
        /// The shop.
        shop: ShopId,
        /// The customer; `None` for everybody who is not known.
        email_hash: Option<EmailHash>,
        /// The version from which this holds.
        version: i64,
        /// A [`RecommendationList`].
        entry: Option<serde_json::Value>,
    },
    /// A key was revoked or its shop's settings changed: forget what is known of it.
    Key {
        /// The key's hash, or the shop's slug for keyless requests.
        key: String,
        /// The version from which this holds (a time in milliseconds).
        version: i64,
    },
    /// Somebody was erased: remove the key too, which holds a hash of the person, and the floor beside it.
    ///
    /// It follows about a minute after the change without an entry. That one stays as a floor as long as an answer
    /// to an older question may still be on its way; this one removes the floor.
    Forget {
        /// The shop.
        shop: ShopId,
        /// What follows `{shop}/` in the cache's key, as `customer/<hash>`, `wants/<hash>`, `browser/<hash>`,
        /// `fingerprint/<hash>` or `ip/<hash>`; or `session/<session id>` for a session. Never empty.
        key: String,
        /// When it was asked for, in milliseconds. It names the queued row; the edge does not compare it.
        version: i64,
    },
}

/// Asks for a shop's kit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskKit {
    /// The shop.
    pub shop: ShopId,
}

/// A shop's kit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KitReply<K = Kit> {
    /// Its version; 0 where there is none.
    pub version: i64,
    /// The kit; `None` where the shop has none.
    pub kit: Option<K>,
}

/// Changes for one edge, at most [`Push::CHANGES_MAX`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// The changes; their sequence does not matter, versions decide.
    pub changes: Vec<Change>,
}

impl Push {
    /// Most changes in one call: 100 entries of about 3 kB stay far below the body's bound.
    pub const CHANGES_MAX: usize = 100;
}

/// What became of the events of one shop that an edge has accepted, all in one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopLedger {
    /// The shop.
    pub shop: ShopId,
    /// Events that were answered as accepted.
    pub accepted: u64,
    /// Those that a receipt called appended.
    pub stored: u64,
    /// Those whose id the log had already, from another acceptance.
    pub duplicate: u64,
    /// Those that the log will not take; the origin keeps them with the reason.
    pub rejected: u64,
    /// Those that wait, counted in the outbox itself.
    pub pending: u64,
}

impl ShopLedger {
    /// A shop without events.
    #[must_use]
    pub const fn empty(shop: ShopId) -> Self {
        Self {
            shop,
            accepted: 0,
            stored: 0,
            duplicate: 0,
            rejected: 0,
            pending: 0,
        }
    }

    /// Notes what became of one accepted event.
    pub const fn settle(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Appended => self.stored += 1,
            Verdict::Duplicate => self.duplicate += 1,
            Verdict::Rejected => self.rejected += 1,
        }
    }

    /// Whether no event is missing and none counted twice.
    #[must_use]
    pub const fn balances(&self) -> bool {
        self.accepted == self.stored + self.duplicate + self.rejected + self.pending
    }
}

/// How often an edge's cache had what was looked up, since its counting began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lookups {
    /// It did.
    pub hits: u64,
    /// The origin had to be asked.
    pub misses: u64,
}

impl Lookups {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.hits + self.misses
    }

    /// These and those.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
        }
    }
}

/// An edge's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The outbox.
    pub outbox: OutboxId,
    /// Each shop that ever had an event there.
    pub shops: Vec<ShopLedger>,
    /// What its cache was asked; nothing where an older edge does not tell.
    #[serde(default)]
    pub lookups: Lookups,
}

/// What a flush did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlushReply {
    /// Events that the origin settled in this call.
    pub settled: u64,
    /// Events that still wait.
    pub pending: u64,
}
