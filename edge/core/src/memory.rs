//! A platform in memory, with faults to inject: for the tests of the core.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use footfall_shared::id::{Entropy, OutboxId, ShopId};
use footfall_shared::journey::session::Session;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{Lookups, ShopLedger};
use http::{HeaderMap, Method};

use crate::cache::floor_key;
use crate::config::EdgeConfig;
use crate::http::Request;
use crate::journey::step::{Command, Outcome, step};
use crate::lookups::UntoldLookups;
use crate::platform::{
    Cache, CacheError, Limiter, LimiterError, OriginLink, OriginRequest, OriginResponse,
    OriginUnreachable, Outbox, OutboxError, Platform, QueuedEvent, Sessions, SessionsError,
    Settled, Tally, TallyError, WaitingEvent,
};
use crate::shops::{KitMemo, ShopMemo};

/// A cache in memory.
#[derive(Debug, Default)]
pub struct MemoryCache {
    entries: RefCell<HashMap<String, Vec<u8>>>,
    /// Makes every call fail.
    pub broken: Cell<bool>,
}

impl MemoryCache {
    /// All keys and values as text, for tests that look for what must not be there.
    #[must_use]
    pub fn dump(&self) -> String {
        let entries = self.entries.borrow();
        let lines = entries
            .iter()
            .map(|(key, value)| format!("{key} {}", String::from_utf8_lossy(value)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        if self.broken.get() {
            return Err(CacheError("broken".to_owned()));
        }
        Ok(self.entries.borrow().get(key).cloned())
    }

    async fn put(&self, key: &str, value: &[u8]) -> Result<(), CacheError> {
        if self.broken.get() {
            return Err(CacheError("broken".to_owned()));
        }
        self.entries
            .borrow_mut()
            .insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<(), CacheError> {
        if self.broken.get() {
            return Err(CacheError("broken".to_owned()));
        }
        let mut entries = self.entries.borrow_mut();
        entries.remove(key);
        entries.remove(&floor_key(key));
        Ok(())
    }
}

/// An outbox in memory.
#[derive(Debug, Default)]
pub struct MemoryOutbox {
    waiting: RefCell<Vec<(i64, QueuedEvent)>>,
    next: Cell<i64>,
    ledger: RefCell<BTreeMap<ShopId, ShopLedger>>,
    /// Takes no more events than this at once.
    pub most: Cell<Option<usize>>,
    /// Makes every call fail.
    pub broken: Cell<bool>,
}

impl MemoryOutbox {
    /// The events that wait, as JSON.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        self.waiting
            .borrow()
            .iter()
            .map(|(_, event)| event.json.clone())
            .collect()
    }

    fn count(&self, shop: &ShopId, change: impl FnOnce(&mut ShopLedger)) {
        let mut ledger = self.ledger.borrow_mut();
        let empty = || ShopLedger::empty(shop.clone());
        change(ledger.entry(shop.clone()).or_insert_with(empty));
    }

    fn works(&self) -> Result<(), OutboxError> {
        if self.broken.get() {
            Err(OutboxError::Failed("broken".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl Outbox for MemoryOutbox {
    async fn id(&self) -> Result<OutboxId, OutboxError> {
        self.works()?;
        Ok(OutboxId::generate(UtcMillis::new(0), [8; 10]))
    }

    async fn append(&self, events: &[QueuedEvent]) -> Result<BTreeSet<usize>, OutboxError> {
        self.works()?;
        let mut waiting = self.waiting.borrow_mut();
        if self.most.get().is_some_and(|most| waiting.len() >= most) {
            return Err(OutboxError::Full);
        }
        let mut taken = BTreeSet::new();
        for (place, event) in events.iter().enumerate() {
            let known = waiting
                .iter()
                .any(|(_, held)| held.shop == event.shop && held.id == event.id);
            if !known {
                self.next.set(self.next.get() + 1);
                waiting.push((self.next.get(), event.clone()));
                self.count(&event.shop, |shop| shop.accepted += 1);
                taken.insert(place);
            }
        }
        Ok(taken)
    }

    async fn peek(&self, limit: usize) -> Result<Vec<WaitingEvent>, OutboxError> {
        self.works()?;
        let waiting = self.waiting.borrow();
        let first = waiting.iter().take(limit);
        Ok(first
            .map(|(handle, event)| WaitingEvent {
                handle: *handle,
                json: event.json.clone(),
            })
            .collect())
    }

    async fn settle(&self, settled: &[Settled]) -> Result<(), OutboxError> {
        self.works()?;
        let mut waiting = self.waiting.borrow_mut();
        for Settled { handle, verdict } in settled {
            if let Some(place) = waiting.iter().position(|(held, _)| held == handle) {
                let (_, event) = waiting.remove(place);
                self.count(&event.shop, |shop| shop.settle(*verdict));
            }
        }
        Ok(())
    }

    async fn pending(&self) -> Result<u64, OutboxError> {
        self.works()?;
        Ok(self.waiting.borrow().len() as u64)
    }

    async fn ledger(&self) -> Result<Vec<ShopLedger>, OutboxError> {
        self.works()?;
        let waiting = self.waiting.borrow();
        let ledger = self.ledger.borrow();
        let with_pending = ledger.values().map(|shop| {
            let pending = waiting.iter().filter(|(_, event)| event.shop == shop.shop);
            ShopLedger {
                pending: pending.count() as u64,
                ..shop.clone()
            }
        });
        Ok(with_pending.collect())
    }
}

/// A limiter in memory.
#[derive(Debug, Default)]
pub struct MemoryLimiter {
    hits: RefCell<HashMap<String, (u32, UtcMillis)>>,
    members: RefCell<HashMap<String, (BTreeSet<String>, UtcMillis)>>,
    /// Makes every call fail.
    pub broken: Cell<bool>,
}

impl MemoryLimiter {
    fn works(&self) -> Result<(), LimiterError> {
        if self.broken.get() {
            Err(LimiterError("broken".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl Limiter for MemoryLimiter {
    async fn hit(&self, key: &str, until: UtcMillis) -> Result<u32, LimiterError> {
        self.works()?;
        let mut hits = self.hits.borrow_mut();
        let (used, _) = hits.entry(key.to_owned()).or_insert((0, until));
        *used += 1;
        Ok(*used)
    }

    async fn admit(
        &self,
        key: &str,
        member: &str,
        most: u32,
        until: UtcMillis,
    ) -> Result<bool, LimiterError> {
        self.works()?;
        let mut members = self.members.borrow_mut();
        let (members, _) = members
            .entry(key.to_owned())
            .or_insert_with(|| (BTreeSet::new(), until));
        if members.len() < most as usize {
            members.insert(member.to_owned());
        }
        Ok(members.contains(member))
    }

    async fn sweep(&self, now: UtcMillis) -> Result<(), LimiterError> {
        self.works()?;
        self.hits.borrow_mut().retain(|_, (_, until)| *until > now);
        let mut members = self.members.borrow_mut();
        members.retain(|_, (_, until)| *until > now);
        Ok(())
    }
}

/// A tally in memory.
#[derive(Debug, Default)]
pub struct MemoryTally(Cell<Lookups>);

impl Tally for MemoryTally {
    async fn add(&self, lookups: Lookups) -> Result<(), TallyError> {
        self.0.set(self.0.get().plus(lookups));
        Ok(())
    }

    async fn total(&self) -> Result<Lookups, TallyError> {
        Ok(self.0.get())
    }
}

/// Answers a request; `None` is an origin that is down.
type Answer = Box<dyn Fn(&OriginRequest) -> Option<OriginResponse>>;

/// An origin in memory: a function answers.
pub struct MemoryOrigin {
    answer: Answer,
    /// Every request that was sent.
    pub asked: RefCell<Vec<OriginRequest>>,
}

impl MemoryOrigin {
    /// Paths of the requests so far.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.asked
            .borrow()
            .iter()
            .map(|request| request.path_and_query.clone())
            .collect()
    }
}

impl OriginLink for MemoryOrigin {
    async fn send(&self, request: OriginRequest) -> Result<OriginResponse, OriginUnreachable> {
        let answer = (self.answer)(&request);
        self.asked.borrow_mut().push(request);
        answer.ok_or_else(|| OriginUnreachable("down".to_owned()))
    }
}

/// Sessions in memory.
#[derive(Debug, Default)]
pub struct MemorySessions {
    outbox: Rc<MemoryOutbox>,
    held: RefCell<HashMap<(ShopId, String), Session>>,
    seen: RefCell<HashSet<(ShopId, String, String)>>,
}

impl Sessions for MemorySessions {
    async fn step(&self, command: &Command) -> Result<Outcome, SessionsError> {
        let (shop, session) = (command.event.shop.clone(), command.session().to_owned());
        let id = command.event.id.as_str().to_owned();
        let place = (shop.clone(), session.clone(), id);
        let key = (shop, session);
        let stored = self.held.borrow().get(&key).cloned();
        let repeated = self.seen.borrow().contains(&place);
        let step = step(stored, repeated, command);
        if let Some((session, event)) = step.kept {
            let kept = self.outbox.append(&[event]).await;
            kept.map_err(|fault| match fault {
                OutboxError::Full => SessionsError::Full,
                OutboxError::Failed(fault) => SessionsError::Failed(fault),
            })?;
            self.held.borrow_mut().insert(key, session);
            self.seen.borrow_mut().insert(place);
        }
        Ok(step.outcome)
    }

    async fn read(&self, shop: &ShopId, session: &str) -> Result<Option<Session>, SessionsError> {
        let key = (shop.clone(), session.to_owned());
        Ok(self.held.borrow().get(&key).cloned())
    }

    async fn forget(&self, before: UtcMillis) -> Result<(), SessionsError> {
        let mut held = self.held.borrow_mut();
        held.retain(|_, session| session.last_at >= before);
        let of_held =
            |shop: &ShopId, session: &str| held.contains_key(&(shop.clone(), session.to_owned()));
        self.seen
            .borrow_mut()
            .retain(|(shop, session, _)| of_held(shop, session));
        Ok(())
    }

    async fn erase(&self, shop: &ShopId, session: &str) -> Result<(), SessionsError> {
        let key = (shop.clone(), session.to_owned());
        self.held.borrow_mut().remove(&key);
        self.seen
            .borrow_mut()
            .retain(|(of, name, _)| (of, name.as_str()) != (shop, session));
        Ok(())
    }
}

/// A platform in memory.
pub struct Memory {
    /// Its cache.
    pub cache: MemoryCache,
    /// Its outbox.
    pub outbox: Rc<MemoryOutbox>,
    /// Its sessions, whose events go into its outbox.
    pub sessions: MemorySessions,
    /// Its origin.
    pub origin: MemoryOrigin,
    /// Its limiter.
    pub limiter: MemoryLimiter,
    /// Its tally.
    pub tally: MemoryTally,
    /// What it has counted and not told.
    pub untold: UntoldLookups,
    /// Its settings.
    pub config: EdgeConfig,
    /// What it remembers of shops.
    pub shops: ShopMemo,
    /// Their kits.
    pub kits: KitMemo,
    /// Its clock.
    pub now: Cell<UtcMillis>,
    drawn: Cell<u64>,
}

impl Memory {
    /// A platform of this mode whose origin answers by `answer`; `None` is an origin that is down.
    pub fn new(
        mode: &str,
        now: UtcMillis,
        answer: impl Fn(&OriginRequest) -> Option<OriginResponse> + 'static,
    ) -> Self {
        let outbox = Rc::<MemoryOutbox>::default();
        Self {
            cache: MemoryCache::default(),
            sessions: MemorySessions {
                outbox: Rc::clone(&outbox),
                ..MemorySessions::default()
            },
            outbox,
            origin: MemoryOrigin {
                answer: Box::new(answer),
                asked: RefCell::default(),
            },
            limiter: MemoryLimiter::default(),
            tally: MemoryTally::default(),
            untold: UntoldLookups::default(),
            config: EdgeConfig::parse(mode, &"k".repeat(32), "0").unwrap(),
            shops: ShopMemo::default(),
            kits: KitMemo::default(),
            now: Cell::new(now),
            drawn: Cell::new(0),
        }
    }
}

impl Platform for Memory {
    type Cache = MemoryCache;
    type Outbox = MemoryOutbox;
    type Origin = MemoryOrigin;
    type Limiter = MemoryLimiter;
    type Sessions = MemorySessions;
    type Tally = MemoryTally;

    fn cache(&self) -> &MemoryCache {
        &self.cache
    }

    fn outbox(&self) -> &MemoryOutbox {
        &self.outbox
    }

    fn origin(&self) -> &MemoryOrigin {
        &self.origin
    }

    fn limiter(&self) -> &MemoryLimiter {
        &self.limiter
    }

    fn sessions(&self) -> &MemorySessions {
        &self.sessions
    }

    fn tally(&self) -> &MemoryTally {
        &self.tally
    }

    fn untold(&self) -> &UntoldLookups {
        &self.untold
    }

    fn shops(&self) -> &ShopMemo {
        &self.shops
    }

    fn kits(&self) -> &KitMemo {
        &self.kits
    }

    fn config(&self) -> &EdgeConfig {
        &self.config
    }

    fn now(&self) -> UtcMillis {
        self.now.get()
    }

    fn entropy(&self) -> Entropy {
        // Distinct is enough for a test, and the same in every run.
        self.drawn.set(self.drawn.get() + 1);
        let mut entropy = [0; 10];
        entropy[2..].copy_from_slice(&self.drawn.get().to_be_bytes());
        entropy
    }
}

/// A request without headers or body; `target` is path and query.
#[must_use]
pub fn request(method: &str, target: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Request {
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: HeaderMap::new(),
        body: Vec::new(),
        peer: "127.0.0.9".parse().ok(),
        geo: None,
    }
}
