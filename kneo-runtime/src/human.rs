//! What people say: decisions and reassignments, as facts from outside.

use std::sync::Arc;

use kneo_core::actor::Actor;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{Entry, Event, TaskDecided};
use kneo_core::record::Record;
use kneo_core::store::{Committed, StoreError};
use kneo_core::task::{Decision, DecisionKind, TaskCause, TaskRow, TaskState};
use kneo_core::{Digest, Name, Path, RunId, TaskId, Value};

use crate::driver::claim_one;
use crate::engine::{REVISION, State, check_edit};
use crate::error::{Action, Place, RuntimeError};
use crate::event::Cursor;
use crate::replay::fold;
use crate::shared::Shared;

/// A decision that is durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Decided {
    /// The run that it lets go on.
    pub run: RunId,
    /// The place after it in the run's events.
    pub cursor: Cursor,
}

pub(crate) async fn decide(
    shared: &Arc<Shared>,
    task: TaskId,
    decision: Decision,
    by: Actor,
    seen: Option<Digest>,
) -> Result<Decided, RuntimeError> {
    let row = shared.task(task).await?;
    let run = row.run.run;
    admit(&row, Action::Decide, shared).await?;
    authorise(&row, &by)?;
    if seen.is_some_and(|seen| seen != row.digest) {
        return Err(RuntimeError::RequestChanged { task, open: row.digest });
    }
    fits(&row, &decision)?;
    if let (Decision::Edit { content }, TaskCause::Approval { .. }) = (&decision, &row.request.cause) {
        fits_tool(shared, &row, content.value()).await?;
    }
    let decided = TaskDecided { task, decision, digest: row.digest };
    let event = Event::TaskDecided(Box::new(decided));
    let committed = external(shared, run, Some(task), Action::Decide, row.path.clone(), event, by).await?;
    get_on(shared, run).await;
    Ok(Decided { run, cursor: Cursor::after(committed.tail) })
}

pub(crate) async fn reassign(shared: &Arc<Shared>, task: TaskId, to: Vec<Name>, by: Actor) -> Result<(), RuntimeError> {
    let row = shared.task(task).await?;
    let run = row.run.run;
    admit(&row, Action::Reassign, shared).await?;
    let event = Event::TaskReassigned { task, to };
    external(shared, run, Some(task), Action::Reassign, row.path.clone(), event, by).await?;
    get_on(shared, run).await;
    Ok(())
}

/// Commits one fact from outside, and tells who is interested.
pub(crate) async fn external(
    shared: &Arc<Shared>,
    run: RunId,
    task: Option<TaskId>,
    action: Action,
    path: Path,
    event: Event,
    by: Actor,
) -> Result<Committed, RuntimeError> {
    let entry = Entry { at: shared.now(), path, event };
    let record = Record { revision: REVISION, actor: by, trace: None, entry };
    let key = shared.key(run);
    let commit = Commit::new(shared.commit_id(), key, Author::External, LeaseChange::Keep, [record])
        .map_err(|error| StoreError::damaged(error.to_string()))?;
    let committed =
        shared.commit(commit).await.map_err(|error| RuntimeError::from_external(run, task, action, error))?;
    shared.told(run, committed.tail);
    Ok(committed)
}

/// Gets a run on that nobody holds, without waiting for the next question for work.
async fn get_on(shared: &Arc<Shared>, run: RunId) {
    if !shared.is_worker() || shared.live.get(run).is_some() {
        return;
    }
    let claimed = match shared.row(run).await {
        Ok(row) => match shared.plan(run, row.plan).await {
            // A worker that lacks something leaves the run to others.
            Ok(plan) if shared.plans.bind(&plan).is_ok() => {
                shared.ask_for(run, row.plan);
                claim_one(shared, run, row.plan).await.map(|_| ())
            }
            _ => Ok(()),
        },
        Err(_) => Ok(()),
    };
    if let Err(error) = claimed {
        tracing::debug!(%run, %error, "the run could not be claimed at once; the next question for work finds it");
    }
}

/// Whether the task is open; the store checks it again when it commits.
async fn admit(row: &TaskRow, action: Action, shared: &Shared) -> Result<(), RuntimeError> {
    let task = row.task;
    match &row.state {
        TaskState::Open => Ok(()),
        TaskState::Decided(decision) => Err(RuntimeError::AlreadyDecided { task, decision: decision.clone() }),
        TaskState::Withdrawn => {
            let status = shared.row(row.run.run).await?.status;
            match status.is_terminal() {
                true => Err(RuntimeError::invalid_state(row.run.run, action, status)),
                false => Err(RuntimeError::TaskClosed { task, state: row.state.clone() }),
            }
        }
        state => Err(RuntimeError::TaskClosed { task, state: state.clone() }),
    }
}

fn authorise(row: &TaskRow, by: &Actor) -> Result<(), RuntimeError> {
    let listed = by.name().is_some_and(|name| row.assignees.contains(name));
    match row.assignees.is_empty() || listed {
        true => Ok(()),
        false => Err(RuntimeError::NotAuthorised { task: row.task, by: by.clone(), assignees: row.assignees.clone() }),
    }
}

/// Whether arguments in a better form fit the tool: what is known of it stands in the run's journal.
async fn fits_tool(shared: &Shared, row: &TaskRow, arguments: &Value) -> Result<(), RuntimeError> {
    let plan = shared.plan(row.run.run, shared.row(row.run.run).await?.plan).await?;
    let program = match shared.plans.bind(&plan) {
        Ok(bound) => Arc::clone(&bound.program),
        Err(_) => shared.plans.unbound(&plan).map_err(RuntimeError::RequirementsMissing)?,
    };
    let mut state = State::new(program, row.run.run);
    fold(&mut state, &shared.journal(&row.run).await?)?;
    check_edit(&state, &row.path, arguments).map_err(|problem| RuntimeError::DecisionInvalid {
        task: row.task,
        place: Place { run: row.run.run, path: row.path.clone() },
        decision: DecisionKind::Edit,
        problem: format!("the arguments do not fit the tool's schema: {problem}"),
    })
}

/// Whether the decision answers the question.
fn fits(row: &TaskRow, decision: &Decision) -> Result<(), RuntimeError> {
    let place = || Place { run: row.run.run, path: row.path.clone() };
    let refuse = |problem: String| {
        Err(RuntimeError::DecisionInvalid { task: row.task, place: place(), decision: decision.kind(), problem })
    };
    let request = &row.request;
    if !request.actions.contains(&decision.kind()) {
        let words: Vec<&str> = request.actions.iter().map(|action| action.as_str()).collect();
        return refuse(format!("it takes one of {}", words.join(", ")));
    }
    match decision {
        Decision::Select { option } if !request.options.contains(option) => {
            refuse(format!("`{option}` is not an option: choose one of {}", request.options.join(", ")))
        }
        Decision::Select { .. }
        | Decision::Approve { .. }
        | Decision::ApproveForRun { .. }
        | Decision::Reject { .. }
        | Decision::Edit { .. }
        | Decision::Provide { .. }
        | Decision::Retry => Ok(()),
    }
}
