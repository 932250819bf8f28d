//! Stopping everything below a place.

use kneo_core::{Path, Segment};

use super::effect::{Owner, owner};
use crate::engine::state::{BranchRun, CallPhase, Phase, Ready, State, Timer};

/// Forgets what has not settled below a path, and tells its effects to stop. A step or a call at the path itself stays
/// live: its time is over, and it fails when they have ended.
pub(super) fn stop(state: &mut State, path: &Path) {
    let owned = |at: &Path| at.is_within(path);
    state.flows.retain(|at, _| !owned(at));
    state.scopes.retain(|at, _| !owned(at));
    state.steps.retain(|at, _| !owned(at) || at == path);
    state.tasks.retain(|_, task| !owned(&task.path));
    state.ready.retain(|ready| match ready {
        Ready::Flow(at) => !owned(at),
        Ready::Step(at) => !owned(at) || at == path,
    });
    let tasks = &state.tasks;
    state.timers.retain(|(_, timer)| match timer {
        Timer::Backoff(at) | Timer::StepTimeout(at) => !owned(at),
        Timer::Task(task) => tasks.contains_key(task),
    });
    for (_, effect) in state.effects.iter_mut().filter(|(at, _)| owned(at)) {
        effect.cancelling = true;
    }
    if path.is_root() {
        state.stopped = true;
    }
    if let Some(step) = state.steps.get_mut(path) {
        step.phase = Phase::TimedOut;
        state.ready.insert(Ready::Step(path.clone()));
    } else if let Some((step, Owner::Call(call))) = owner(state, path) {
        call.phase = CallPhase::TimedOut;
        state.ready.insert(Ready::Step(step));
    }
    // A stopped branch is settled for its fork; anything else has no fork to tell.
    let _ = set_branch(state, path, BranchRun::Cancelled);
}

/// Tells a fork what became of a branch.
pub(super) fn set_branch(state: &mut State, base: &Path, run: BranchRun) -> Option<()> {
    let Some(Segment::Branch(index)) = base.last() else { return None };
    let fork = base.parent()?;
    let Phase::Forked(branches) = &mut state.steps.get_mut(&fork)?.phase else { return None };
    *branches.get_mut(index as usize)? = run;
    state.ready.insert(Ready::Step(fork));
    Some(())
}

/// Forgets everything: the run is over.
pub(super) fn clear(state: &mut State) {
    state.flows.clear();
    state.scopes.clear();
    state.steps.clear();
    state.effects.clear();
    state.tasks.clear();
    state.timers.clear();
    state.ready.clear();
    state.running_since = None;
}
