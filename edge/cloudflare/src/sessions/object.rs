//! A session's object: its one writer.
//!
//! **Invariant:** a step is answered only when its event is in the outbox. Where the outbox did not take it,
//! it waits here beside the session, and goes with the next step or the next alarm.

use footfall_edge::journey::FORGOTTEN_AFTER_MS;
use footfall_edge::journey::step::{Command, Outcome, step};
use footfall_edge::platform::{Outbox as _, OutboxError};
use worker::{DurableObject, Env, Request, Response, State, console_warn, durable_object};

use super::{Question, Stepped, queries};
use crate::object::{answer, question, transaction};
use crate::platform::{CloudflarePlatform, Unusable, now};

/// How soon the outbox is tried again.
const AGAIN_MS: i64 = 1_000;
/// Events that go to the outbox at once.
const SENT_AT_ONCE_MAX: i64 = 100;

/// A session.
#[durable_object]
pub struct JourneySession {
    state: State,
    env: Env,
    /// What went wrong when the tables were made.
    broken: Option<String>,
}

impl DurableObject for JourneySession {
    fn new(state: State, env: Env) -> Self {
        let created = queries::create(&state.storage().sql());
        Self {
            state,
            env,
            broken: created.err().map(|fault| fault.to_string()),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        if let Some(fault) = &self.broken {
            return answer(Err::<(), _>(fault.as_str().into()));
        }
        match question(&mut request).await {
            Ok(Question::Step(command)) => answer(self.step(&command).await),
            Ok(Question::Read) => answer(queries::read(&self.state.storage().sql())),
            Err(fault) => answer(Err::<(), _>(fault)),
        }
    }

    /// Rings when events are left over, and when the session is old.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(fault) = self.send().await {
            console_warn!("a journey's events wait: {fault}");
            self.state.storage().set_alarm(AGAIN_MS).await?;
            return Response::empty();
        }
        let storage = self.state.storage();
        let last_at = queries::read(&storage.sql())?.map(|session| session.last_at);
        match last_at.map(|last_at| FORGOTTEN_AFTER_MS - now().since(last_at)) {
            Some(left) if left > 0 => storage.set_alarm(left).await?,
            Some(_) | None => storage.delete_all().await?,
        }
        Response::empty()
    }
}

impl JourneySession {
    async fn step(&self, command: &Command) -> worker::Result<Stepped> {
        let sql = self.state.storage().sql();
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

    /// Gives to the outbox what it does not have yet.
    async fn send(&self) -> Result<(), OutboxError> {
        let failed = |fault: worker::Error| OutboxError::Failed(fault.to_string());
        let sql = self.state.storage().sql();
        while let Some((last, events)) = queries::unsent(&sql, SENT_AT_ONCE_MAX).map_err(failed)? {
            let platform = CloudflarePlatform::in_background(&self.env)
                .map_err(|fault: Unusable| OutboxError::Failed(fault.to_string()))?;
            platform.shards().append(&events).await?;
            queries::sent(&sql, last).map_err(failed)?;
        }
        Ok(())
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
