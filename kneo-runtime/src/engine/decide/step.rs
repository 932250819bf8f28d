//! A live step's next move.

use kneo_core::event::{AfterFailure, Event, Source};
use kneo_core::plan::{Approval, Node, NodeKind, OnError};
use kneo_core::{Failure, FailureKind, Path, Value};

use super::{Out, agent, effect, fork, human};
use crate::engine::environment::{InputView, holds};
use crate::engine::state::{FlowKind, Phase, State};

pub(super) fn advance(state: &State, out: &mut Out, path: &Path) {
    let Some(step) = state.steps.get(path) else { return };
    match &step.phase {
        Phase::New => begin(state, out, path),
        Phase::Failing(failure) => fail(state, out, path, failure),
        Phase::TimedOut => time_out(state, out, path),
        Phase::Answered(ask, answer) => human::answered(state, out, path, *ask, answer),
        Phase::Forked(branches) => fork::advance(state, out, path, branches),
        Phase::Agent(run) => agent::advance(state, out, path, run),
        Phase::Running | Phase::BackingOff | Phase::Asking(_) | Phase::Nested => {}
    }
}

fn begin(state: &State, out: &mut Out, path: &Path) {
    let Some(step) = state.steps.get(path) else { return };
    let Some(node) = state.plan().node(step.node) else { return };
    match &node.kind {
        NodeKind::Function(at) => {
            let Some(def) = state.plan().function(*at) else { return };
            match needs_approval(state, &def.approval, &step.input) {
                Ok(false) => effect::start_function(state, out, path),
                Ok(true) => human::ask_approval(state, out, path, &def.name, &step.input),
                Err(failure) => fail(state, out, path, &failure),
            }
        }
        NodeKind::Human(at) => human::ask(state, out, path, *at),
        NodeKind::Fork(fork) => fork::begin(state, out, path, step, fork),
        // Entering an agent or a workflow has begun it, and a `set` is over when it is entered.
        NodeKind::Agent(_) | NodeKind::Workflow(_) | NodeKind::Set(_) => {}
    }
}

/// Fails a step whose time is over, once nothing of it is in flight any more.
fn time_out(state: &State, out: &mut Out, path: &Path) {
    if !state.is_busy_within(path) {
        let failure = Failure::new(
            FailureKind::Timeout,
            "the step took longer than its `timeout_seconds`: give it longer, or less to do",
        );
        fail(state, out, path, &failure.with_code("timeout").with_retryable(false));
    }
}

/// Completes a live step, if its output fits the schema that the step wants.
pub(super) fn complete(state: &State, out: &mut Out, path: &Path, output: Source) {
    let Some(step) = state.steps.get(path) else { return };
    let carried = match &output {
        Source::Value(payload) => Some(payload.value()),
        Source::Flow => Some(state.flows.get(path).map_or(&step.input, |nested| &nested.value)),
    };
    let node = state.plan().node(step.node);
    let fits = node.zip(carried).map_or(Ok(()), |(node, value)| match (&step.error, node.policy.on_error) {
        (Some(_), OnError::Fallback(instead)) => check(state, node, state.plan().node(instead), value),
        _ => check_output(state, node, value),
    });
    match fits {
        Ok(()) => out.push(path.clone(), Event::StepCompleted { output }),
        // What ran in the step's place has failed it, and nothing runs in the place of that.
        Err(failure) if step.error.is_some() => {
            out.push(path.clone(), Event::StepFailed { failure, then: AfterFailure::Propagate });
        }
        Err(failure) => fail(state, out, path, &failure),
    }
}

/// Checks what a step gives against the schema that it wants.
///
/// # Errors
/// What does not fit; another attempt can help where the author says so.
pub(super) fn check_output(state: &State, node: &Node, output: &Value) -> Result<(), Failure> {
    check(state, node, None, output)
}

/// As [`check_output`], with the step that ran in this one's place, if one did.
fn check(state: &State, node: &Node, instead: Option<&Node>, output: &Value) -> Result<(), Failure> {
    let Some(schema) = node.output else { return Ok(()) };
    state.program.check(schema, output).map_err(|problem| {
        let message = match instead {
            None => format!("the output of `{}` does not fit its `output_schema`: {problem}", node.id),
            Some(instead) => format!(
                "the output of `{}`, which ran in the place of `{1}`, does not fit the `output_schema` of `{1}`: {problem}",
                instead.id, node.id
            ),
        };
        let failure = Failure::new(FailureKind::InvalidOutput, message).with_code("output_schema");
        failure.with_retryable(node.policy.retry.on.contains(&FailureKind::InvalidOutput))
    })
}

/// Whether a person must agree to a call with these arguments.
pub(super) fn needs_approval(state: &State, approval: &Approval, input: &Value) -> Result<bool, Failure> {
    match approval {
        Approval::Never => Ok(false),
        Approval::When(expr) => holds(expr, &InputView { state, input }),
        Approval::Always => Ok(true),
    }
}

/// Fails a live step for good, as its policy says.
pub(super) fn fail(state: &State, out: &mut Out, path: &Path, failure: &Failure) {
    let Some(step) = state.steps.get(path) else { return };
    let policy = state.plan().node(step.node).map(|node| node.policy.on_error).unwrap_or_default();
    // Without its flow a step stands nowhere, and its failure goes where the flow's would.
    let then = state.flows.get(&step.flow).map_or(AfterFailure::Propagate, |flow| after_failure(policy, flow.kind));
    out.push(path.clone(), Event::StepFailed { failure: failure.clone(), then });
}

/// What follows the failure of a step with this policy, in a flow of this kind.
pub(super) fn after_failure(policy: OnError, flow: FlowKind) -> AfterFailure {
    match policy {
        // A step that runs in another's place has no policy of its own.
        _ if flow == FlowKind::Fallback => AfterFailure::Propagate,
        OnError::Continue => AfterFailure::Continue,
        OnError::Fallback(node) => AfterFailure::Fallback(node),
        OnError::Fail => AfterFailure::Propagate,
    }
}
