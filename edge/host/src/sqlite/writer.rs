//! The one thread that writes, with group commit.
//!
//! **Invariants:** a statement is answered only after the commit that holds it. A failing statement
//! never fails its neighbours in the group. While a guest's own transaction is open, nothing else
//! is written.

use super::guard::GuardedConnection;
use super::statement::{Kind, Outcome, Statement, error_of};
use crate::bindings::spin::sqlite::sqlite::Error;
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Statements of one commit.
const GROUP_MAX: usize = 256;
/// The longest time that a guest's transaction may keep the others waiting.
pub(super) const TRANSACTION_TIME_MAX: Duration = Duration::from_secs(5);

/// Where the answer to a statement goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

pub(super) enum Job {
    /// A statement outside any transaction of the guest's.
    Single {
        statement: Arc<Statement>,
        reply: Reply<Outcome>,
    },
    /// A guest's `BEGIN`. Its statements come over a channel of their own; when that is dropped
    /// without a `COMMIT`, the transaction is rolled back.
    Transaction {
        steps: std_mpsc::Receiver<Step>,
        reply: Reply<Outcome>,
    },
    Stop,
}

/// A statement inside a guest's transaction.
pub(super) struct Step {
    pub(super) statement: Arc<Statement>,
    pub(super) reply: oneshot::Sender<StepReply>,
}

pub(super) struct StepReply {
    pub(super) result: Result<Outcome, Error>,
    /// Whether the transaction is still open.
    pub(super) open: bool,
}

pub(super) struct Writer(pub(super) GuardedConnection);

type Single = (Arc<Statement>, Reply<Outcome>);

impl Writer {
    /// Works until told to stop.
    pub(super) fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            let mut group = Vec::new();
            let mut next = Some(job);
            let mut last = None;
            while let Some(job) = next.take() {
                match job {
                    Job::Single { statement, reply } => group.push((statement, reply)),
                    other => {
                        last = Some(other);
                        break;
                    }
                }
                if group.len() < GROUP_MAX {
                    next = jobs.try_recv().ok();
                }
            }
            self.run_group(group);
            match last {
                Some(Job::Transaction { steps, reply }) => self.run_transaction(&steps, reply),
                Some(Job::Stop) => return,
                Some(Job::Single { .. }) | None => {}
            }
        }
    }

    fn run_group(&self, mut group: Vec<Single>) {
        // Whoever does not wait any more has had no promise.
        group.retain(|(_, reply)| !reply.is_closed());
        if group.is_empty() {
            return;
        }
        let statements: Vec<&Statement> = group.iter().map(|(statement, _)| &**statement).collect();
        let results = match self.commit_together(&statements) {
            Ok(results) => results,
            // The commit itself failed, perhaps by one statement's fault (a deferred foreign key).
            // Alone, each one meets only its own.
            Err(_) if statements.len() > 1 => statements
                .iter()
                .map(|statement| self.commit_alone(statement))
                .collect(),
            Err(error) => vec![Err(error)],
        };
        for ((_, reply), result) in group.into_iter().zip(results) {
            let _ = reply.send(result);
        }
    }

    fn commit_alone(&self, statement: &Statement) -> Result<Outcome, Error> {
        self.commit_together(&[statement])?
            .pop()
            .unwrap_or_else(|| Ok(Outcome::empty()))
    }

    /// One transaction for all. An `Err` says that none of them was stored.
    fn commit_together(&self, group: &[&Statement]) -> Result<Vec<Result<Outcome, Error>>, Error> {
        let mut results: Vec<Option<Result<Outcome, Error>>> = vec![None; group.len()];
        // A statement may tear down the whole transaction (`OR ROLLBACK`, a full disk). It keeps
        // its error and the others run again: nobody has been answered yet.
        let mut settled = vec![false; group.len()];
        loop {
            self.host("BEGIN IMMEDIATE")?;
            let mut torn_down = false;
            for (index, statement) in group.iter().enumerate() {
                if settled[index] {
                    continue;
                }
                results[index] = Some(self.run_in_savepoint(statement));
                if !self.0.in_transaction() {
                    settled[index] = true;
                    torn_down = true;
                    break;
                }
            }
            if torn_down {
                continue;
            }
            if let Err(error) = self.host("COMMIT") {
                self.roll_back();
                return Err(error);
            }
            return Ok(results.into_iter().flatten().collect());
        }
    }

    fn run_in_savepoint(&self, statement: &Statement) -> Result<Outcome, Error> {
        self.host("SAVEPOINT statement")?;
        let result = statement.write(&self.0);
        if result.is_err() && self.0.in_transaction() {
            self.host("ROLLBACK TO statement")?;
        }
        if self.0.in_transaction() {
            self.host("RELEASE statement")?;
        }
        result
    }

    fn run_transaction(&self, steps: &std_mpsc::Receiver<Step>, reply: Reply<Outcome>) {
        let deadline = Instant::now() + TRANSACTION_TIME_MAX;
        let begun = self.host("BEGIN IMMEDIATE").map(|()| Outcome::empty());
        let failed = begun.is_err();
        if reply.send(begun).is_err() || failed {
            self.roll_back();
            return;
        }
        while self.0.in_transaction() {
            let left = deadline.saturating_duration_since(Instant::now());
            // Too late, or the guest has let go of its connection.
            let Ok(Step { statement, reply }) = steps.recv_timeout(left) else {
                break;
            };
            let result = self.run_step(&statement);
            let open = self.0.in_transaction();
            let _ = reply.send(StepReply { result, open });
        }
        if self.0.in_transaction() {
            tracing::warn!("a guest's transaction was left open and is rolled back");
        }
        self.roll_back();
    }

    fn run_step(&self, statement: &Statement) -> Result<Outcome, Error> {
        let done = |result: Result<(), Error>| result.map(|()| Outcome::empty());
        match statement.kind() {
            Kind::Commit => done(self.host("COMMIT")),
            Kind::Rollback => done(self.host("ROLLBACK")),
            Kind::Savepoint => done(self.host(&statement.sql)),
            // A `BEGIN` inside a transaction meets the authorizer.
            Kind::Begin | Kind::Read | Kind::Insert | Kind::Change | Kind::Other => {
                statement.write(&self.0)
            }
        }
    }

    fn host(&self, sql: &str) -> Result<(), Error> {
        self.0.for_host(sql).map_err(error_of)
    }

    fn roll_back(&self) {
        if self.0.in_transaction()
            && let Err(error) = self.0.for_host("ROLLBACK")
        {
            tracing::error!(error = %error, "a rollback failed");
        }
    }
}
