//! What people allow: recorded as proof, and obeyed by tracking, offers, recommendations and mails.
//!
//! People are known here by the hashes of their emails, browsers by those of their ids; the rule, which word counts, is
//! [`footfall_shared::privacy::consent`]. A browser's word is about what is done in it; what is known of a person obeys the
//! person's own word.
//!
//! **Invariant:** a new word, what follows from it, and the note that edges must hear of it commit together. Test:
//! `a_refusal_of_personalization_reaches_the_edges_and_a_grant_undoes_it`.

use std::collections::{BTreeMap, BTreeSet};

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::identity::{BrowserHash, DeviceKey, EmailHash, Trust};
use footfall_shared::privacy::consent::{ConsentRecord, Purpose, is_decision, stood_at, told_by};
use footfall_shared::time::UtcMillis;

use super::queries::consent as queries;
use crate::app::App;
use crate::db::{Handle, StorageError, Tx};
use crate::edges;
use crate::intelligence::{Customers, devices, take_turn};
use crate::recommend;
use crate::shops::Shop;

/// The source of what events say.
const EVENT: &str = "event";

/// Whose word it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// The person's with this email.
    Email(EmailHash),
    /// Whoever uses this browser.
    Browser(BrowserHash),
}

impl Whose {
    /// As it is stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Email(hash) => format!("email:{}", hash.as_str()),
            Self::Browser(hash) => format!("browser:{}", hash.as_str()),
        }
    }

    /// Reads what [`Whose::to_text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("email", hash) => EmailHash::parse(hash).map(Self::Email),
            ("browser", hash) => BrowserHash::parse(hash).map(Self::Browser),
            _ => None,
        }
    }
}

/// Records somebody's word, and gives what is recorded of that time: a refusal of the very same time stays.
pub async fn record(
    app: &App,
    shop: &Shop,
    of: Whose,
    word: ConsentRecord,
    now: UtcMillis,
) -> Result<ConsentRecord, StorageError> {
    let (purpose, at) = (word.purpose, word.at);
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    keep(app, &mut tx, shop, &[(of.clone(), word)], now).await?;
    let kept = list(&mut tx, &shop.id, &of).await?;
    edges::commit(app, tx).await?;
    let same = |one: &ConsentRecord| one.purpose == purpose && one.at == at;
    kept.into_iter().find(same).ok_or_else(|| {
        StorageError::corrupt(
            "record what somebody allows",
            "what was recorded is not there",
        )
    })
}

/// All words of a person or of a browser, the last decision first.
pub async fn list(
    db: &mut impl Handle,
    shop: &ShopId,
    of: &Whose,
) -> Result<Vec<ConsentRecord>, StorageError> {
    let found = queries::find_records(db, shop, std::slice::from_ref(of)).await?;
    let mut records: Vec<ConsentRecord> = found.into_iter().map(|(_, record)| record).collect();
    records.sort_by(|a, b| (b.at, a.purpose).cmp(&(a.at, b.purpose)));
    Ok(records)
}

/// Those of these people who refuse a purpose. One statement for up to 500 of them.
pub async fn refused(
    db: &mut impl Handle,
    shop: &ShopId,
    purpose: Purpose,
    hashes: &[EmailHash],
) -> Result<BTreeSet<EmailHash>, StorageError> {
    let asked: Vec<Whose> = hashes.iter().cloned().map(Whose::Email).collect();
    let refusing = refusing(db, shop, purpose, &asked).await?;
    Ok(refusing.into_iter().filter_map(email_of).collect())
}

/// Those of these people and browsers who refuse a purpose.
pub async fn refusing(
    db: &mut impl Handle,
    shop: &ShopId,
    purpose: Purpose,
    asked: &[Whose],
) -> Result<BTreeSet<Whose>, StorageError> {
    let standing = queries::find_standing(db, shop, purpose, asked).await?;
    let refusing = standing.into_iter().filter(|(_, granted)| !granted);
    Ok(refusing.map(|(of, _)| of).collect())
}

/// Whether somebody may be written to.
pub async fn may_email(
    db: &mut impl Handle,
    shop: &Shop,
    hash: &EmailHash,
) -> Result<bool, StorageError> {
    let unwritten = not_to_email(db, shop, std::slice::from_ref(hash)).await?;
    Ok(unwritten.is_empty())
}

/// Those of these people who may not be written to.
pub async fn not_to_email(
    db: &mut impl Handle,
    shop: &Shop,
    hashes: &[EmailHash],
) -> Result<BTreeSet<EmailHash>, StorageError> {
    let asked: Vec<Whose> = hashes.iter().cloned().map(Whose::Email).collect();
    let standing = queries::find_standing(db, &shop.id, Purpose::Email, &asked).await?;
    let answers: BTreeMap<Whose, bool> = standing.into_iter().collect();
    let unasked = Purpose::Email.is_allowed_unasked(&shop.settings);
    let unwritten = asked
        .into_iter()
        .filter(|of| !answers.get(of).copied().unwrap_or(unasked));
    Ok(unwritten.filter_map(email_of).collect())
}

fn email_of(of: Whose) -> Option<EmailHash> {
    match of {
        Whose::Email(hash) => Some(hash),
        Whose::Browser(_) => None,
    }
}

/// Which of these events must be kept without their person, because tracking was refused when they happened: by the event
/// itself, by its browser, or by the person of its email.
pub async fn untracked(
    db: &mut impl Handle,
    shop: &Shop,
    events: &[&Event],
) -> Result<Vec<bool>, StorageError> {
    let speakers: Vec<Speaker> = events.iter().map(|one| Speaker::of(one, shop)).collect();
    let asked: BTreeSet<&Whose> = speakers
        .iter()
        .filter(|one| one.on_tracking != Some(false))
        .flat_map(|one| one.browser.iter().chain(&one.person))
        .collect();
    let asked: Vec<Whose> = asked.into_iter().cloned().collect();
    let known = find_known(db, shop, &asked).await?;
    let refused = events
        .iter()
        .zip(&speakers)
        .map(|(event, speaker)| speaker.refuses_tracking(&known, event.at));
    Ok(refused.collect())
}

/// Who speaks in an event.
struct Speaker {
    browser: Option<Whose>,
    person: Option<Whose>,
    /// Whether the shop proved that it is the person: what a browser only claims to be says nothing for anybody.
    is_proven: bool,
    /// What the event itself says of tracking.
    on_tracking: Option<bool>,
}

impl Speaker {
    fn of(event: &Event, shop: &Shop) -> Self {
        let browser = event.anonymous_id.as_deref();
        let browser = browser.and_then(|id| BrowserHash::of(id, &shop.salt));
        let person = event.email.as_ref();
        let told = told_by(event);
        let on_tracking = told
            .iter()
            .find(|(purpose, _)| *purpose == Purpose::Tracking);
        Self {
            browser: browser.map(Whose::Browser),
            person: person.map(|email| Whose::Email(EmailHash::of(email, &shop.salt))),
            is_proven: event.trust == Some(Trust::Verified),
            on_tracking: on_tracking.map(|(_, granted)| *granted),
        }
    }

    fn refuses_tracking(&self, known: &Known, at: UtcMillis) -> bool {
        let refused = |of: Option<&Whose>| {
            let records = of.and_then(|of| known.get(of)).into_iter().flatten();
            stood_at(records, Purpose::Tracking, at).is_some_and(|word| !word.granted)
        };
        let (browser, person) = (self.browser.as_ref(), self.person.as_ref());
        match self.on_tracking {
            Some(false) => true,
            // The newest word of its browser; of the person only where it is proven to be the person.
            Some(true) => !self.is_proven && refused(person),
            None => refused(browser) || refused(person),
        }
    }

    /// For whom the event's words count.
    fn speaks_for(self) -> impl Iterator<Item = Whose> {
        let person = self.person.filter(|_| self.is_proven);
        self.browser.into_iter().chain(person)
    }
}

/// What is recorded, by whose it is.
type Known = BTreeMap<Whose, Vec<ConsentRecord>>;

async fn find_known(
    db: &mut impl Handle,
    shop: &Shop,
    asked: &[Whose],
) -> Result<Known, StorageError> {
    let mut known = Known::new();
    for (of, record) in queries::find_records(db, &shop.id, asked).await? {
        known.entry(of).or_default().push(record);
    }
    Ok(known)
}

/// Records what events themselves say of consent, for their browsers, and for people where the shop proved who they are. The
/// caller holds the shop's turn, and gives the events as they came, with their people.
///
/// A decision is always recorded. What only repeats one is recorded where it differs from what stood then, since almost every
/// event of a shop may repeat it.
pub async fn record_told(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    events: &[&Event],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let mut told: Vec<(Whose, ConsentRecord, bool)> = Vec::new();
    for event in events {
        let words = told_by(event);
        if words.is_empty() {
            continue;
        }
        // A browser's clock may be ahead; nobody decides later than they are heard.
        let at = event.at.min(event.received_at).min(now);
        for of in Speaker::of(event, shop).speaks_for() {
            for (purpose, granted) in &words {
                let word = ConsentRecord {
                    purpose: *purpose,
                    granted: *granted,
                    source: EVENT.to_owned(),
                    at,
                };
                told.push((of.clone(), word, is_decision(event)));
            }
        }
    }
    let words = find_news(tx, shop, told).await?;
    keep(app, tx, shop, &words, now).await
}

/// Those of the words that have to be recorded.
async fn find_news(
    tx: &mut Tx,
    shop: &Shop,
    mut told: Vec<(Whose, ConsentRecord, bool)>,
) -> Result<Vec<(Whose, ConsentRecord)>, StorageError> {
    let asked: BTreeSet<&Whose> = told.iter().map(|(of, ..)| of).collect();
    let asked: Vec<Whose> = asked.into_iter().cloned().collect();
    let mut known = find_known(tx, shop, &asked).await?;
    let mut news: BTreeMap<(Whose, Purpose, UtcMillis), ConsentRecord> = BTreeMap::new();
    told.sort_by_key(|(_, word, _)| word.at);
    for (of, word, is_decision) in told {
        let records = known.entry(of.clone()).or_default();
        if is_news(records, &word, is_decision) {
            records.push(word.clone());
            // Of one time there is one word; a later one in this list is the refusal.
            news.insert((of, word.purpose, word.at), word);
        }
    }
    let news = news.into_iter().map(|((of, ..), word)| (of, word));
    Ok(news.collect())
}

fn is_news(records: &[ConsentRecord], word: &ConsentRecord, is_decision: bool) -> bool {
    let says_it = |one: &ConsentRecord| {
        one.purpose == word.purpose && one.at == word.at && (word.granted || !one.granted)
    };
    let differs = || {
        stood_at(records, word.purpose, word.at).is_none_or(|stood| stood.granted != word.granted)
    };
    !records.iter().any(says_it) && (is_decision || differs())
}

/// Keeps words and does what follows from the new ones. The caller holds the shop's turn.
async fn keep(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    words: &[(Whose, ConsentRecord)],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let new = queries::insert(tx, &shop.id, words, now).await?;
    let new: Vec<Whose> = new.into_iter().collect();
    forget_devices(app, tx, shop, &new, now).await?;
    let people: Vec<EmailHash> = new.into_iter().filter_map(email_of).collect();
    if people.is_empty() {
        return Ok(());
    }
    // What edges hold of them is sent anew: entries, and lists of recommendations.
    let mut customers = Customers::none(shop, now);
    customers.load(tx, &people).await?;
    for customer in customers.iter_mut() {
        customer.touch();
    }
    let told = customers.save(app, tx).await?;
    recommend::queue_buyers(app, tx, &shop.id, told).await
}

/// Devices recognize nobody any more who does not want to be followed; the edges are told.
async fn forget_devices(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    new: &[Whose],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let mut keys: Vec<DeviceKey> = Vec::new();
    for of in refusing(tx, &shop.id, Purpose::Tracking, new).await? {
        match of {
            Whose::Browser(hash) => keys.push(DeviceKey::Browser(hash)),
            Whose::Email(hash) => {
                let owned = devices::list_owned(tx, &shop.id, &hash).await?;
                keys.extend(owned.into_iter().map(|(key, _)| key));
            }
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    devices::reset(app, tx, &shop.id, &keys, now).await?;
    Ok(())
}
