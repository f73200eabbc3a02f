//! A session's object: its one writer.
//!
//! **Invariant:** a step is answered only when its event is in the outbox. Where the outbox did not take it,
//! it waits here beside the session, and goes with the next step or the next alarm.
//!
//! **Invariant:** the object is emptied only when the outbox has all of its events, also where its session was erased.

use std::sync::atomic::{AtomicBool, Ordering};

use footfall_edge::journey::FORGOTTEN_AFTER_MS;
use footfall_edge::journey::step::{Command, Outcome, step};
use footfall_edge::platform::{Outbox as _, OutboxError};
use worker::{
    DurableObject, Env, Request, Response, SqlStorage, State, console_warn, durable_object,
};

use super::{Question, Stepped, queries};
use crate::object::{answer, question, transaction};
use crate::platform::{CloudflarePlatform, Unusable, now};

/// How soon the outbox is tried again.
const AGAIN_MS: i64 = 1_000;
/// How soon an object whose session was erased is emptied.
const EMPTIED_AFTER_MS: i64 = 1;
/// Events that go to the outbox at once.
const SENT_AT_ONCE_MAX: i64 = 100;

/// A session.
#[durable_object]
pub struct JourneySession {
    state: State,
    env: Env,
    /// Whether the tables are there. They go when the object is emptied, and are made anew where it serves on. Atomic,
    /// because a panic may unwind through it.
    has_tables: AtomicBool,
}

impl DurableObject for JourneySession {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            has_tables: AtomicBool::new(false),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        match question(&mut request).await {
            Ok(Question::Step(command)) => answer(self.step(&command).await),
            Ok(Question::Read) => answer(self.sql().and_then(|sql| queries::read(&sql))),
            Ok(Question::Erase) => answer(self.erase().await),
            Err(fault) => answer(Err::<(), _>(fault)),
        }
    }

    /// Rings when events are left over, and when the session is old or was erased.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(fault) = self.send().await {
            console_warn!("a journey's events wait: {fault}");
            self.state.storage().set_alarm(AGAIN_MS).await?;
            return Response::empty();
        }
        let storage = self.state.storage();
        let last_at = queries::read(&self.sql()?)?.map(|session| session.last_at);
        match last_at.map(|last_at| FORGOTTEN_AFTER_MS - now().since(last_at)) {
            Some(left) if left > 0 => storage.set_alarm(left).await?,
            Some(_) | None => {
                self.has_tables.store(false, Ordering::Relaxed);
                storage.delete_all().await?;
            }
        }
        Response::empty()
    }
}

impl JourneySession {
    /// The object's database, with its tables.
    fn sql(&self) -> worker::Result<SqlStorage> {
        let sql = self.state.storage().sql();
        if !self.has_tables.load(Ordering::Relaxed) {
            queries::create(&sql)?;
            self.has_tables.store(true, Ordering::Relaxed);
        }
        Ok(sql)
    }

    async fn step(&self, command: &Command) -> worker::Result<Stepped> {
        let sql = self.sql()?;
        let outcome = transaction(&self.state, || {
            let repeated = queries::is_seen(&sql, command.event.id.as_str())?;
            let step = step(queries::read(&sql)?, repeated, command);
            if let Some((session, event)) = &step.kept {
                queries::keep(&sql, session, event)?;
            }
            Ok(step.outcome)
        })?;
        if outcome == Outcome::Unknown {
            return Ok(Stepped::Done(outcome));
        }
        match self.send().await {
            Ok(()) => {
                self.wake_in(FORGOTTEN_AFTER_MS).await?;
                Ok(Stepped::Done(outcome))
            }
            Err(fault) => {
                self.state.storage().set_alarm(AGAIN_MS).await?;
                match fault {
                    OutboxError::Full => Ok(Stepped::Full),
                    OutboxError::Failed(fault) => Err(fault.into()),
                }
            }
        }
    }

    /// Forgets session and ids. The alarm gives to the outbox what it does not have yet, and then empties the object.
    async fn erase(&self) -> worker::Result<()> {
        let sql = self.sql()?;
        transaction(&self.state, || queries::erase(&sql))?;
        self.state.storage().set_alarm(EMPTIED_AFTER_MS).await
    }

    /// Gives to the outbox what it does not have yet.
    async fn send(&self) -> Result<(), OutboxError> {
        let failed = |fault: worker::Error| OutboxError::Failed(fault.to_string());
        loop {
            let sql = self.sql().map_err(failed)?;
            let events = queries::unsent(&sql, SENT_AT_ONCE_MAX).map_err(failed)?;
            if events.is_empty() {
                return Ok(());
            }
            let platform = CloudflarePlatform::in_background(&self.env)
                .map_err(|fault: Unusable| OutboxError::Failed(fault.to_string()))?;
            platform.shards().append(&events).await?;
            // The object may have been emptied meanwhile, so the tables are made sure of again.
            let sql = self.sql().map_err(failed)?;
            queries::sent(&sql, &events).map_err(failed)?;
        }
    }

    /// Sets the alarm where none is set.
    async fn wake_in(&self, millis: i64) -> worker::Result<()> {
        let storage = self.state.storage();
        match storage.get_alarm().await? {
            Some(_) => Ok(()),
            None => storage.set_alarm(millis).await,
        }
    }
}
