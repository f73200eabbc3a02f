//! How content is chosen for a session, and how the log is told of it.
//!
//! **Invariant:** what is shown to a shopper stands in the log before it is answered; a decision that was made twice
//! alike stands there once, because its id is its digest (`a_decision_is_logged_before_it_is_answered`).

use std::cell::OnceCell;
use std::rc::Rc;

use footfall_shared::event::{Event, EventKind, value_of};
use footfall_shared::id::{EventId, ShopId};
use footfall_shared::journey::content::decide::{Choosing, Question, Whom};
use footfall_shared::journey::content::kit::Trait;
use footfall_shared::journey::content::{Decided, Decision, Kit, Purpose, Seen, Slot};
use footfall_shared::journey::session::Session;
use footfall_shared::text::hex;
use footfall_shared::wire::internal::{AskKit, KitReply, path};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::cache::{self, Entry, key};
use crate::error::EdgeError;
use crate::events::enqueue;
use crate::guard::ShopRequest;
use crate::origin::ask;
use crate::platform::{Asked, Platform};
use crate::trace::Trace;

/// How long a kit is used without a word from the origin, which pushes each new one.
pub(crate) const KIT_FRESH_MS: i64 = 10 * 60_000;

thread_local! {
    /// The kit of shops that have none, read once.
    static BUILT_IN: OnceCell<Rc<Kit>> = const { OnceCell::new() };
}

fn built_in_kit() -> Rc<Kit> {
    BUILT_IN.with(|kit| Rc::clone(kit.get_or_init(|| Rc::new(Kit::built_in()))))
}

/// A shop's kit: from memory, the cache, or the origin. An old one serves as well where the origin does not answer,
/// and the built-in one where there is none.
pub(super) async fn kit<P: Platform>(platform: &P, trace: &Trace, shop: &ShopId) -> Rc<Kit> {
    let (name, now) = (key::kit(shop), platform.now());
    if let Some(kit) = platform.kits().get(&name, now) {
        return kit;
    }
    let held = cache::get::<Kit>(platform.cache(), &name).await;
    let fresh = held.as_ref().is_some_and(|entry| entry.is_fresh(now));
    let kit = if fresh {
        held.and_then(|entry| entry.value)
    } else {
        match ask::<P, KitReply>(platform, trace, path::KIT, &AskKit { shop: shop.clone() }).await {
            Ok(KitReply { version, kit }) => {
                let mut entry = Entry::fresh(version, kit, now);
                entry.until = now.plus(KIT_FRESH_MS);
                cache::put_fetched(platform.cache(), &name, &entry).await;
                entry.value
            }
            Err(_) => held.and_then(|entry| entry.value),
        }
    };
    let kit = kit.map_or_else(built_in_kit, Rc::new);
    // Also what stands in for the origin, so that an origin that is away is asked once a second.
    platform.kits().keep(name, &kit, now);
    kit
}

/// The choice of content for a session as it stands.
pub(super) struct Choice<'a, P> {
    platform: &'a P,
    asked: &'a ShopRequest,
    kit: &'a Kit,
    session: &'a str,
    on: &'a Session,
    forbidden: &'a [Trait],
}

/// Chooses content for a session; `forbidden` is what constraints leave out.
pub(super) const fn choose<'a, P: Platform>(
    platform: &'a P,
    asked: &'a ShopRequest,
    kit: &'a Kit,
    session: &'a str,
    on: &'a Session,
    forbidden: &'a [Trait],
) -> Choice<'a, P> {
    Choice {
        platform,
        asked,
        kit,
        session,
        on,
        forbidden,
    }
}

impl<P: Platform> Choice<'_, P> {
    /// Decides these slots. Who asks not to be tracked sees what everybody would see.
    pub(super) fn slots(&self, slots: &[Slot]) -> Vec<Decision> {
        let mut kit_of_nobody = None;
        let kit = if self.asked.opted_out {
            kit_of_nobody.insert(Kit {
                holdout_permille: 1000,
                ..self.kit.clone()
            })
        } else {
            self.kit
        };
        let choosing = Choosing {
            kit,
            whom: Whom {
                shop: self.asked.shop.shop.as_str(),
                session: self.session,
            },
            seen: Seen::of(self.on),
            forbidden: self.forbidden,
            policy: &|question: Question<'_>| {
                let asked = Asked {
                    shop: &self.asked.shop.shop,
                    kit: self.kit,
                    session: self.on,
                    now: self.platform.now(),
                    question,
                };
                self.platform.rank(&asked)
            },
        };
        choosing.slots(slots)
    }

    /// Tells the log what was decided and gives the id by which it is explained; nothing where nothing was, or where
    /// nothing may be stored.
    pub(super) async fn log(
        &self,
        purpose: Purpose,
        decisions: &[Decision],
    ) -> Result<Option<String>, EdgeError> {
        if decisions.is_empty() || self.asked.opted_out {
            return Ok(None);
        }
        let decided = Decided {
            purpose,
            on: self.on.seq,
            visit: self.on.visit,
            kit: self.kit.version,
            model: self.kit.model.version.clone(),
            forbidden: self.forbidden.to_vec(),
            decisions: decisions.to_vec(),
        };
        let told = value_of(&decided);
        let now = self.platform.now();
        let id = decision_id(self.session, &told)
            .unwrap_or_else(|| EventId::generate(now, self.platform.entropy()));
        let body = Map::from_iter([
            (
                "context".to_owned(),
                json!({"library": {"name": "journey"}}),
            ),
            (Decided::BODY_KEY.to_owned(), told),
        ]);
        let event = Event {
            shop: self.asked.shop.shop.clone(),
            id,
            kind: EventKind::Journey,
            name: Some(Decided::EVENT.to_owned()),
            at: now,
            received_at: now,
            anonymous_id: None,
            user_id: None,
            session_id: Some(self.session.to_owned()),
            email: None,
            trust: None,
            device: self.asked.device.clone(),
            body,
        };
        let id = event.id.as_str().to_owned();
        enqueue(self.platform, &[event]).await?;
        Ok(Some(id))
    }
}

/// The id of what was decided in a session: the same for the same.
fn decision_id(session: &str, told: &Value) -> Option<EventId> {
    let mut hash = Sha256::new();
    hash.update(session.len().to_be_bytes());
    hash.update(session);
    hash.update(told.to_string());
    EventId::parse(&format!("dec_{}", hex(&hash.finalize()[..16]))).ok()
}
