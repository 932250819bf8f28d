//! Branches side by side: which are started, when they are done, and what they give.

use kneo_core::event::{Event, Source};
use kneo_core::plan::{Combine, Fork, JoinRule, NodeKind, OnBranchError, Rest};
use kneo_core::{Failure, FailureKind, Path, Payload, Segment, Value};

use super::{Out, ending, flow, step};
use crate::engine::state::{BranchRun, State, StepRun};

/// Starts the branches whose conditions hold.
pub(super) fn begin(state: &State, out: &mut Out, path: &Path, run: &StepRun, fork: &Fork) {
    let Some((_, scope)) = state.scope_of(run) else { return };
    let mut started = Vec::with_capacity(fork.branches.len());
    for (at, branch) in (0u32..).zip(&fork.branches) {
        match flow::condition_holds(state, scope, fork.from, &run.input, branch.when.as_ref()) {
            Ok(true) => started.push(at),
            Ok(false) => {}
            Err(failure) => return step::fail(state, out, path, &failure),
        }
    }
    out.push(path.clone(), Event::ForkTaken { started: started.into() });
}

pub(super) fn advance(state: &State, out: &mut Out, path: &Path, branches: &[BranchRun]) {
    let Some(run) = state.steps.get(path) else { return };
    let Some(NodeKind::Fork(fork)) = state.plan().node(run.node).map(|node| &node.kind) else { return };
    let count = |is: fn(&BranchRun) -> bool| branches.iter().filter(|branch| is(branch)).count();
    let (running, completed) = (count(is_running), count(|branch| matches!(branch, BranchRun::Completed(_))));
    let started = count(|branch| !matches!(branch, BranchRun::Skipped));
    let wanted = match fork.join {
        JoinRule::All => started,
        JoinRule::Any => 1,
        JoinRule::AtLeast(least) => least.get() as usize,
    };
    let is_done = completed >= wanted;
    let waits = match is_done {
        true => fork.rest == Rest::Drain,
        false if running.saturating_add(completed) >= wanted => return,
        false => fork.on_branch_error == OnBranchError::Drain,
    };
    if running > 0 {
        if !waits {
            for (other, _) in (0u32..).zip(branches).filter(|(_, branch)| is_running(branch)) {
                ending::stop(state, out, &path.child(Segment::Branch(other)));
            }
        }
        return;
    }
    // What follows must not run beside what led to it.
    if state.is_busy_within(path) {
        return;
    }
    match is_done {
        true => match combine(fork, branches) {
            Ok(output) => step::complete(state, out, path, Source::Value(output)),
            Err(failure) => step::fail(state, out, path, &failure),
        },
        false => step::fail(state, out, path, &of_branches(fork, branches, wanted)),
    }
}

fn is_running(branch: &BranchRun) -> bool {
    matches!(branch, BranchRun::Running)
}

/// The failure of the first branch that failed, naming the branch; without one too few were started.
fn of_branches(fork: &Fork, branches: &[BranchRun], wanted: usize) -> Failure {
    let failed = fork.branches.iter().zip(branches).find_map(|(branch, run)| match run {
        BranchRun::Failed(failure) => Some((&branch.name, failure)),
        _ => None,
    });
    match failed {
        Some((name, failure)) => {
            let mut named = failure.clone();
            named.message = format!("branch `{name}`: {}", failure.message).into();
            named
        }
        None => {
            let started = branches.iter().filter(|branch| !matches!(branch, BranchRun::Skipped)).count();
            let message = format!("{wanted} branches must complete, and the conditions of {started} held");
            Failure::new(FailureKind::Limit, message).with_code("join_unreachable")
        }
    }
}

/// One value of the branches' outputs, in the author's order.
fn combine(fork: &Fork, branches: &[BranchRun]) -> Result<Payload, Failure> {
    let outputs = fork.branches.iter().zip(branches).filter_map(|(branch, run)| match run {
        BranchRun::Completed(value) => Some((&branch.name, value)),
        BranchRun::Skipped | BranchRun::Running | BranchRun::Failed(_) | BranchRun::Cancelled => None,
    });
    let value = match fork.combine {
        Combine::Map => Value::map(outputs.map(|(name, value)| (name.to_shared(), value.clone()))).map_err(unfit)?,
        Combine::Text => {
            let paragraphs: Vec<String> = outputs.map(|(name, value)| format!("{name}: {}", value.to_text())).collect();
            Value::from(paragraphs.join("\n\n"))
        }
    };
    Payload::new(value).map_err(unfit)
}

fn unfit(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::InvalidOutput, format!("the branches' outputs do not fit together: {error}"))
}
