//! Journeys: a Durable Object for each session, which is its one writer.

pub(crate) mod object;
mod queries;

use std::rc::Rc;

use footfall_edge::journey::step::{Command, Outcome};
use footfall_edge::platform::{Sessions, SessionsError};
use footfall_shared::id::ShopId;
use footfall_shared::journey::session::Session;
use footfall_shared::time::UtcMillis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::object::ask;
use crate::platform::Bindings;

/// What an object is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    /// Go on; answered with [`Stepped`].
    Step(Box<Command>),
    /// The session, where there is one.
    Read,
    /// Forget the session and its ids; answered with nothing.
    Erase,
}

/// What became of a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stepped {
    /// It is kept, and its event is in the outbox.
    Done(Outcome),
    /// The outbox is full. The event follows when there is room.
    Full,
}

/// The objects of all sessions.
pub(crate) struct SessionObjects(Rc<Bindings>);

impl SessionObjects {
    /// The sessions of the Worker's bindings.
    pub(crate) fn new(bindings: &Rc<Bindings>) -> Self {
        Self(Rc::clone(bindings))
    }

    async fn ask<R: DeserializeOwned>(
        &self,
        shop: &ShopId,
        session: &str,
        question: &Question,
    ) -> Result<R, SessionsError> {
        let failed = |fault: worker::Error| SessionsError::Failed(fault.to_string());
        let name = format!("{shop}/{session}");
        let stub = self.0.journeys.get_by_name(&name).map_err(failed)?;
        ask(&stub, question).await.map_err(failed)
    }
}

impl Sessions for SessionObjects {
    async fn step(&self, command: &Command) -> Result<Outcome, SessionsError> {
        let question = Question::Step(Box::new(command.clone()));
        let shop = &command.event.shop;
        match self.ask(shop, command.session(), &question).await? {
            Stepped::Done(outcome) => Ok(outcome),
            Stepped::Full => Err(SessionsError::Full),
        }
    }

    async fn read(&self, shop: &ShopId, session: &str) -> Result<Option<Session>, SessionsError> {
        self.ask(shop, session, &Question::Read).await
    }

    /// Each object forgets itself.
    async fn forget(&self, _before: UtcMillis) -> Result<(), SessionsError> {
        Ok(())
    }

    async fn erase(&self, shop: &ShopId, session: &str) -> Result<(), SessionsError> {
        self.ask(shop, session, &Question::Erase).await
    }
}
