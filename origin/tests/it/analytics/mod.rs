//! Funnel analytics: figures that grow with each event, and are right whatever way they came.

pub(crate) mod figures;
mod files;
mod funnel;
mod sentiment;
mod users;

use footfall::jobs::work_until_idle;
use footfall_shared::event::{Event, EventKind};
use footfall_shared::time::UtcMillis;
use serde_json::{Map, Value, json};

use crate::support::build::{event, send};
use crate::support::{START, TestShop};

/// What a visitor did: who, in which session, when (minutes from the test's beginning), and what.
#[derive(Debug, Clone)]
pub(crate) struct Did {
    visitor: &'static str,
    session: Option<&'static str>,
    minute: i64,
    pub(crate) what: &'static str,
    context: Value,
}

/// A page, by its path, else (without a slash) an event of the e-commerce spec.
pub(crate) fn did(visitor: &'static str, minute: i64, what: &'static str) -> Did {
    Did {
        visitor,
        session: None,
        minute,
        what,
        context: json!({}),
    }
}

impl Did {
    /// In a session.
    pub(crate) fn session(self, session: &'static str) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    /// On a kind of device.
    pub(crate) fn on(mut self, device: &str) -> Self {
        self.context["device"] = json!({"type": device});
        self
    }

    /// As the log has it.
    pub(crate) fn event(&self, shop: &TestShop, id: &str) -> Event {
        let mut context = self.context.clone();
        let is_page = self.what.starts_with('/');
        if is_page {
            context["page"] =
                json!({"path": self.what, "url": format!("https://shop.example{}", self.what)});
        }
        Event {
            kind: if is_page {
                EventKind::Page
            } else {
                EventKind::Track
            },
            name: (!is_page).then(|| self.what.to_owned()),
            at: at(self.minute),
            anonymous_id: Some(self.visitor.to_owned()),
            session_id: self.session.map(str::to_owned),
            body: Map::from_iter([("context".to_owned(), context)]),
            ..event(shop.shop(), id)
        }
    }
}

/// A time of the test.
pub(super) fn at(minute: i64) -> UtcMillis {
    START.plus(minute * 60_000)
}

/// Has the shop's log take what visitors did.
pub(crate) async fn tell(shop: &TestShop, deeds: &[Did]) {
    let number = |place: usize| format!("e{}-{place}", deeds.len());
    let events: Vec<Event> = deeds
        .iter()
        .enumerate()
        .map(|(place, did)| did.event(shop, &number(place)))
        .collect();
    send(&shop.edge(), &events).await;
}

/// A reply of the contract's routes.
pub(super) async fn get(shop: &TestShop, path: &str) -> Value {
    shop.backend().get(path).await.expect(200)
}

/// Has the figures made anew.
pub(crate) async fn refresh(shop: &TestShop) {
    shop.backend()
        .post("/analytics/refresh", &json!({}))
        .await
        .expect(202);
    work_until_idle(&shop.app).await.unwrap();
}

/// Users of each step.
pub(super) fn users_of(funnel: &Value) -> Vec<i64> {
    let steps = funnel["steps"].as_array().unwrap().iter();
    steps.map(|step| step["users"].as_i64().unwrap()).collect()
}
