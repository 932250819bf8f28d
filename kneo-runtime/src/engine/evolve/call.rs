//! Tool calls: handing them to workflows, and their results.

use std::sync::Arc;

use kneo_core::message::{Message, Part, Role, ToolResult};
use kneo_core::{Failure, Path, Timestamp, Value};

use super::Folded;
use super::effect::{NO_OWNER, Owner, owner};
use super::flow;
use crate::engine::decide::{call_arguments, call_at};
use crate::engine::state::{AgentPhase, AgentRun, CallPhase, CallRun, Phase, Ready, State, Timer, Tries};
use crate::engine::toolbox::{Runs, workflow_input};

/// Opens the workflow behind a call.
pub(super) fn delegated(state: &mut State, path: &Path, deadline: Option<Timestamp>) -> Folded {
    let at = call_at(state, path).ok_or(NO_OWNER)?;
    let Some(Runs::Workflow(scope)) = at.runs() else { return Err("no workflow is behind the call") };
    let input = workflow_input(&call_arguments(at.call));
    let (_, Owner::Call(call)) = owner(state, path).ok_or(NO_OWNER)? else { return Err(NO_OWNER) };
    call.phase = CallPhase::Delegated;
    call.tries.attempts = 1;
    if let Some(deadline) = deadline {
        state.timers.insert((deadline, Timer::StepTimeout(path.clone())));
    }
    flow::open_scope(state, path.clone(), scope, input)
}

/// The workflow behind a call is over: what its flow carries is the result.
pub(super) fn returned(state: &mut State, path: &Path) -> Folded {
    let value = state.flows.get(path).ok_or("no workflow runs there")?.value.clone();
    flow::close_scope(state, path);
    answered(state, path, value, false)
}

/// The workflow behind a call failed.
pub(super) fn failed(state: &mut State, path: &Path, failure: &Failure) -> Folded {
    flow::close_scope(state, path);
    answered(state, path, Value::Str(Arc::clone(&failure.message)), true)
}

/// A call has its result: what it gave, or what went wrong.
pub(super) fn answered(state: &mut State, path: &Path, content: Value, is_error: bool) -> Folded {
    let (step, Owner::Call(call)) = owner(state, path).ok_or(NO_OWNER)? else {
        return Err("it is not a tool call");
    };
    settle(call, content, is_error);
    state.ready.insert(Ready::Step(step.clone()));
    let Phase::Agent(agent) = &mut state.steps.get_mut(&step).ok_or(NO_OWNER)?.phase else {
        return Err("the step is not an agent");
    };
    next_turn(agent);
    Ok(())
}

/// The result of a call for its model, which is told when a person has changed what it asked for.
pub(super) fn settle(call: &mut CallRun, content: Value, is_error: bool) {
    let content = match &call.edited {
        None => content,
        Some(edited) => {
            let by = edited.by.as_ref().map_or_else(|| "a person".to_owned(), ToString::to_string);
            let entries = [
                ("note", Value::from(format!("{by} changed the arguments before the call"))),
                ("arguments", edited.arguments.clone()),
                (if is_error { "error" } else { "result" }, content.clone()),
            ];
            // A result that has the greatest depth already stands alone.
            Value::map(entries).unwrap_or(content)
        }
    };
    call.phase = CallPhase::Done(ToolResult::new(&call.call, content, is_error));
}

/// Once every call has its result, the results join the conversation and the model is asked again.
pub(super) fn next_turn(agent: &mut AgentRun) {
    let AgentPhase::Calls(calls) = &agent.phase else { return };
    let results: Option<Vec<Part>> = calls
        .iter()
        .map(|call| match &call.phase {
            CallPhase::Done(result) => Some(Part::ToolResult(result.clone())),
            CallPhase::New
            | CallPhase::Running
            | CallPhase::Delegated
            | CallPhase::TimedOut
            | CallPhase::Asking(_)
            | CallPhase::Answered(..) => None,
        })
        .collect();
    if let Some(results) = results {
        ask_again(agent, Message::new(Role::Tool, results));
    }
}

/// Asks the model again, with one message more.
pub(super) fn ask_again(agent: &mut AgentRun, message: Message) {
    agent.messages.push(Arc::new(message));
    agent.turn = agent.turn.saturating_add(1);
    agent.tries = Tries::default();
    agent.phase = AgentPhase::Turn;
}
