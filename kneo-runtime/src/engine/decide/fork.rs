//! Branches side by side: when they are done, and what they give.

use kneo_core::event::{Event, Source};
use kneo_core::plan::{Combine, Fork, NodeKind, OnBranchError};
use kneo_core::{Failure, FailureKind, Path, Payload, Segment, Value};

use super::{Out, ending, step};
use crate::engine::state::{BranchRun, State};

pub(super) fn advance(state: &State, out: &mut Out, path: &Path, branches: &[BranchRun]) {
    let Some(run) = state.steps.get(path) else { return };
    let Some(NodeKind::Fork(fork)) = state.plan().node(run.node).map(|node| &node.kind) else { return };
    let failed = (0u32..).zip(branches).find_map(|(at, branch)| match branch {
        BranchRun::Failed(failure) => Some((at, failure)),
        BranchRun::Running | BranchRun::Completed(_) | BranchRun::Cancelled => None,
    });
    let running = || (0u32..).zip(branches).filter(|(_, branch)| matches!(branch, BranchRun::Running));
    match failed {
        Some((at, failure)) => {
            if fork.on_branch_error == OnBranchError::Drain && running().next().is_some() {
                return;
            }
            for (other, _) in running() {
                ending::stop(state, out, &path.child(Segment::Branch(other)));
            }
            // What follows the failure must not run beside what led to it.
            if out.entries.is_empty() && !state.is_busy_within(path) {
                step::fail(state, out, path, &of_branch(fork, at, failure));
            }
        }
        None if running().next().is_some() => {}
        None => match combine(fork, branches) {
            Ok(output) => out.push(path.clone(), Event::StepCompleted { output: Source::Value(output) }),
            Err(failure) => step::fail(state, out, path, &failure),
        },
    }
}

/// The branch's failure, naming the branch.
fn of_branch(fork: &Fork, at: u32, failure: &Failure) -> Failure {
    let name = fork.branches.get(at as usize).map_or("?", |branch| branch.name.as_str());
    let mut named = failure.clone();
    named.message = format!("branch `{name}`: {}", failure.message).into();
    named
}

/// One value of the branches' outputs, in the author's order.
fn combine(fork: &Fork, branches: &[BranchRun]) -> Result<Payload, Failure> {
    let outputs = fork.branches.iter().zip(branches).filter_map(|(branch, run)| match run {
        BranchRun::Completed(value) => Some((&branch.name, value)),
        BranchRun::Running | BranchRun::Failed(_) | BranchRun::Cancelled => None,
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
