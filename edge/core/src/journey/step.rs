//! One step of a session: what it is after something happened in it, and what the log is told.
//!
//! **Invariant:** pure and total, so that a platform can run it wherever the session is alone.

use footfall_shared::event::Event;
use footfall_shared::journey::event::{Happening, Numbered};
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use serde::{Deserialize, Serialize};

use crate::platform::QueuedEvent;

/// Something that happened in a session, before it has a number there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// The event that the log gets. Its id is the happening's: the same id again is the same happening. It
    /// names the session.
    pub event: Event,
    /// What happened.
    pub what: Happening,
    /// After how long without events the visit is over.
    pub idle_ms: i64,
}

impl Command {
    /// The session.
    #[must_use]
    pub fn session(&self) -> &str {
        self.event.session_id.as_deref().unwrap_or_default()
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is no such session, and only a start makes one.
    Unknown,
    /// Nothing changed: it happened before, or the session runs already.
    Same(Box<Session>),
    /// It went on.
    Stepped {
        /// How it was.
        before: Box<Session>,
        /// How it is.
        after: Box<Session>,
    },
}

/// What a platform has to keep, all or none, and what it then answers.
#[derive(Debug)]
pub struct Step {
    /// The session and its event, where it went on.
    pub kept: Option<(Session, QueuedEvent)>,
    /// The answer.
    pub outcome: Outcome,
}

/// Runs a command on the session as it is stored. `repeated` tells that its id was seen there before.
#[must_use]
pub fn step(stored: Option<Session>, repeated: bool, command: &Command) -> Step {
    let now = command.event.at;
    let starts = matches!(command.what, Happening::Started(_));
    let before = match stored {
        None if !starts => return nothing(Outcome::Unknown),
        None => Session::default(),
        Some(session) if repeated => return nothing(Outcome::Same(Box::new(session))),
        // A session that runs is not begun anew; one that is over begins its next visit.
        Some(session) if starts && !session.is_over(now, command.idle_ms) => {
            return nothing(Outcome::Same(Box::new(session)));
        }
        Some(session) => session,
    };
    let begins = before.visit == 0 || before.is_over(now, command.idle_ms);
    let numbered = Numbered {
        seq: before.seq.saturating_add(1),
        visit: before.visit + u32::from(begins),
        what: command.what.clone(),
    };
    let mut event = command.event.clone();
    numbered.put_into(&mut event.body);
    let queued = QueuedEvent {
        shop: event.shop.clone(),
        id: event.id.clone(),
        // An event is made of texts, numbers and maps with text keys, which always serialize.
        json: serde_json::to_string(&event).unwrap_or_default(),
    };
    let after = fold(before.clone(), &numbered, now);
    Step {
        kept: Some((after.clone(), queued)),
        outcome: Outcome::Stepped {
            before: Box::new(before),
            after: Box::new(after),
        },
    }
}

const fn nothing(outcome: Outcome) -> Step {
    Step {
        kept: None,
        outcome,
    }
}
