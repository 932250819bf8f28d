//! Tool calls: checked, agreed to, started or refused.

use std::sync::Arc;

use kneo_core::event::{EffectKind, Event, Refusal};
use kneo_core::message::Arguments;
use kneo_core::{Failure, FailureKind, Path, Segment, Value};

use super::agent::agent_of;
use super::{Out, effect, human, step};
use crate::engine::MAX_PARALLEL_CALLS;
use crate::engine::state::{AgentPhase, Ask, CallPhase, CallRun, State};
use crate::engine::toolbox::{Runs, Terms, Toolbox};

/// A tool call, and the tools that it was made with.
pub(in crate::engine) struct CallAt<'a> {
    pub(in crate::engine) call: &'a CallRun,
    pub(in crate::engine) tools: Toolbox<'a>,
}

impl<'a> CallAt<'a> {
    pub(in crate::engine) fn terms(&self) -> Option<Terms<'a>> {
        self.tools.terms(self.call.tool.as_ref()?)
    }

    pub(in crate::engine) fn runs(&self) -> Option<Runs> {
        self.tools.runs(self.call.tool.as_ref()?)
    }
}

/// The tool call at a path.
pub(in crate::engine) fn call_at<'a>(state: &'a State, path: &Path) -> Option<CallAt<'a>> {
    let Some(Segment::Call(index)) = path.last() else { return None };
    let (_, def, run) = agent_of(state, &state.owner(path)?)?;
    let AgentPhase::Calls(calls) = &run.phase else { return None };
    Some(CallAt { call: calls.get(index as usize)?, tools: Toolbox::new(&state.program, def, run) })
}

/// The arguments of a call, in a person's better form if there is one; those that are not JSON as the text they are.
pub(in crate::engine) fn arguments(call: &CallRun) -> Value {
    match (&call.edited, &call.call.arguments) {
        (Some(edited), _) => edited.arguments.clone(),
        (None, Arguments::Parsed(value)) => value.clone(),
        (None, Arguments::Malformed(text)) => Value::Str(Arc::clone(text)),
    }
}

/// Checks arguments that a person puts in the place of those of the call at a path.
///
/// # Errors
/// What does not fit the tool's schema, in words.
pub fn check_edit(state: &State, path: &Path, arguments: &Value) -> Result<(), String> {
    let Some(at) = call_at(state, path) else { return Err("no tool call waits there".to_owned()) };
    match &at.call.tool {
        Some(called) => at.tools.check(called, arguments),
        None => Err("the agent has no such tool".to_owned()),
    }
}

pub(super) fn advance(state: &State, out: &mut Out, path: &Path, turn: u32, calls: &[CallRun]) {
    let running = calls.iter().filter(|call| matches!(call.phase, CallPhase::Running | CallPhase::Delegated)).count();
    let room = running < MAX_PARALLEL_CALLS;
    for (at, call) in (0u32..).zip(calls) {
        let path = path.child(Segment::Turn(turn)).child(Segment::Call(at));
        match &call.phase {
            CallPhase::New => begin(state, out, &path, call, room),
            CallPhase::Answered(ask, answer) => human::answered_call(state, out, &path, *ask, answer),
            CallPhase::TimedOut if !state.is_busy_within(&path) => {
                let message = "the call took longer than its step's `timeout_seconds`";
                let failure = Failure::new(FailureKind::Timeout, message).with_code("timeout");
                out.push(path, Event::CallFailed { failure });
            }
            CallPhase::Asking(Ask::Approval) => withdraw_if_granted(state, out, &path, call),
            CallPhase::Running
            | CallPhase::Delegated
            | CallPhase::TimedOut
            | CallPhase::Asking(_)
            | CallPhase::Done(_) => {}
        }
        if !out.entries.is_empty() {
            return;
        }
    }
}

/// Asks no more where somebody has agreed to all calls of the tool since.
fn withdraw_if_granted(state: &State, out: &mut Out, path: &Path, call: &CallRun) {
    if call.tool.as_ref().is_some_and(|called| state.granted.contains(called))
        && let Some((task, _)) = state.tasks.iter().find(|(_, task)| task.path == *path)
    {
        out.push(path.clone(), Event::TaskWithdrawn { task: *task });
    }
}

/// Checks a call — tool, form, schema, approval — and starts it, asks, or refuses.
fn begin(state: &State, out: &mut Out, path: &Path, run: &CallRun, room: bool) {
    let Some(at) = call_at(state, path) else { return };
    let (Some(called), Some(terms)) = (&run.tool, at.terms()) else {
        let names: Vec<String> = at.tools.names().map(|name| format!("`{name}`")).collect();
        let known = if names.is_empty() { String::new() } else { format!(": there are {}", names.join(", ")) };
        return refuse(out, path, Refusal::UnknownTool, format!("there is no tool `{}`{known}", run.call.name));
    };
    if run.cut {
        let message = "the answer was cut at its longest, so that nothing was run: send shorter arguments";
        return refuse(out, path, Refusal::MalformedArguments, message.to_owned());
    }
    let Arguments::Parsed(arguments) = &run.call.arguments else {
        let message = "the arguments are not well-formed JSON: send them again";
        return refuse(out, path, Refusal::MalformedArguments, message.to_owned());
    };
    if let Err(problem) = at.tools.check(called, arguments) {
        let message = format!("the arguments do not fit the tool's schema: {problem}");
        return refuse(out, path, Refusal::InvalidArguments, message);
    }
    let asks = match state.granted.contains(called) {
        true => Ok(false),
        false => step::needs_approval(state, terms.approval, arguments),
    };
    match asks {
        Ok(true) => human::ask_call(state, out, path, &terms.name, arguments),
        Ok(false) if room => start(state, out, path),
        Ok(false) => {}
        // Whether somebody must agree is not known, so that nothing runs.
        Err(failure) => {
            let message = format!("`approval` cannot be judged: {}", failure.message);
            refuse(out, path, Refusal::Rejected, message);
        }
    }
}

/// Starts a call that nothing stands before any more.
///
/// Arguments in a person's better form are checked like the model's own.
pub(super) fn start(state: &State, out: &mut Out, path: &Path) {
    let Some(at) = call_at(state, path) else { return };
    if let (Some(edited), Some(called)) = (&at.call.edited, &at.call.tool)
        && let Err(problem) = at.tools.check(called, &edited.arguments)
    {
        let message = format!("a person changed the arguments to some that do not fit the tool's schema: {problem}");
        return refuse(out, path, Refusal::InvalidArguments, message);
    }
    match at.runs() {
        Some(Runs::Workflow(_)) => {
            let deadline = effect::deadline(state, out, path);
            out.push(path.clone(), Event::CallDelegated { deadline });
        }
        Some(Runs::Tool(_) | Runs::Server(..)) => {
            effect::intend(state, out, path, EffectKind::ToolCall, at.call.tries.next());
        }
        None => {}
    }
}

fn refuse(out: &mut Out, path: &Path, reason: Refusal, message: String) {
    out.push(path.clone(), Event::CallRefused { reason, message: Arc::from(message) });
}
