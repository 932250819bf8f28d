//! Questions to people, and what follows from answers.

use std::sync::Arc;

use kneo_core::event::{Event, Refusal, Source, TaskOpened};
use kneo_core::plan::{HumanIx, OnTimeout, RequestType, ScopeKind};
use kneo_core::task::{Decision, DecisionKind, Request, TaskCause};
use kneo_core::{Actor, Failure, FailureKind, Name, Path, Payload, TaskId, Usage, Value};

use super::{Out, call, effect, step};
use crate::engine::environment::{InputView, text, value};
use crate::engine::state::{Answer, Ask, State};

/// What v1 edges look for in the output of a rejected human step.
const REJECTED: &str = "Rejected by human reviewer";

/// Asks the person of a human step.
pub(super) fn ask(state: &State, out: &mut Out, path: &Path, at: HumanIx) {
    let (Some(run), Some(def)) = (state.steps.get(path), state.plan().human(at)) else { return };
    let view = InputView { state, input: &run.input };
    let description = match &def.description {
        Some(template) => text(template, &view),
        None => Ok(Arc::from(format!("{}: decide", def.name))),
    };
    let context = def.context.as_ref().map_or(Ok(Value::Null), |template| value(template, &view));
    let (description, context) = match (description, context) {
        (Ok(description), Ok(context)) => (description, context),
        (Err(failure), _) | (_, Err(failure)) => return step::fail(state, out, path, &failure),
    };
    let cause = TaskCause::Step(def.request);
    let mut request = Request::new(cause, description, run.input.clone(), actions(def.request));
    request.context = context;
    request.options = def.options.clone();
    request.default_option = def.default_option.clone();
    request.response_role = def.response_role;
    let deadline = def.timeout_ms.map(|wait| out.at.after(std::time::Duration::from_millis(wait)));
    open(state, out, path, request, def.assignees.clone(), deadline, def.on_timeout);
}

/// The decisions that fit a kind of request.
fn actions(request: RequestType) -> Vec<DecisionKind> {
    match request {
        RequestType::Review => vec![DecisionKind::Approve, DecisionKind::Reject, DecisionKind::Edit],
        RequestType::Correction => vec![DecisionKind::Edit, DecisionKind::Approve],
        RequestType::Selection => vec![DecisionKind::Select],
        RequestType::Freeform => vec![DecisionKind::Provide],
        RequestType::Approval => vec![DecisionKind::Approve, DecisionKind::Reject],
    }
}

/// Asks whether a function may run.
pub(super) fn ask_approval(state: &State, out: &mut Out, path: &Path, of: &Name, arguments: &Value) {
    may_run(state, out, path, of, arguments, vec![DecisionKind::Approve, DecisionKind::Reject]);
}

/// Asks whether a tool may be called: as it is, in a better form, or for the rest of the run.
pub(super) fn ask_call(state: &State, out: &mut Out, path: &Path, of: &Name, arguments: &Value) {
    use DecisionKind::{Approve, ApproveForRun, Edit, Reject};
    may_run(state, out, path, of, arguments, vec![Approve, Reject, Edit, ApproveForRun]);
}

fn may_run(state: &State, out: &mut Out, path: &Path, of: &Name, arguments: &Value, actions: Vec<DecisionKind>) {
    let place = state.plan().describe(path);
    let cause = TaskCause::Approval { of: of.clone() };
    let request = Request::new(cause, format!("may `{of}` run at `{place}`?"), arguments.clone(), actions);
    open(state, out, path, request, Vec::new(), None, OnTimeout::Fail);
}

/// Asks whether a lost write happened.
pub(super) fn ask_uncertain(state: &State, out: &mut Out, path: &Path) {
    let place = state.plan().describe(path);
    let call = call::call_at(state, path).and_then(|at| Some((at.terms()?.name, call::arguments(at.call))));
    let function = effect::function_of(state, path).map(|(def, input)| (def.name.clone(), input.clone()));
    let Some((of, subject)) = call.or(function) else { return };
    let description = format!("`{of}` was running at `{place}` when its worker was lost: did it happen?");
    let actions = vec![DecisionKind::Retry, DecisionKind::Provide, DecisionKind::Reject];
    let request = Request::new(TaskCause::Uncertain { of }, description, subject, actions);
    open(state, out, path, request, Vec::new(), None, OnTimeout::Fail);
}

fn open(
    state: &State,
    out: &mut Out,
    path: &Path,
    request: Request,
    assignees: Vec<Name>,
    deadline: Option<kneo_core::Timestamp>,
    on_timeout: OnTimeout,
) {
    let digest = match request.digest() {
        Ok(digest) => digest,
        Err(error) => {
            let failure = Failure::new(FailureKind::InvalidInput, format!("the question has no stored form: {error}"));
            return step::fail(state, out, &state.owner(path).unwrap_or_else(|| path.clone()), &failure);
        }
    };
    let task = TaskId::new(out.at, out.entropy.id_bytes());
    let opened = TaskOpened { task, request: Arc::new(request), digest, assignees, deadline, on_timeout };
    out.push(path.clone(), Event::TaskOpened(Box::new(opened)));
}

/// Goes on with a step whose task is answered.
pub(super) fn answered(state: &State, out: &mut Out, path: &Path, ask: Ask, answer: &Answer) {
    let Answer::Decided { decision, by, .. } = answer else {
        let failure = Failure::new(FailureKind::Expired, "nobody decided in time");
        return step::fail(state, out, path, &failure);
    };
    match (ask, decision) {
        (Ask::Human, Decision::Reject { reason }) => {
            let text = said(REJECTED, by.as_ref(), reason.as_deref());
            if rejection_is_data(state, path) {
                complete(state, out, path, Payload::new(Value::from(text)));
            } else {
                step::fail(state, out, path, &Failure::new(FailureKind::Rejected, text));
            }
        }
        (Ask::Human, Decision::Approve { .. } | Decision::ApproveForRun { .. } | Decision::Retry) => {
            step::complete(state, out, path, Source::Flow);
        }
        (Ask::Human, Decision::Edit { content } | Decision::Provide { content }) => {
            complete(state, out, path, Ok(content.clone()));
        }
        (Ask::Human, Decision::Select { option }) => {
            complete(state, out, path, Payload::new(Value::Str(Arc::clone(option))));
        }
        (Ask::Approval, Decision::Approve { .. }) | (Ask::Uncertain, Decision::Retry) => {
            effect::start_function(state, out, path);
        }
        (Ask::Uncertain, Decision::Provide { content }) => supply(state, out, path, content),
        (Ask::Approval, _) => {
            let failure = Failure::new(FailureKind::Rejected, refusal_text(by.as_ref(), decision));
            step::fail(state, out, path, &failure);
        }
        (Ask::Uncertain, _) => {
            let text = said("a lost write was given up", by.as_ref(), reason(decision));
            step::fail(state, out, path, &Failure::new(FailureKind::Uncertain, text));
        }
    }
}

/// Goes on with a tool call whose task is answered.
pub(super) fn answered_call(state: &State, out: &mut Out, path: &Path, ask: Ask, answer: &Answer) {
    let Answer::Decided { decision, by, .. } = answer else {
        let message = Arc::from("nobody decided in time");
        return out.push(path.clone(), Event::CallRefused { reason: Refusal::Expired, message });
    };
    match (ask, decision) {
        (Ask::Approval, Decision::Approve { .. } | Decision::ApproveForRun { .. } | Decision::Edit { .. })
        | (Ask::Uncertain, Decision::Retry) => call::start(state, out, path),
        (Ask::Uncertain, Decision::Provide { content }) => supply(state, out, path, content),
        _ => {
            let message = Arc::from(refusal_text(by.as_ref(), decision));
            out.push(path.clone(), Event::CallRefused { reason: Refusal::Rejected, message });
        }
    }
}

/// Records what a person says a lost effect gave.
fn supply(state: &State, out: &mut Out, path: &Path, output: &Payload) {
    let tries = call::call_at(state, path).map(|at| at.call.tries).or_else(|| Some(state.steps.get(path)?.tries));
    let Some(attempt) = tries.and_then(|tries| kneo_core::Attempt::new(tries.attempts)) else { return };
    let node = state.steps.get(path).and_then(|run| state.plan().node(run.node));
    if let Some(Err(failure)) = node.map(|node| step::check_output(state, node, output.value())) {
        return step::fail(state, out, path, &failure);
    }
    let output = output.clone();
    out.push(path.clone(), Event::EffectSucceeded { attempt, output, usage: Usage::default() });
}

fn complete(state: &State, out: &mut Out, path: &Path, output: Result<Payload, kneo_core::payload::PayloadError>) {
    match output {
        Ok(output) => step::complete(state, out, path, Source::Value(output)),
        Err(error) => {
            let failure = Failure::new(FailureKind::InvalidOutput, error.to_string()).with_code("payload_too_large");
            step::fail(state, out, path, &failure);
        }
    }
}

/// In a graph an edge can read a rejection; elsewhere nothing can, so that it fails the step.
fn rejection_is_data(state: &State, path: &Path) -> bool {
    let scope = state.steps.get(path).and_then(|step| state.scope_of(step));
    let kind = scope.and_then(|(_, scope)| state.plan().scope(scope.scope)).map(|scope| scope.kind);
    kind == Some(ScopeKind::Graph)
}

fn refusal_text(by: Option<&Actor>, decision: &Decision) -> String {
    said("a person refused the call", by, reason(decision))
}

fn reason(decision: &Decision) -> Option<&str> {
    match decision {
        Decision::Reject { reason } => reason.as_deref(),
        _ => None,
    }
}

fn said(what: &str, by: Option<&Actor>, reason: Option<&str>) -> String {
    let by = by.and_then(Actor::name).map(|name| format!(" ({name})")).unwrap_or_default();
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{what}{by}{reason}")
}
