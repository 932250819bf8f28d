//! The end that somebody or something asks for: cancel, deadline, running time.

use kneo_core::event::Event;
use kneo_core::{Failure, FailureKind, Path, RunOutcome, RunStatus};

use super::Out;
use crate::engine::state::State;

enum Cause {
    Cancel,
    Deadline,
    Wall,
}

/// Stops the run, or ends it once nothing is in flight. `true` if the run is ending and must make no other move.
pub(super) fn end(state: &State, out: &mut Out) -> bool {
    let Some(cause) = cause(state, out) else { return false };
    if !state.stopped {
        stop(state, out, &Path::root());
    } else if state.effects.is_empty() {
        let outcome = match cause {
            Cause::Cancel => RunOutcome::Cancelled,
            Cause::Deadline => RunOutcome::TimedOut(timed_out("the run's deadline passed", "deadline")),
            Cause::Wall => RunOutcome::TimedOut(timed_out("the run used up its running time", "wall_seconds")),
        };
        out.push(Path::root(), Event::RunEnded(Box::new(outcome)));
    }
    true
}

fn cause(state: &State, out: &Out) -> Option<Cause> {
    let due = |at: Option<kneo_core::Timestamp>| at.is_some_and(|at| at <= out.at);
    if state.cancel_requested {
        Some(Cause::Cancel)
    } else if due(state.deadline()) {
        Some(Cause::Deadline)
    } else if state.status == RunStatus::Running && due(state.wall_due()) {
        Some(Cause::Wall)
    } else {
        None
    }
}

fn timed_out(message: &str, code: &str) -> Failure {
    Failure::new(FailureKind::Timeout, message).with_code(code).with_retryable(false)
}

/// Withdraws the tasks below a path and stops everything there.
pub(super) fn stop(state: &State, out: &mut Out, path: &Path) {
    for (id, task) in state.tasks.iter().filter(|(_, task)| task.path.is_within(path)) {
        out.push(task.path.clone(), Event::TaskWithdrawn { task: *id });
    }
    out.push(path.clone(), Event::BranchCancelled);
}
