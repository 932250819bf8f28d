//! A run in full, for people and programs that look at it.

use std::sync::Arc;

use kneo_core::actor::Actor;
use kneo_core::task::TaskRow;
use kneo_core::{Digest, Failure, Name, Path, RunId, RunOutcome, RunStatus, Seq, Timestamp, Usage, Value, WorkerId};

use crate::engine::State;
use crate::error::RuntimeError;
use crate::replay::fold;
use crate::shared::Shared;

/// A run in full, as of one record.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct RunView {
    /// The run.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: Name,
    /// The plan.
    pub plan: Digest,
    /// Where it stands.
    pub status: RunStatus,
    /// The output of a run that completed.
    pub output: Option<Value>,
    /// The failure of a run that ended with one.
    pub error: Option<Failure>,
    /// The questions that wait for people, oldest first.
    pub pending: Vec<TaskRow>,
    /// What all model calls have used.
    pub usage: Usage,
    /// The words with which bounds have marked the run, in order.
    pub marks: Vec<Arc<str>>,
    /// The steps that are not over, outermost first.
    pub steps: Vec<StepView>,
    /// Who started it.
    pub starter: Actor,
    /// The host's labels.
    pub labels: Vec<(Name, Arc<str>)>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it is `timed_out`.
    pub deadline: Option<Timestamp>,
    /// When a worker can get on with it; `None` is never by itself.
    pub ready_at: Option<Timestamp>,
    /// Whether somebody asked for it to stop.
    pub cancel_requested: bool,
    /// The worker that holds it.
    pub holder: Option<WorkerId>,
    /// The last record that the view shows.
    pub tail: Seq,
}

/// A step that is not over.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct StepView {
    /// The place in the run.
    pub path: Path,
    /// The place in the author's words.
    pub place: String,
}

pub(crate) async fn view(shared: &Shared, run: RunId) -> Result<RunView, RuntimeError> {
    let row = shared.row(run).await?;
    let plan = shared.plan(run, row.plan).await?;
    let program = shared.plans.unbound(&plan).map_err(RuntimeError::RequirementsMissing)?;
    let mut records = shared.records(&row.key, None).await?;
    // Everything in the view is of the row's time.
    records.retain(|stored| stored.seq <= row.tail);
    let mut state = State::new(program, run);
    fold(&mut state, &records)?;
    let pending = shared.open_tasks(run).await?;
    let (output, error) = match state.outcome() {
        Some(RunOutcome::Completed(output)) => (Some(output.value().clone()), None),
        Some(RunOutcome::Failed(failure) | RunOutcome::TimedOut(failure) | RunOutcome::Expired(failure)) => {
            (None, Some(failure.clone()))
        }
        Some(RunOutcome::Cancelled) | None => (None, None),
    };
    let steps = state.live_steps().map(|path| StepView { path: path.clone(), place: state.plan().describe(path) });
    Ok(RunView {
        run,
        steps: steps.collect(),
        usage: state.usage(),
        marks: state.marks().to_vec(),
        workflow: row.workflow,
        plan: row.plan,
        status: row.status,
        output,
        error,
        pending,
        starter: row.starter,
        labels: row.labels,
        started_at: row.started_at,
        ended_at: row.ended_at,
        deadline: row.deadline,
        ready_at: row.ready_at,
        cancel_requested: row.cancel_requested,
        holder: row.holder,
        tail: row.tail,
    })
}
