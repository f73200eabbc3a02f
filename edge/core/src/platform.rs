//! What the core asks of a runtime: six small capabilities, each with its guarantees.
//!
//! Futures need not be `Send`: a Worker's are not.

use std::collections::BTreeSet;

use footfall_shared::id::{Entropy, EventId, OutboxId, ShopId};
use footfall_shared::journey::content::Kit;
use footfall_shared::journey::content::decide::{Question, Ranked};
use footfall_shared::journey::session::Session;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{Lookups, ShopLedger, Verdict};
use http::{HeaderMap, Method, StatusCode};

use crate::cache;
use crate::config::EdgeConfig;
use crate::journey::step::{Command, Outcome};
use crate::lookups::UntoldLookups;
use crate::shops::{KitMemo, ShopMemo};

/// A runtime that the core runs on.
pub trait Platform {
    /// See [`Cache`].
    type Cache: Cache;
    /// See [`Outbox`].
    type Outbox: Outbox;
    /// See [`OriginLink`].
    type Origin: OriginLink;
    /// See [`Limiter`].
    type Limiter: Limiter;
    /// See [`Sessions`].
    type Sessions: Sessions;
    /// See [`Tally`].
    type Tally: Tally;

    /// Where copies of the origin's state are kept.
    fn cache(&self) -> &Self::Cache;
    /// Where accepted events wait for the origin.
    fn outbox(&self) -> &Self::Outbox;
    /// The way to the origin.
    fn origin(&self) -> &Self::Origin;
    /// Where uses are counted.
    fn limiter(&self) -> &Self::Limiter;
    /// Where sessions are kept.
    fn sessions(&self) -> &Self::Sessions;
    /// Where look-ups are counted.
    fn tally(&self) -> &Self::Tally;
    /// The look-ups that this instance has not told yet.
    fn untold(&self) -> &UntoldLookups;
    /// The shops that this instance has in its own memory, empty at its start.
    fn shops(&self) -> &ShopMemo;
    /// Their kits, likewise.
    fn kits(&self) -> &KitMemo;
    /// The deployment's settings.
    fn config(&self) -> &EdgeConfig;
    /// The clock, correct to a few seconds.
    fn now(&self) -> UtcMillis;
    /// Ten bytes from a cryptographic source.
    fn entropy(&self) -> Entropy;
    /// What the shop's own policy says; `None` where there is none, or where it failed.
    fn rank(&self, _: &Asked<'_>) -> Option<Ranked> {
        None
    }
}

/// What a shop's own policy is asked, and of whom.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The shop.
    pub shop: &'a ShopId,
    /// Its kit.
    pub kit: &'a Kit,
    /// The session as it stands.
    pub session: &'a Session,
    /// The clock.
    pub now: UtcMillis,
    /// What is to be ranked.
    pub question: Question<'a>,
}

/// The cache did not answer. Callers go on as if nothing were cached.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the cache failed: {0}")]
pub struct CacheError(pub String);

/// A change that the origin pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The key it is kept under.
    pub key: String,
    /// Its version at the origin.
    pub version: i64,
    /// The entry as it is kept.
    pub entry: Vec<u8>,
}

/// Keys and values without expiry of their own.
///
/// Guarantees: a `get` after a `put` of the same caller gives that value or a later one. Others may see
/// it later (bounded by the runtime). Values may vanish. Nothing is atomic over two calls.
///
/// A push is stronger: once it is answered, nobody anywhere is given an older version of its keys after
/// [`crate::cache::PUSH_SEEN_MS`]. The methods for it have bodies that are right where a `put` is seen by
/// everybody at once; a store that is consistent only in the end brings its own.
#[expect(async_fn_in_trait, reason = "futures need not be Send, see the module")]
pub trait Cache {
    /// The value of a key.
    ///
    /// # Errors
    /// [`CacheError`] when the store does not answer.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError>;

    /// Sets a key.
    ///
    /// # Errors
    /// [`CacheError`] when the store does not take it.
    async fn put(&self, key: &str, value: &[u8]) -> Result<(), CacheError>;

    /// Removes a key's entry and whatever floor stands beside it. Afterwards nothing that is stored names the key, in
    /// the end everywhere (bounded by the runtime). A key that is not there is removed already.
    ///
    /// A fetch that is on its way brings the key back, and with the floor gone nothing tells that it is old. So
    /// what must not come back is pushed without an entry first, and removed when no fetch is on its way any more.
    ///
    /// # Errors
    /// [`CacheError`]: entry or floor may still be there; remove it again.
    async fn remove(&self, key: &str) -> Result<(), CacheError>;

    /// Keeps what the origin pushed, except for what a newer push has overtaken.
    ///
    /// # Errors
    /// [`CacheError`]: none, some or all of it is kept; the origin sends it again.
    async fn push(&self, changes: &[Pushed]) -> Result<(), CacheError> {
        cache::push_over_floors(self, changes).await
    }

    /// The newest version that was pushed for a key, as long as an older one could still turn up.
    ///
    /// # Errors
    /// [`CacheError`] when the store does not answer.
    async fn floor(&self, key: &str) -> Result<Option<i64>, CacheError> {
        cache::floor_beside(self, key).await
    }
}

/// The outbox did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutboxError {
    /// It holds as much as it may; nothing more is taken until the origin has taken some of it.
    #[error("the outbox is full")]
    Full,
    /// The store failed.
    #[error("the outbox failed: {0}")]
    Failed(String),
}

/// An event on its way, as JSON, with what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedEvent {
    /// Its shop.
    pub shop: ShopId,
    /// Its id.
    pub id: EventId,
    /// The event as JSON.
    pub json: String,
}

/// An event that waits, with the handle to settle it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingEvent {
    /// The handle.
    pub handle: i64,
    /// The event as JSON.
    pub json: String,
}

/// What a receipt of the origin says of an event that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The event's handle.
    pub handle: i64,
    /// What became of it.
    pub verdict: Verdict,
}

/// The durable queue of accepted events, with the ledger of what became of them.
///
/// Guarantee: the ledger balances in whatever instant it is read, because each count changes in the same
/// step as the events that it counts.
#[expect(async_fn_in_trait, reason = "futures need not be Send, see the module")]
pub trait Outbox {
    /// The outbox's own id: made with it, and gone with it.
    ///
    /// # Errors
    /// [`OutboxError::Failed`] when the store does not answer.
    async fn id(&self) -> Result<OutboxId, OutboxError>;

    /// Appends events, all or none, and counts them as accepted. On `Ok` they survive a crash of the process.
    /// The answer holds the places (in `events`) of those that were taken; a missing place is an id that
    /// waits already.
    ///
    /// # Errors
    /// [`OutboxError`]: nothing was taken.
    async fn append(&self, events: &[QueuedEvent]) -> Result<BTreeSet<usize>, OutboxError>;

    /// The events that wait longest, at most `limit`. They stay until they are settled.
    ///
    /// # Errors
    /// [`OutboxError`] when the store does not answer.
    async fn peek(&self, limit: usize) -> Result<Vec<WaitingEvent>, OutboxError>;

    /// Forgets events that the origin has settled, and counts their verdicts. Unknown handles are ignored.
    ///
    /// # Errors
    /// [`OutboxError`]: none or some were forgotten; the rest will be sent again.
    async fn settle(&self, settled: &[Settled]) -> Result<(), OutboxError>;

    /// How many events wait.
    ///
    /// # Errors
    /// [`OutboxError`] when the store does not answer.
    async fn pending(&self) -> Result<u64, OutboxError>;

    /// The ledger of each shop that ever had an event here, all in one instant for each shop.
    ///
    /// # Errors
    /// [`OutboxError`] when the store does not answer.
    async fn ledger(&self) -> Result<Vec<ShopLedger>, OutboxError>;
}

/// A session was not served.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionsError {
    /// The outbox holds as much as it may, and a step without its event is none.
    #[error("the outbox is full")]
    Full,
    /// The store failed.
    #[error("the sessions failed: {0}")]
    Failed(String),
}

/// Journeys, each with one writer.
///
/// Guarantees: the steps of one session happen one after the other, also of calls at once. A step and its
/// event in the outbox are kept together: the session never shows what the log will not get, and on `Ok` both
/// survive a crash. An id is stepped once in a session, however often and late it comes again.
#[expect(async_fn_in_trait, reason = "futures need not be Send, see the module")]
pub trait Sessions {
    /// Runs [`crate::journey::step::step`] where the session is alone.
    ///
    /// # Errors
    /// [`SessionsError`]: whoever asked may ask again with the same id.
    async fn step(&self, command: &Command) -> Result<Outcome, SessionsError>;

    /// A session as it stands.
    ///
    /// # Errors
    /// [`SessionsError::Failed`] when the store does not answer.
    async fn read(&self, shop: &ShopId, session: &str) -> Result<Option<Session>, SessionsError>;

    /// Forgets sessions in which nothing has happened since `before`. Called now and then.
    ///
    /// # Errors
    /// [`SessionsError::Failed`] when the store does not answer.
    async fn forget(&self, before: UtcMillis) -> Result<(), SessionsError>;

    /// Erases a session and the ids that were stepped in it; one that is not there is erased already. A step at the
    /// same time either came before and is erased as well, or finds no session: then a start begins a new
    /// one, at number 1 and with no id seen, and anything else is [`Outcome::Unknown`]. The events of its steps
    /// are the outbox's and stay until they are settled.
    ///
    /// # Errors
    /// [`SessionsError::Failed`]: the session may still be there; erase it again.
    async fn erase(&self, shop: &ShopId, session: &str) -> Result<(), SessionsError>;
}

/// The limiter did not answer. Callers go on as if nothing were limited.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the limiter failed: {0}")]
pub struct LimiterError(pub String);

/// Counts of uses that end at a time. A key belongs to one window: it names the hour or the day.
///
/// Guarantee: exact within one edge location, also under concurrent calls. Counts may vanish in a crash.
#[expect(async_fn_in_trait, reason = "futures need not be Send, see the module")]
pub trait Limiter {
    /// Counts a use of the key and gives how many there are, this one included. After `until` the key may be
    /// forgotten.
    ///
    /// # Errors
    /// [`LimiterError`] when the store does not answer.
    async fn hit(&self, key: &str, until: UtcMillis) -> Result<u32, LimiterError>;

    /// Whether `member` is among the first `most` different members of the key; a new one takes a place where
    /// there is one left. After `until` the key may be forgotten.
    ///
    /// # Errors
    /// [`LimiterError`] when the store does not answer.
    async fn admit(
        &self,
        key: &str,
        member: &str,
        most: u32,
        until: UtcMillis,
    ) -> Result<bool, LimiterError>;

    /// Forgets what has ended by now. Called now and then.
    ///
    /// # Errors
    /// [`LimiterError`] when the store does not answer.
    async fn sweep(&self, now: UtcMillis) -> Result<(), LimiterError>;
}

/// The tally did not answer. Callers go on: it is for the operator, not for shoppers.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the tally failed: {0}")]
pub struct TallyError(pub String);

/// The look-ups of all instances of an edge. They may vanish in a crash.
#[expect(async_fn_in_trait, reason = "futures need not be Send, see the module")]
pub trait Tally {
    /// Adds what an instance has counted.
    ///
    /// # Errors
    /// [`TallyError`]: nothing was added.
    async fn add(&self, lookups: Lookups) -> Result<(), TallyError>;

    /// All that was added.
    ///
    /// # Errors
    /// [`TallyError`] when the store does not answer.
    async fn total(&self) -> Result<Lookups, TallyError>;
}

/// A call to the origin.
#[derive(Debug, Clone)]
pub struct OriginRequest {
    /// The method.
    pub method: Method,
    /// Path and query, beginning with `/`.
    pub path_and_query: String,
    /// Its headers; the platform adds `host` and `content-length`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// The origin's answer.
#[derive(Debug, Clone)]
pub struct OriginResponse {
    /// The status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The origin gave no answer in time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the origin gave no answer: {0}")]
pub struct OriginUnreachable(pub String);

/// The way to the origin, and to nowhere else.
#[expect(async_fn_in_trait, reason = "futures need not be Send, see the module")]
pub trait OriginLink {
    /// Sends a request and waits for the whole answer, at most a few seconds. Nothing is retried here.
    ///
    /// # Errors
    /// [`OriginUnreachable`] when there is no answer; the origin may have seen the request all the same.
    async fn send(&self, request: OriginRequest) -> Result<OriginResponse, OriginUnreachable>;
}
