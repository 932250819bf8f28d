//! The agent loop: turns of the model, and the calls it wants.

use std::sync::Arc;

use kneo_core::event::{EffectKind, Event, Refusal, Source};
use kneo_core::message::Arguments;
use kneo_core::plan::{AgentDef, NodeKind, Strategy, ToolIx};
use kneo_core::{Failure, FailureKind, Path, Payload, Segment, Value};

use super::{Out, effect, human, step};
use crate::engine::MAX_PARALLEL_CALLS;
use crate::engine::state::{AgentPhase, AgentRun, CallPhase, CallRun, Phase, State, StepRun};

pub(super) fn advance(state: &State, out: &mut Out, path: &Path, run: &AgentRun) {
    match &run.phase {
        AgentPhase::Turn => match refuse_turn(state, path, run) {
            Some(failure) => step::fail(state, out, path, &failure),
            None => ask_model(state, out, &path.child(Segment::Turn(run.turn))),
        },
        AgentPhase::Calls(calls) => advance_calls(state, out, path, run.turn, calls),
        AgentPhase::Answer(text) => match Payload::new(Value::Str(Arc::clone(text))) {
            Ok(output) => out.push(path.clone(), Event::StepCompleted { output: Source::Value(output) }),
            Err(error) => {
                let failure = Failure::new(FailureKind::InvalidOutput, error.to_string());
                step::fail(state, out, path, &failure);
            }
        },
        AgentPhase::Failing(failure) => step::fail(state, out, path, failure),
        AgentPhase::Asked | AgentPhase::BackingOff => {}
    }
}

/// The bound that keeps the agent from asking its model again.
fn refuse_turn(state: &State, path: &Path, run: &AgentRun) -> Option<Failure> {
    let (_, def) = agent_of(state, path)?;
    let most = match def.strategy {
        Strategy::React { max_iterations } => max_iterations.get(),
        Strategy::Simple => 1,
    };
    if run.turn > most {
        let message = format!("the agent took {most} turns without an answer: `max_iterations` allows no more");
        return Some(Failure::new(FailureKind::Limit, message).with_code("max_iterations"));
    }
    let budget = def.model.token_budget?;
    let spent = run.usage.total();
    (spent >= budget).then(|| {
        let message = format!("the agent used {spent} tokens: `token_budget` allows {budget}");
        Failure::new(FailureKind::Limit, message).with_code("token_budget_exceeded")
    })
}

/// Starts the next attempt of a turn.
pub(super) fn ask_model(state: &State, out: &mut Out, turn: &Path) {
    let run = state.owner(turn).and_then(|step| match &state.steps.get(&step)?.phase {
        Phase::Agent(run) => Some(run),
        _ => None,
    });
    if let Some(run) = run {
        effect::intend(state, out, turn, EffectKind::ModelTurn, run.tries.next());
    }
}

fn advance_calls(state: &State, out: &mut Out, path: &Path, turn: u32, calls: &[CallRun]) {
    let running = calls.iter().filter(|call| matches!(call.phase, CallPhase::Running)).count();
    for (at, call) in (0u32..).zip(calls) {
        let path = path.child(Segment::Turn(turn)).child(Segment::Call(at));
        match &call.phase {
            CallPhase::New => begin_call(state, out, &path, call, running < MAX_PARALLEL_CALLS),
            CallPhase::Answered(ask, answer) => human::answered_call(state, out, &path, *ask, answer),
            CallPhase::Running | CallPhase::Asking(_) | CallPhase::Done(_) => {}
        }
        if !out.entries.is_empty() {
            return;
        }
    }
}

/// Checks a call — tool, form, schema, approval — and starts it, asks, or refuses.
fn begin_call(state: &State, out: &mut Out, path: &Path, run: &CallRun, room: bool) {
    let mut refuse = |reason, message: String| {
        out.push(path.clone(), Event::CallRefused { reason, message: Arc::from(message) });
    };
    let Some((at, tool)) = run.tool.and_then(|at| Some((at, state.plan().tool(at)?))) else {
        let name = &run.call.name;
        return refuse(Refusal::UnknownTool, format!("there is no tool `{name}`{}", known_tools(state, path)));
    };
    if run.cut {
        let message = "the answer was cut at its longest, so that nothing was run: send shorter arguments";
        return refuse(Refusal::MalformedArguments, message.to_owned());
    }
    let Arguments::Parsed(arguments) = &run.call.arguments else {
        return refuse(
            Refusal::MalformedArguments,
            "the arguments are not well-formed JSON: send them again".to_owned(),
        );
    };
    if let Err(problem) = state.program.check_arguments(at, arguments) {
        return refuse(Refusal::InvalidArguments, format!("the arguments do not fit the tool's schema: {problem}"));
    }
    match step::needs_approval(state, &tool.approval, arguments) {
        Ok(true) => human::ask_approval(state, out, path, &tool.name, arguments),
        Ok(false) if room => start_call(state, out, path),
        Ok(false) => {}
        // Whether somebody must agree is not known, so that nothing runs.
        Err(failure) => refuse(Refusal::Rejected, format!("`approval` cannot be judged: {}", failure.message)),
    }
}

fn known_tools(state: &State, path: &Path) -> String {
    let agent = state.owner(path).and_then(|step| agent_of(state, &step));
    let names: Vec<String> = agent
        .map(|(_, def)| {
            def.tools.iter().filter_map(|at: &ToolIx| Some(format!("`{}`", state.plan().tool(*at)?.name))).collect()
        })
        .unwrap_or_default();
    if names.is_empty() { String::new() } else { format!(": there are {}", names.join(", ")) }
}

/// Starts the next attempt of a tool call.
pub(super) fn start_call(state: &State, out: &mut Out, path: &Path) {
    if let Some((_, call)) = call_at(state, path) {
        effect::intend(state, out, path, EffectKind::ToolCall, call.tries.next());
    }
}

/// The tool call at a path, with its step.
pub(in crate::engine) fn call_at<'a>(state: &'a State, path: &Path) -> Option<(&'a StepRun, &'a CallRun)> {
    let Some(Segment::Call(index)) = path.last() else { return None };
    let step = state.steps.get(&state.owner(path)?)?;
    let Phase::Agent(run) = &step.phase else { return None };
    let AgentPhase::Calls(calls) = &run.phase else { return None };
    Some((step, calls.get(index as usize)?))
}

/// The arguments of a call; those that are not JSON as the text they are.
pub(in crate::engine) fn arguments(call: &CallRun) -> Value {
    match &call.call.arguments {
        Arguments::Parsed(value) => value.clone(),
        Arguments::Malformed(text) => Value::Str(Arc::clone(text)),
    }
}

/// The agent of a live step.
pub(in crate::engine) fn agent_of<'a>(state: &'a State, path: &Path) -> Option<(&'a StepRun, &'a AgentDef)> {
    let step = state.steps.get(path)?;
    let NodeKind::Agent(at) = state.plan().node(step.node)?.kind else { return None };
    Some((step, state.plan().agent(at)?))
}
