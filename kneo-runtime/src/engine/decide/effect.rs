//! Effects: starting them, and what becomes of them.

use std::sync::Arc;

use kneo_core::event::{EffectKind, Event};
use kneo_core::plan::NodeKind;
use kneo_core::{Attempt, Failure, FailureKind, Path, Payload, Usage, Value};

use super::{Out, retry};
use crate::engine::EffectResult;
use crate::engine::state::{OpenEffect, Phase, State, Tries};
use crate::engine::transcript::answer_to_value;

/// Starts an attempt of the effect at a path.
pub(super) fn intend(state: &State, out: &mut Out, path: &Path, kind: EffectKind, attempt: Attempt) {
    let step = state.owner(path).and_then(|at| state.steps.get(&at));
    let node = step.and_then(|step| state.plan().node(step.node).map(|node| (step.node, node)));
    // A step's timeout bounds each attempt of its function, or of its agent's turns and calls.
    let deadline = node.and_then(|(_, node)| node.policy.timeout()).map(|timeout| out.at.after(timeout));
    let mut version = None;
    match kind {
        EffectKind::Function => {
            version = node.and_then(|(at, _)| state.program.function_version(at));
        }
        EffectKind::ToolCall => {
            let tool = super::agent::call_at(state, path).and_then(|(_, call)| call.tool);
            version = tool.and_then(|tool| state.program.tool_version(tool));
        }
        EffectKind::ModelTurn => {}
    }
    out.push(path.clone(), Event::EffectIntended { attempt, kind, deadline, version });
}

/// Starts the next attempt of a function step.
pub(super) fn start_function(state: &State, out: &mut Out, path: &Path) {
    if let Some(step) = state.steps.get(path) {
        intend(state, out, path, EffectKind::Function, step.tries.next());
    }
}

/// An effect is over.
pub(super) fn outcome(state: &State, out: &mut Out, path: &Path, attempt: Attempt, result: &EffectResult) {
    let Some(open) = state.effects.get(path).filter(|open| open.attempt == attempt) else {
        return late(out, path, attempt, result);
    };
    let (output, usage) = match result {
        EffectResult::Value(value) => (Payload::new(value.clone()).map_err(|e| unfit(&e)), Usage::default()),
        EffectResult::Answer(answer) => {
            let value = answer_to_value(answer).map_err(|e| unfit(&e));
            (value.and_then(|value| Payload::new(value).map_err(|e| unfit(&e))), answer.usage)
        }
        EffectResult::Failed { failure, usage } => (Err(failure.clone()), *usage),
        EffectResult::Cancelled => {
            if open.cancelling {
                return out.push(path.clone(), Event::EffectCancelled { attempt });
            }
            // Nobody told it to stop: host code gave up by itself.
            (
                Err(Failure::new(own_kind(open.kind), "the call stopped by itself").with_code("cancelled")),
                Usage::default(),
            )
        }
    };
    match output {
        // What finished before it could stop is recorded, whatever becomes of it.
        Ok(output) => out.push(path.clone(), Event::EffectSucceeded { attempt, output, usage }),
        Err(_) if open.cancelling => out.push(path.clone(), Event::EffectCancelled { attempt }),
        Err(failure) => {
            let retry_at = retry_at(state, out, path, open, &failure);
            out.push(path.clone(), Event::EffectFailed { attempt, failure, usage, retry_at });
        }
    }
}

fn retry_at(
    state: &State,
    out: &mut Out,
    path: &Path,
    open: &OpenEffect,
    failure: &Failure,
) -> Option<kneo_core::Timestamp> {
    let step = state.steps.get(&state.owner(path)?)?;
    let Tries { failures, .. } = match (open.kind, &step.phase) {
        (EffectKind::Function, _) => step.tries,
        (EffectKind::ModelTurn, Phase::Agent(agent)) => agent.tries,
        // A tool's error is a result for the model.
        _ => return None,
    };
    let policy = &state.plan().node(step.node)?.policy;
    retry::after(&policy.retry, failures, failure, out.at, &mut out.entropy)
}

/// Records an outcome that nobody waits for.
pub(super) fn late(out: &mut Out, path: &Path, attempt: Attempt, result: &EffectResult) {
    let summary: Arc<str> = match result {
        EffectResult::Value(_) | EffectResult::Answer(_) => Arc::from("succeeded"),
        EffectResult::Failed { failure, .. } => Arc::from(failure.to_string()),
        EffectResult::Cancelled => Arc::from("cancelled"),
    };
    out.push(path.clone(), Event::LateOutcome { attempt, summary });
}

fn unfit(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::InvalidOutput, error.to_string()).with_code("payload_too_large")
}

fn own_kind(kind: EffectKind) -> FailureKind {
    match kind {
        EffectKind::Function => FailureKind::Function,
        EffectKind::ModelTurn => FailureKind::Provider,
        EffectKind::ToolCall => FailureKind::Tool,
    }
}

/// The function that a step calls, if it calls one.
pub(super) fn function_of<'a>(state: &'a State, path: &Path) -> Option<(&'a kneo_core::plan::FunctionDef, &'a Value)> {
    let step = state.steps.get(path)?;
    let NodeKind::Function(at) = state.plan().node(step.node)?.kind else { return None };
    Some((state.plan().function(at)?, &step.input))
}
