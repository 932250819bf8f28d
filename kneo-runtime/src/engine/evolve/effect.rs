//! Effects: from intent to outcome, and what their owners make of it.

use std::sync::Arc;

use kneo_core::event::{AfterLoss, EffectKind};
use kneo_core::message::{Message, Role, StopReason, ToolCall};
use kneo_core::plan::{NodeIx, NodeKind, Strategy};
use kneo_core::{Attempt, Failure, FailureKind, Name, Path, Segment, Timestamp, Usage, Value};

use super::Folded;
use super::{call, flow};
use crate::engine::offer::Offer;
use crate::engine::program::Program;
use crate::engine::state::{
    AgentPhase, AgentRun, CallPhase, CallRun, OpenEffect, Phase, Ready, ServerPhase, ServerRun, State, StepRun, Timer,
    Tries,
};
use crate::engine::toolbox::Toolbox;
use crate::engine::transcript::value_to_answer;

pub(super) const NO_OWNER: &str = "nothing there has such an effect";

/// What an effect belongs to.
pub(super) enum Owner<'a> {
    Step(&'a mut StepRun),
    Turn(&'a mut AgentRun),
    Server(&'a mut ServerRun),
    Call(&'a mut CallRun),
}

impl Owner<'_> {
    fn tries(&mut self) -> &mut Tries {
        match self {
            Owner::Step(step) => &mut step.tries,
            Owner::Turn(agent) => &mut agent.tries,
            Owner::Server(server) => &mut server.tries,
            Owner::Call(call) => &mut call.tries,
        }
    }
}

/// Finds what an effect at a path belongs to, and the path of its step.
pub(super) fn owner<'a>(state: &'a mut State, path: &Path) -> Option<(Path, Owner<'a>)> {
    let at = state.owner(path)?;
    let step = state.steps.get_mut(&at)?;
    let below = path.segments().get(at.depth()..)?;
    let owner = match below {
        [] => Owner::Step(step),
        [Segment::Server(at)] => {
            let Phase::Agent(agent) = &mut step.phase else { return None };
            Owner::Server(agent.servers.iter_mut().find(|run| run.server == *at)?)
        }
        [Segment::Turn(turn), rest @ ..] => {
            let Phase::Agent(agent) = &mut step.phase else { return None };
            if agent.turn != *turn {
                return None;
            }
            match rest {
                [] => Owner::Turn(agent),
                [Segment::Call(index)] => {
                    let AgentPhase::Calls(calls) = &mut agent.phase else { return None };
                    Owner::Call(calls.get_mut(*index as usize)?)
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    Some((at, owner))
}

pub(super) fn intended(
    state: &mut State,
    path: &Path,
    attempt: Attempt,
    kind: EffectKind,
    deadline: Option<Timestamp>,
    key: Option<&Name>,
) -> Folded {
    if state.effects.contains_key(path) {
        return Err("an effect is open there already");
    }
    let intended_at = state.last_at;
    let (step, mut owner) = owner(state, path).ok_or(NO_OWNER)?;
    owner.tries().attempts = attempt.as_u32();
    match owner {
        Owner::Step(step) => {
            step.phase = Phase::Running;
            step.key = key.cloned();
        }
        Owner::Turn(agent) => agent.phase = AgentPhase::Asked,
        Owner::Server(server) => server.phase = ServerPhase::Asked,
        Owner::Call(call) => call.phase = CallPhase::Running,
    }
    if matches!(kind, EffectKind::Function | EffectKind::ModelTurn) {
        state.ready.remove(&Ready::Step(step));
    }
    if !state.timers.is_empty() {
        state.timers.retain(|(_, timer)| !matches!(timer, Timer::Backoff(at) if at == path));
    }
    let effect = OpenEffect { attempt, kind, intended_at, deadline, cancelling: false };
    state.effects.insert(path.clone(), effect);
    Ok(())
}

/// Closes an effect; gives it.
pub(super) fn close(state: &mut State, path: &Path, attempt: Attempt) -> Result<OpenEffect, &'static str> {
    match state.effects.remove(path) {
        Some(effect) if effect.attempt == attempt => Ok(effect),
        Some(_) => Err("another attempt is open there"),
        None => Err("no effect is open there"),
    }
}

pub(super) fn succeeded(state: &mut State, path: &Path, attempt: Attempt, output: &Value, usage: Usage) -> Folded {
    spend(state, path, usage);
    // A person may supply the result of a lost effect, which is open no more.
    if state.effects.contains_key(path) && close(state, path, attempt)?.cancelling {
        return Ok(());
    }
    let program = Arc::clone(&state.program);
    let (step, owner) = owner(state, path).ok_or(NO_OWNER)?;
    match owner {
        Owner::Step(_) => return flow::finish_step(state, path, output.clone()),
        Owner::Turn(_) => {}
        Owner::Server(server) => {
            let offer = Offer::from_value(output).ok_or("it is not an offer of tools")?;
            server.phase = ServerPhase::Known(Arc::new(offer));
        }
        Owner::Call(run) => call::settle(run, output.clone(), false),
    }
    state.ready.insert(Ready::Step(step.clone()));
    let run = state.steps.get_mut(&step).ok_or(NO_OWNER)?;
    let node = run.node;
    let Phase::Agent(agent) = &mut run.phase else { return Err("the step is not an agent") };
    match agent.phase {
        AgentPhase::Calls(_) => {
            call::next_turn(agent);
            return Ok(());
        }
        AgentPhase::Discovering => {
            if agent.servers.iter().all(|run| matches!(run.phase, ServerPhase::Known(_))) {
                agent.phase = AgentPhase::Turn;
            }
            return Ok(());
        }
        _ => {}
    }
    let (message, stop) = value_to_answer(output).ok_or("it is not a model's answer")?;
    answered(&program, node, agent, message, stop)
}

/// Takes a model's answer into the conversation.
fn answered(program: &Program, node: NodeIx, agent: &mut AgentRun, message: Message, stop: StopReason) -> Folded {
    let plan = program.plan();
    let Some(NodeKind::Agent(at)) = plan.node(node).map(|node| &node.kind) else {
        return Err("the step is not an agent");
    };
    let def = plan.agent(*at).ok_or("the plan has no such agent")?;
    let text: Arc<str> = Arc::from(message.to_text());
    let cut = stop == StopReason::Length;
    let tools = Toolbox::new(program, def, agent);
    let calls: Vec<CallRun> = message.tool_calls().map(|call| call_run(tools, call, cut)).collect();
    agent.messages.push(Arc::new(message));
    let failing = |message: &str, code: &str| {
        let failure = Failure::new(FailureKind::Provider, message);
        AgentPhase::Failing(failure.with_code(code).with_retryable(false))
    };
    agent.phase = match (stop, def.strategy) {
        (StopReason::ContentFilter, _) => failing(
            "the model's content filter stopped the answer: change the prompt or the input",
            "provider_content_filter",
        ),
        (_, Strategy::Simple) if !calls.is_empty() => failing(
            "the model asked for tools, and a `simple` agent offers none: write `strategy: {type: react}`",
            "provider_unexpected_tool_calls",
        ),
        (_, Strategy::React { .. }) if !calls.is_empty() => AgentPhase::Calls(calls),
        // Half an answer looks like a whole one to whatever follows.
        (StopReason::Length, _) => failing(
            "the answer was cut at its longest: raise the model's longest answer or `token_budget`, or ask for less",
            "provider_answer_cut",
        ),
        _ => AgentPhase::Answer(text),
    };
    Ok(())
}

fn call_run(tools: Toolbox<'_>, call: &ToolCall, cut: bool) -> CallRun {
    let (tool, tries, phase) = (tools.find(&call.name), Tries::default(), CallPhase::New);
    CallRun { call: call.clone(), tool, edited: None, cut, tries, phase }
}

/// Counts what a model used: for the run, and for every agent that it works for.
fn spend(state: &mut State, path: &Path, usage: Usage) {
    if usage == Usage::default() {
        return;
    }
    state.usage += usage;
    let mut at = Some(path.clone());
    while let Some(place) = at {
        if let Some(Segment::Turn(_)) = place.last()
            && let Some(step) = place.parent()
            && let Some(Phase::Agent(agent)) = state.steps.get_mut(&step).map(|step| &mut step.phase)
        {
            agent.usage += usage;
        }
        at = place.parent();
    }
}

pub(super) fn failed(
    state: &mut State,
    path: &Path,
    attempt: Attempt,
    failure: &Failure,
    usage: Usage,
    retry_at: Option<Timestamp>,
) -> Folded {
    spend(state, path, usage);
    if close(state, path, attempt)?.cancelling {
        return Ok(());
    }
    let (step, mut owner) = owner(state, path).ok_or(NO_OWNER)?;
    let tries = owner.tries();
    tries.failures = tries.failures.saturating_add(1);
    fail_owner(state, step, path, failure, retry_at)
}

/// Lets what an effect belongs to wait for its next attempt, or fail.
fn fail_owner(state: &mut State, step: Path, path: &Path, failure: &Failure, retry_at: Option<Timestamp>) -> Folded {
    let (_, owner) = owner(state, path).ok_or(NO_OWNER)?;
    match (owner, retry_at) {
        (Owner::Step(step), Some(_)) => step.phase = Phase::BackingOff,
        (Owner::Turn(agent), Some(_)) => agent.phase = AgentPhase::BackingOff,
        (Owner::Server(server), Some(_)) => server.phase = ServerPhase::BackingOff,
        (Owner::Call(_), Some(_)) => return Err("a tool call is not tried again"),
        (Owner::Step(step), None) => step.phase = Phase::Failing(failure.clone()),
        (Owner::Turn(agent), None) => agent.phase = AgentPhase::Failing(failure.clone()),
        (Owner::Server(server), None) => {
            server.phase = ServerPhase::Failed(failure.clone());
            forget_backoffs(state, &step);
        }
        (Owner::Call(_), None) => {
            return call::answered(state, path, Value::Str(Arc::clone(&failure.message)), true);
        }
    }
    if let Some(at) = retry_at {
        state.timers.insert((at, Timer::Backoff(path.clone())));
    }
    state.ready.insert(Ready::Step(step));
    Ok(())
}

/// No server of an agent that fails is asked again.
fn forget_backoffs(state: &mut State, step: &Path) {
    state.timers.retain(|(_, timer)| match timer {
        Timer::Backoff(at) => !(matches!(at.last(), Some(Segment::Server(_))) && at.is_within(step)),
        Timer::StepTimeout(_) | Timer::Task(_) => true,
    });
}

pub(super) fn lost(state: &mut State, path: &Path, attempt: Attempt, then: AfterLoss) -> Folded {
    close(state, path, attempt)?;
    match then {
        // The entries that follow start it again, or ask.
        AfterLoss::Rerun | AfterLoss::Ask | AfterLoss::Nothing => Ok(()),
        AfterLoss::Fail => {
            let (step, _) = owner(state, path).ok_or(NO_OWNER)?;
            let message = "a write was in flight when its worker was lost: it may have happened";
            fail_owner(state, step, path, &Failure::new(FailureKind::Uncertain, message), None)
        }
    }
}

/// An answer that does not fit its schema joins the conversation with what is wrong, and the model is asked again.
pub(super) fn answer_refused(state: &mut State, path: &Path, problem: &Arc<str>) -> Folded {
    let (step, Owner::Turn(agent)) = owner(state, path).ok_or(NO_OWNER)? else { return Err("it is not a turn") };
    let text =
        format!("The answer does not fit the schema: {problem}. Answer again, with JSON that fits and nothing else.");
    agent.refused = agent.refused.saturating_add(1);
    call::ask_again(agent, Message::text(Role::User, text));
    state.ready.insert(Ready::Step(step));
    Ok(())
}
