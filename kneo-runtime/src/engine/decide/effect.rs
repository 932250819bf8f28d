//! Effects: starting them, and what becomes of them.

use std::sync::Arc;

use kneo_core::event::{EffectKind, Event};
use kneo_core::name::NameError;
use kneo_core::plan::NodeKind;
use kneo_core::{Attempt, Failure, FailureKind, Name, Path, Payload, Segment, Timestamp, Usage, Value};

use super::retry::Next;
use super::{Out, discovery, retry, step};
use crate::engine::EffectResult;
use crate::engine::environment::{ScopeView, text};
use crate::engine::state::{OpenEffect, Phase, State, StepRun, Tries};
use crate::engine::toolbox::Runs;
use crate::engine::transcript::answer_to_value;

/// Starts an attempt of the effect at a path.
pub(super) fn intend(state: &State, out: &mut Out, path: &Path, kind: EffectKind, attempt: Attempt) {
    let deadline = deadline(state, out, path);
    let (mut version, mut key) = (None, None);
    match kind {
        EffectKind::Function => {
            let step = state.steps.get(path);
            version = step.and_then(|step| state.program.function_version(step.node));
            match step.map_or(Ok(None), |step| own_key(state, step)) {
                Ok(own) => key = own,
                Err(failure) => return step::fail(state, out, path, &failure),
            }
        }
        EffectKind::ToolCall => {
            if let Some(Runs::Tool(tool)) = super::call::call_at(state, path).and_then(|at| at.runs()) {
                version = state.program.tool_version(tool);
            }
        }
        EffectKind::ModelTurn | EffectKind::Discovery => {}
    }
    out.push(path.clone(), Event::EffectIntended { attempt, kind, deadline, version, key });
}

/// Until when an attempt at a path may run that starts now: a step's timeout bounds each attempt of its function, or of
/// its agent's turns and calls.
pub(super) fn deadline(state: &State, out: &Out, path: &Path) -> Option<Timestamp> {
    let step = state.steps.get(&state.owner(path)?)?;
    let timeout = state.plan().node(step.node)?.policy.timeout()?;
    Some(out.at.after(timeout))
}

/// The idempotency key in the author's words: the same for every attempt.
fn own_key(state: &State, step: &StepRun) -> Result<Option<Name>, Failure> {
    let template = state.plan().node(step.node).and_then(|node| node.idempotency_key.as_ref());
    let (Some(template), None) = (template, &step.key) else { return Ok(step.key.clone()) };
    let (Some((_, scope)), Some(flow)) = (state.scope_of(step), state.flows.get(&step.flow)) else { return Ok(None) };
    let key = text(template, &ScopeView { state, scope, prev: &flow.value })?;
    let unfit = |error: NameError| {
        let message = format!("the `idempotency_key` cannot be used: {error}");
        Failure::new(FailureKind::Expression, message).with_code("idempotency_key_invalid")
    };
    Name::new(&key).map(Some).map_err(unfit)
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
        EffectResult::Value(value) => {
            let output = Payload::new(value.clone()).map_err(|e| unfit(&e));
            (output.and_then(|output| own_output(state, path, open.kind, output)), Usage::default())
        }
        EffectResult::Offer(tools) => (discovery::accept(state, path, tools), Usage::default()),
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
            let next = next_attempt(state, out, path, open, &failure).unwrap_or(Next::Nothing);
            let (failure, retry_at) = (next.told(failure), next.at());
            out.push(path.clone(), Event::EffectFailed { attempt, failure, usage, retry_at });
        }
    }
}

fn next_attempt(state: &State, out: &mut Out, path: &Path, open: &OpenEffect, failure: &Failure) -> Option<Next> {
    let step = state.steps.get(&state.owner(path)?)?;
    let Tries { failures, .. } = match (open.kind, &step.phase) {
        (EffectKind::Function, _) => step.tries,
        (EffectKind::ModelTurn, Phase::Agent(agent)) => agent.tries,
        (EffectKind::Discovery, Phase::Agent(agent)) => {
            let Some(Segment::Server(at)) = path.last() else { return None };
            agent.servers.iter().find(|run| run.server == at)?.tries
        }
        // A tool's error is a result for the model.
        _ => return None,
    };
    let policy = &state.plan().node(step.node)?.policy;
    Some(retry::after(&policy.retry, failures, failure, out.at, &mut out.entropy))
}

/// Records an outcome that nobody waits for.
pub(super) fn late(out: &mut Out, path: &Path, attempt: Attempt, result: &EffectResult) {
    let summary: Arc<str> = match result {
        EffectResult::Value(_) | EffectResult::Answer(_) | EffectResult::Offer(_) => Arc::from("succeeded"),
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
        EffectKind::ToolCall | EffectKind::Discovery => FailureKind::Tool,
    }
}

/// A function's result settles its step, so that it must fit the step's schema.
fn own_output(state: &State, path: &Path, kind: EffectKind, output: Payload) -> Result<Payload, Failure> {
    let node = state.steps.get(path).and_then(|run| state.plan().node(run.node));
    match (kind, node) {
        (EffectKind::Function, Some(node)) => step::check_output(state, node, output.value()).map(|()| output),
        _ => Ok(output),
    }
}

/// The function that a step calls, if it calls one.
pub(super) fn function_of<'a>(state: &'a State, path: &Path) -> Option<(&'a kneo_core::plan::FunctionDef, &'a Value)> {
    let step = state.steps.get(path)?;
    let NodeKind::Function(at) = state.plan().node(step.node)?.kind else { return None };
    Some((state.plan().function(at)?, &step.input))
}
