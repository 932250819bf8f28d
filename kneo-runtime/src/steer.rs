//! What a host does to a run as a whole: cancel it, resume it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::actor::Actor;
use kneo_core::event::Event;
use kneo_core::store::RunRow;
use kneo_core::{Path, RunId, RunStatus, Timestamp, WorkerId};

use crate::driver::{claim_one, claim_to_end};
use crate::error::{Action, RuntimeError};
use crate::human::external;
use crate::run::{Admission, RunHandle};
use crate::shared::Shared;
use crate::verify;

/// What became of a cancel request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the run has ended or has been told")]
pub enum Cancelled {
    /// The request is durable: no effect starts any more, and the run's worker, or the next one, ends the run.
    Requested,
    /// The run has ended as `cancelled`.
    Cancelled,
}

pub(crate) async fn cancel(
    shared: &Arc<Shared>,
    run: RunId,
    reason: Arc<str>,
    by: Actor,
) -> Result<Cancelled, RuntimeError> {
    let row = shared.row(run).await?;
    if row.status.is_terminal() {
        return Err(RuntimeError::invalid_state(run, Action::Cancel, row.status));
    }
    if !row.cancel_requested {
        let event = Event::CancelRequested { reason };
        external(shared, run, None, Action::Cancel, Path::root(), event, by).await?;
    }
    if shared.live.get(run).is_some() {
        return Ok(Cancelled::Requested);
    }
    // Nothing of the host is needed to end a run: if nobody holds it, it is ended here.
    if let Some(live) = claim_to_end(shared, run).await? {
        live.gone.cancelled().await;
    }
    match shared.row(run).await?.status {
        RunStatus::Cancelled => Ok(Cancelled::Cancelled),
        _ => Ok(Cancelled::Requested),
    }
}

/// What to resume, and how long to wait for it.
#[derive(Clone)]
pub struct Resume {
    run: RunId,
    patience: Duration,
    progress: Option<Arc<dyn Fn(Waiting) + Send + Sync>>,
}

/// A lease that a [`Resume`] waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Waiting {
    /// The run.
    pub run: RunId,
    /// Who holds it.
    pub holder: WorkerId,
    /// When the lease ends unless it is extended.
    pub until: Timestamp,
}

impl Resume {
    /// Resumes a run, and waits two leases long for one that is alive.
    #[must_use]
    pub fn new(run: RunId) -> Resume {
        Resume { run, patience: kneo_core::store::LEASE * 2, progress: None }
    }

    /// Waits so long for a lease that is alive.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Resume {
        self.patience = patience;
        self
    }

    /// Tells each time a lease is waited for.
    #[must_use]
    pub fn on_wait(mut self, progress: impl Fn(Waiting) + Send + Sync + 'static) -> Resume {
        self.progress = Some(Arc::new(progress));
        self
    }
}

impl From<RunId> for Resume {
    fn from(run: RunId) -> Resume {
        Resume::new(run)
    }
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("run", &self.run).field("patience", &self.patience).finish_non_exhaustive()
    }
}

pub(crate) async fn resume(shared: &Arc<Shared>, resume: Resume) -> Result<RunHandle, RuntimeError> {
    let run = resume.run;
    if shared.closing.is_cancelled() {
        return Err(RuntimeError::ShuttingDown);
    }
    let row = shared.row(run).await?;
    if row.status.is_terminal() {
        return Err(RuntimeError::invalid_state(run, Action::Resume, row.status));
    }
    if !shared.is_worker() {
        return Err(RuntimeError::ClientOnly);
    }
    let plan = shared.plan(run, row.plan).await?;
    let seal = verify::seal_of(shared, &row.key).await?;
    verify::go_on(shared, &plan, seal.as_deref()).await?;
    shared.plans.bind(&plan).map_err(RuntimeError::RequirementsMissing)?;
    shared.ask_for(run, row.plan);
    let since = shared.now();
    let watch = shared.hub.watch(run);
    // It is to be tried again, whatever kept it from going on before.
    watch.set_broken(None);
    let mut told = None;
    loop {
        let mut settled = std::pin::pin!(watch.settled.notified());
        settled.as_mut().enable();
        if shared.live.get(run).is_some() || claim_one(shared, run, row.plan).await?.is_some() {
            return Ok(RunHandle::new(shared, run, Admission::Claimed));
        }
        let row = shared.row(run).await?;
        let Some(waiting) = held(&row, shared) else {
            // It ended meanwhile, or waits for people or a timer: the handle tells. Or the worker has its hands full.
            return Ok(RunHandle::new(shared, run, Admission::Found));
        };
        if let Some(progress) = &resume.progress
            && told.replace(waiting) != Some(waiting)
        {
            progress(waiting);
        }
        let now = shared.now();
        if now.since(since) >= resume.patience {
            return Err(RuntimeError::Held { run, holder: waiting.holder, until: waiting.until });
        }
        // Another process may end the run, park it, or die, long before its lease is over: polling is what tells.
        let nap = waiting.until.since(now).max(Duration::from_millis(1)).min(shared.options.poll).min(resume.patience);
        tokio::select! {
            biased;
            () = settled => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
}

/// The lease of another worker, if it is alive.
fn held(row: &RunRow, shared: &Shared) -> Option<Waiting> {
    let (holder, until) = row.holder.zip(row.lease_until)?;
    let alive = !row.status.is_terminal() && holder != shared.worker && until > shared.now();
    alive.then_some(Waiting { run: row.key.run, holder, until })
}
