//! A run as a host holds it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::event::Event;
use kneo_core::store::RunRow;
use kneo_core::task::TaskRow;
use kneo_core::{Failure, RunId, RunOutcome, RunStatus, Seq, Value};

use crate::driver::Watch;
use crate::error::RuntimeError;
use crate::event::{Cursor, EventStream};
use crate::shared::Shared;
use crate::view::{self, RunView};

/// A run, wherever it runs: in this worker, in another, or nowhere at the moment.
///
/// Dropping a handle does nothing to the run.
#[derive(Clone)]
pub struct RunHandle {
    shared: Arc<Shared>,
    run: RunId,
    admission: Admission,
    watch: Arc<Watch>,
}

/// What became of a start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Admission {
    /// This worker advances the run.
    Claimed,
    /// The same start, under the same idempotency key, made the run before.
    StartedBefore,
    /// The run is queued: this worker has its hands full.
    AtCapacity,
    /// The run is queued: this runtime is a client, and a worker that can run the plan must claim it.
    LeftToWorkers,
    /// The handle was asked for by id.
    Found,
}

/// Where a run stands when there is nothing more to wait for.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "hosts must notice a new way for runs to end")]
pub enum Outcome {
    /// It ended with an output.
    Completed(Value),
    /// It ended with a failure that nothing handled.
    Failed(Failure),
    /// It ended because somebody asked for it.
    Cancelled,
    /// It ended because a time limit of its own passed.
    TimedOut(Failure),
    /// It ended because a person's deadline passed and nothing handled it.
    Expired(Failure),
    /// It waits for people.
    Blocked(Vec<TaskRow>),
}

impl Outcome {
    /// The run's status.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        match self {
            Outcome::Completed(_) => RunStatus::Completed,
            Outcome::Failed(_) => RunStatus::Failed,
            Outcome::Cancelled => RunStatus::Cancelled,
            Outcome::TimedOut(_) => RunStatus::TimedOut,
            Outcome::Expired(_) => RunStatus::Expired,
            Outcome::Blocked(_) => RunStatus::Blocked,
        }
    }

    fn from_end(outcome: &RunOutcome) -> Outcome {
        match outcome {
            RunOutcome::Completed(output) => Outcome::Completed(output.value().clone()),
            RunOutcome::Failed(failure) => Outcome::Failed(failure.clone()),
            RunOutcome::Cancelled => Outcome::Cancelled,
            RunOutcome::TimedOut(failure) => Outcome::TimedOut(failure.clone()),
            RunOutcome::Expired(failure) => Outcome::Expired(failure.clone()),
        }
    }
}

/// Shows which run it is, and nothing of what is said in it.
impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle").field("run", &self.run).field("admission", &self.admission).finish_non_exhaustive()
    }
}

impl RunHandle {
    pub(crate) fn new(shared: &Arc<Shared>, run: RunId, admission: Admission) -> RunHandle {
        RunHandle { shared: Arc::clone(shared), run, admission, watch: shared.hub.watch(run) }
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.run
    }

    /// What became of the start that gave this handle.
    #[must_use]
    pub fn admission(&self) -> Admission {
        self.admission
    }

    /// Where the run stands.
    ///
    /// # Errors
    /// The store fails, or the run was pruned.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn status(&self) -> Result<RunStatus, RuntimeError> {
        Ok(self.shared.row(self.run).await?.status)
    }

    /// The run in full.
    ///
    /// # Errors
    /// The store fails, the run was pruned, or its journal does not fit its plan.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn view(&self) -> Result<RunView, RuntimeError> {
        view::view(&self.shared, self.run).await
    }

    /// What happened after a cursor and what happens from now on, as one stream that ends with the run.
    ///
    /// An event is neither missed nor repeated, across restarts and workers.
    #[must_use]
    pub fn events_from(&self, cursor: Cursor) -> EventStream {
        EventStream::new(Arc::clone(&self.shared), self.run, cursor)
    }

    /// Waits until the run has ended or waits for people. Timers are waited for.
    ///
    /// # Errors
    /// The store fails for good, the run was pruned, or it cannot go on in this runtime, which had it in hand: another
    /// worker may still take it.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing: the run goes on.
    pub async fn wait(&self) -> Result<Outcome, RuntimeError> {
        let watch = &self.watch;
        loop {
            let mut settled = std::pin::pin!(watch.settled.notified());
            // Enabled before looking, so that what happens between looking and waiting is not missed.
            settled.as_mut().enable();
            if let Some(outcome) = watch.ended.get() {
                return Ok(Outcome::from_end(outcome));
            }
            // In the hands of an actor here it has neither ended nor parked, and the actor tells when it leaves.
            if self.shared.live.get(self.run).is_none() {
                match self.settled().await {
                    Ok(Some(outcome)) => return Ok(outcome),
                    Ok(None) => {
                        if let Some(error) = watch.broken() {
                            return Err(error);
                        }
                    }
                    Err(RuntimeError::Store(error)) if error.is_retryable() => {
                        tracing::warn!(run = %self.run, %error, "the run could not be looked at; it is tried again");
                    }
                    Err(error) => return Err(error),
                }
            }
            tokio::select! {
                biased;
                () = settled => {}
                () = tokio::time::sleep(self.pause()) => {}
            }
        }
    }

    /// How long to rely on being told: an actor here tells, another worker may not.
    fn pause(&self) -> Duration {
        let factor = if self.shared.live.get(self.run).is_some() { 30 } else { 1 };
        self.shared.options.poll.saturating_mul(factor)
    }

    async fn settled(&self) -> Result<Option<Outcome>, RuntimeError> {
        let row = self.shared.row(self.run).await?;
        let waits = row.status == RunStatus::Blocked;
        if !row.status.is_terminal() && !waits {
            return Ok(None);
        }
        match self.last_event(&row).await? {
            Some(Event::RunEnded(outcome)) => Ok(Some(Outcome::from_end(&outcome))),
            // Something came in since it parked: it is about to go on.
            Some(Event::RunParked { .. }) if waits => {
                let tasks = self.shared.open_tasks(self.run).await?;
                // Without a question to people it waits for a timer, and so does whoever waits here.
                Ok((!tasks.is_empty()).then_some(Outcome::Blocked(tasks)))
            }
            _ => Ok(None),
        }
    }

    async fn last_event(&self, row: &RunRow) -> Result<Option<Event>, RuntimeError> {
        let before = row.tail.as_u64().checked_sub(1).and_then(Seq::new);
        let last = self.shared.store.records(&row.key, before, 1).await?.pop();
        Ok(last.map(|last| last.record.entry.event))
    }
}
