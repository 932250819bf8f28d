//! Folding: how an entry changes the state. Nothing here decides.

mod call;
mod effect;
mod flow;
mod stop;
mod task;

use std::sync::Arc;

use kneo_core::event::{Entry, Event, Parked};
use kneo_core::{Actor, Path, RunStatus, Value};

use super::state::State;

/// An entry that does not fit the state: the journal is not this plan's, or is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{kind}` of {place} does not fit: {problem}")]
#[non_exhaustive]
pub struct Mismatch {
    /// What was recorded.
    pub kind: &'static str,
    /// Where, in the author's words; `the run` for the run itself.
    pub place: String,
    /// What was found there instead.
    pub problem: &'static str,
}

/// What is wrong, before its place is known.
type Folded = Result<(), &'static str>;

/// Folds an entry into the state; `actor` is who stands behind it.
///
/// # Errors
/// An entry that does not fit the state. The state is then undefined: throw it away and rebuild it.
pub fn evolve(state: &mut State, entry: &Entry, actor: &Actor) -> Result<(), Mismatch> {
    fold(state, entry, actor).map_err(|problem| Mismatch {
        kind: entry.event.kind(),
        place: match entry.path.is_root() {
            true => "the run".to_owned(),
            false => state.plan().describe(&entry.path),
        },
        problem,
    })
}

fn fold(state: &mut State, entry: &Entry, actor: &Actor) -> Folded {
    let Entry { at, path, event } = entry;
    let before = state.last_at;
    state.last_at = before.max(*at);
    if state.outcome.is_some() {
        return match event {
            Event::LateOutcome { .. } => Ok(()),
            _ => Err("the run has ended"),
        };
    }
    if state.start.is_none() && !matches!(event, Event::RunStarted(_)) {
        return Err("the run has not started");
    }
    match event {
        Event::RunStarted(start) => {
            if state.start.is_some() {
                return Err("the run has started already");
            }
            // INVARIANT: a journal is folded only under the plan that it was made under.
            if start.plan != state.program.compiled().digest() {
                return Err("the run was started under another plan");
            }
            state.started_at = *at;
            let input = start.input.value().clone();
            state.start = Some(start.clone());
            let root = state.plan().root;
            flow::open_scope(state, Path::root(), root, input)
        }
        Event::RunClaimed { .. } => {
            // What passed between a lost worker's last record and this claim was nobody's running time.
            if let Some(since) = state.running_since {
                state.wall_used += before.since(since);
            }
            state.running_since = Some(state.last_at);
            state.status = RunStatus::Running;
            Ok(())
        }
        Event::RunParked { status, ready_at: _ } => {
            if let Some(since) = state.running_since.take() {
                state.wall_used += state.last_at.since(since);
            }
            state.status = match status {
                Parked::Queued => RunStatus::Queued,
                Parked::Running => RunStatus::Running,
                Parked::Blocked => RunStatus::Blocked,
            };
            Ok(())
        }
        Event::RunEnded(outcome) => {
            state.status = outcome.status();
            state.outcome = Some(outcome.clone());
            stop::clear(state);
            Ok(())
        }
        Event::CancelRequested { .. } => {
            state.cancel_requested = true;
            Ok(())
        }
        Event::StepEntered { via, input } => flow::entered(state, path, *via, input.as_ref()),
        Event::StepSkipped { via } => flow::skipped(state, path, *via),
        Event::StepComputed { via, output } => flow::computed(state, path, *via, output),
        Event::StepCompleted { output } => flow::completed(state, path, output),
        Event::StepFailed { failure, then } => flow::failed(state, path, failure, *then),
        Event::BoundReached { bound, then } => flow::bound_reached(state, path, *bound, then),
        Event::ForkTaken { started } => flow::fork_taken(state, path, started),
        Event::BranchCompleted => flow::branch_over(state, path, None),
        Event::BranchFailed { failure } => flow::branch_over(state, path, Some(failure)),
        Event::BranchCancelled => {
            stop::stop(state, path);
            Ok(())
        }
        Event::EffectIntended { attempt, kind, deadline, version: _, key } => {
            effect::intended(state, path, *attempt, *kind, *deadline, key.as_ref())
        }
        Event::EffectSucceeded { attempt, output, usage } => {
            effect::succeeded(state, path, *attempt, output.value(), *usage)
        }
        Event::EffectFailed { attempt, failure, usage, retry_at } => {
            effect::failed(state, path, *attempt, failure, *usage, *retry_at)
        }
        Event::EffectLost { attempt, then } => effect::lost(state, path, *attempt, *then),
        Event::EffectCancelled { attempt } => effect::close(state, path, *attempt).map(|_| ()),
        Event::LateOutcome { .. } => Ok(()),
        Event::CallRefused { reason: _, message } => call::answered(state, path, Value::Str(Arc::clone(message)), true),
        Event::CallDelegated { deadline } => call::delegated(state, path, *deadline),
        Event::CallReturned => call::returned(state, path),
        Event::CallFailed { failure } => call::failed(state, path, failure),
        Event::AnswerRefused { problem } => effect::answer_refused(state, path, problem),
        Event::TaskOpened(opened) => task::opened(state, path, opened),
        Event::TaskDecided(decided) => task::decided(state, decided, actor, *at),
        Event::TaskReassigned { task, to } => task::reassigned(state, *task, to),
        Event::TaskExpired { task, then } => task::expired(state, *task, then, *at),
        Event::TaskEscalated { task } => task::escalated(state, *task),
        Event::TaskWithdrawn { task } => task::withdrawn(state, *task),
        _ => Err("this build does not know the event"),
    }
}
