//! Flows and steps: entering, settling, forking.

use std::collections::BTreeMap;
use std::sync::Arc;

use kneo_core::event::{AfterBound, AfterFailure, BoundAt, Source};
use kneo_core::message::{Message, Role};
use kneo_core::plan::{EdgeIx, NodeIx, NodeKind, ScopeIx, ServerIx, StepStatus};
use kneo_core::{Failure, FailureKind, Path, Payload, Segment, Value};

use super::Folded;
use super::stop;
use crate::engine::state::{
    AgentPhase, AgentRun, BranchRun, Flow, FlowAt, FlowKind, NodeRun, Phase, Ready, ScopeRun, ServerPhase, ServerRun,
    State, StepResult, StepRun, Timer, Tries,
};

const NO_FLOW: &str = "no flow is there";
const NO_STEP: &str = "no step is live there";
const NO_NODE: &str = "the plan has no such node there";

/// Starts a run of a workflow at a path.
pub(super) fn open_scope(state: &mut State, path: Path, at: ScopeIx, input: Value) -> Folded {
    let scope = state.plan().scope(at).ok_or("the plan has no such scope")?;
    let (start, first, len) = (scope.start, scope.first, scope.len as usize);
    let run = ScopeRun {
        scope: at,
        first,
        input: input.clone(),
        nodes: vec![NodeRun::default(); len],
        edge_visits: BTreeMap::new(),
        entered: 0,
        jumped: false,
    };
    state.scopes.insert(path.clone(), run);
    open_flow(state, path.clone(), FlowKind::Scope, path, input, start);
    Ok(())
}

fn open_flow(state: &mut State, base: Path, kind: FlowKind, scope: Path, value: Value, start: NodeIx) {
    state.ready.insert(Ready::Flow(base.clone()));
    state.flows.insert(base, Flow { kind, scope, value, role: None, at: FlowAt::Enter(start) });
}

/// Counts a visit; gives the base of the flow and the node.
fn enter(state: &mut State, path: &Path, via: Option<EdgeIx>) -> Result<(Path, NodeIx), &'static str> {
    let Some(Segment::Node { node, visit }) = path.last() else { return Err("it is not a step's path") };
    let base = path.parent().ok_or("it is not a step's path")?;
    let flow = state.flows.get_mut(&base).ok_or(NO_FLOW)?;
    flow.at = FlowAt::In;
    let scope = state.scopes.get_mut(&flow.scope).ok_or("no workflow runs there")?;
    let run = scope.node_mut(node).ok_or(NO_NODE)?;
    // What a fallback runs is not a visit of that node's own place.
    if flow.kind != FlowKind::Fallback {
        run.visits = visit;
    }
    scope.entered = scope.entered.saturating_add(1);
    state.steps_entered = state.steps_entered.saturating_add(1);
    if let Some(edge) = via {
        let plan = state.program.plan();
        if plan.edge(edge).ok_or("the plan has no such edge")?.max_visits.is_some() {
            *scope.edge_visits.entry(edge).or_default() += 1;
        }
    }
    Ok((base, node))
}

pub(super) fn entered(state: &mut State, path: &Path, via: Option<EdgeIx>, input: Option<&Payload>) -> Folded {
    let (base, node) = enter(state, path, via)?;
    state.ready.remove(&Ready::Flow(base.clone()));
    let flow = state.flows.get(&base).ok_or(NO_FLOW)?;
    let value = input.map_or_else(|| flow.value.clone(), |payload| payload.value().clone());
    let role = flow.role.filter(|_| input.is_none()).unwrap_or(Role::User);
    let program = Arc::clone(&state.program);
    let def = program.plan().node(node).ok_or(NO_NODE)?;
    let phase = match &def.kind {
        NodeKind::Agent(at) => {
            let unknown =
                |server: &ServerIx| ServerRun { server: *server, tries: Tries::default(), phase: ServerPhase::New };
            let servers: Vec<ServerRun> = program.servers(*at).iter().map(unknown).collect();
            Phase::Agent(Box::new(AgentRun {
                messages: vec![Arc::new(Message::text(role, value.to_text()))],
                turn: 1,
                usage: Default::default(),
                tries: Tries::default(),
                phase: if servers.is_empty() { AgentPhase::Turn } else { AgentPhase::Discovering },
                servers,
                refused: 0,
            }))
        }
        NodeKind::Workflow(scope) => {
            open_scope(state, path.clone(), *scope, value.clone())?;
            Phase::Nested
        }
        NodeKind::Function(_) | NodeKind::Human(_) | NodeKind::Set(_) | NodeKind::Fork(_) => Phase::New,
    };
    // A timeout bounds each attempt of a function or an agent, and a human's question; of the others the whole step.
    let whole = matches!(def.kind, NodeKind::Workflow(_) | NodeKind::Fork(_));
    if let (true, Some(timeout)) = (whole, def.policy.timeout()) {
        state.timers.insert((state.last_at.after(timeout), Timer::StepTimeout(path.clone())));
    }
    let tries = Tries::default();
    let step = StepRun { node, flow: base, input: value, tries, phase, decision: None, error: None, key: None };
    state.steps.insert(path.clone(), step);
    state.ready.insert(Ready::Step(path.clone()));
    Ok(())
}

pub(super) fn skipped(state: &mut State, path: &Path, via: Option<EdgeIx>) -> Folded {
    let (base, node) = enter(state, path, via)?;
    let result = StepResult { status: StepStatus::Skipped, output: None, error: None, decision: None, attempts: 0 };
    settle(state, &base, node, result)
}

pub(super) fn computed(state: &mut State, path: &Path, via: Option<EdgeIx>, output: &Payload) -> Folded {
    let (base, node) = enter(state, path, via)?;
    let value = output.value().clone();
    carry(state, &base, value.clone(), None)?;
    settle(state, &base, node, completed_with(value, None, None, 1))
}

pub(super) fn completed(state: &mut State, path: &Path, output: &Source) -> Folded {
    let value = match output {
        Source::Value(payload) => payload.value().clone(),
        Source::Flow => match state.flows.get(path) {
            Some(nested) => nested.value.clone(),
            None => state.steps.get(path).ok_or(NO_STEP)?.input.clone(),
        },
    };
    finish_step(state, path, value)
}

/// Settles a live step as completed and hands its output to the flow.
pub(super) fn finish_step(state: &mut State, path: &Path, value: Value) -> Folded {
    let step = take_step(state, path)?;
    let program = Arc::clone(&state.program);
    let role = match &program.plan().node(step.node).ok_or(NO_NODE)?.kind {
        NodeKind::Human(human) => program.plan().human(*human).and_then(|human| human.response_role),
        NodeKind::Agent(_) | NodeKind::Function(_) | NodeKind::Workflow(_) | NodeKind::Set(_) | NodeKind::Fork(_) => {
            None
        }
    };
    carry(state, &step.flow, value.clone(), role)?;
    let result = completed_with(value, step.error, step.decision, step.tries.attempts.max(1));
    settle(state, &step.flow, step.node, result)
}

fn completed_with(output: Value, error: Option<Failure>, decision: Option<Value>, attempts: u32) -> StepResult {
    StepResult { status: StepStatus::Completed, output: Some(output), error, decision, attempts }
}

pub(super) fn failed(state: &mut State, path: &Path, failure: &Failure, then: AfterFailure) -> Folded {
    if !state.steps.contains_key(path) {
        // The step was never entered: a bound of the run stood before it.
        let base = path.parent().ok_or("it is not a step's path")?;
        return fail_flow(state, &base, failure.clone());
    }
    if let AfterFailure::Fallback(node) = then {
        let step = state.steps.get_mut(path).ok_or(NO_STEP)?;
        step.phase = Phase::Nested;
        step.error = Some(failure.clone());
        let (input, base) = (step.input.clone(), step.flow.clone());
        let scope = state.flows.get(&base).ok_or(NO_FLOW)?.scope.clone();
        drop_timers(state, path);
        state.scopes.remove(path);
        state.ready.remove(&Ready::Step(path.clone()));
        open_flow(state, path.clone(), FlowKind::Fallback, scope, input, node);
        return Ok(());
    }
    let step = take_step(state, path)?;
    let result = StepResult {
        status: StepStatus::Failed,
        output: None,
        error: Some(failure.clone()),
        decision: step.decision,
        attempts: step.tries.attempts.max(1),
    };
    match then {
        AfterFailure::Continue => {
            carry(state, &step.flow, step.input, None)?;
            settle(state, &step.flow, step.node, result)
        }
        AfterFailure::Propagate | AfterFailure::Fallback(_) => {
            settle(state, &step.flow, step.node, result)?;
            fail_flow(state, &step.flow, failure.clone())
        }
    }
}

fn fail_flow(state: &mut State, base: &Path, failure: Failure) -> Folded {
    state.flows.get_mut(base).ok_or(NO_FLOW)?.at = FlowAt::Failed(failure);
    state.ready.insert(Ready::Flow(base.clone()));
    Ok(())
}

/// Removes a live step with everything that only it needs.
fn take_step(state: &mut State, path: &Path) -> Result<StepRun, &'static str> {
    let step = state.steps.remove(path).ok_or(NO_STEP)?;
    state.ready.remove(&Ready::Step(path.clone()));
    drop_timers(state, path);
    if matches!(step.phase, Phase::Nested) {
        forget_scope(state, path);
    }
    Ok(step)
}

/// Removes what ran behind a tool call.
pub(super) fn close_scope(state: &mut State, path: &Path) {
    drop_timers(state, path);
    forget_scope(state, path);
}

fn forget_scope(state: &mut State, path: &Path) {
    state.scopes.remove(path);
    state.flows.remove(path);
    state.ready.remove(&Ready::Flow(path.clone()));
}

fn drop_timers(state: &mut State, path: &Path) {
    if !state.timers.is_empty() {
        state.timers.retain(|(_, timer)| match timer {
            Timer::Backoff(at) | Timer::StepTimeout(at) => at != path,
            Timer::Task(_) => true,
        });
    }
}

/// Puts a value into a flow.
fn carry(state: &mut State, base: &Path, value: Value, role: Option<Role>) -> Folded {
    let flow = state.flows.get_mut(base).ok_or(NO_FLOW)?;
    flow.value = value;
    flow.role = role;
    Ok(())
}

/// Leaves a step behind, and the flow before its next move.
fn settle(state: &mut State, base: &Path, node: NodeIx, result: StepResult) -> Folded {
    let flow = state.flows.get_mut(base).ok_or(NO_FLOW)?;
    if flow.kind == FlowKind::Fallback {
        flow.at = FlowAt::End;
    } else {
        flow.at = FlowAt::Leave(node);
        let scope = state.scopes.get_mut(&flow.scope).ok_or("no workflow runs there")?;
        scope.node_mut(node).ok_or(NO_NODE)?.settled = Some(result);
    }
    state.ready.insert(Ready::Flow(base.clone()));
    Ok(())
}

pub(super) fn bound_reached(state: &mut State, path: &Path, bound: BoundAt, then: &AfterBound) -> Folded {
    let base = match bound {
        BoundAt::Edge(_) => path.parent().ok_or("it is not a step's path")?,
        BoundAt::Scope => path.clone(),
    };
    let flow = state.flows.get_mut(&base).ok_or(NO_FLOW)?;
    match (then, bound) {
        (AfterBound::Fail, _) => {
            let message = match bound {
                BoundAt::Edge(_) => "an edge was taken as often as `max_visits` allows",
                BoundAt::Scope => "the workflow entered as many steps as `max_steps` allows",
            };
            flow.at = FlowAt::Failed(Failure::new(FailureKind::Limit, message));
        }
        (AfterBound::Continue, BoundAt::Edge(_)) => {}
        (AfterBound::Continue, BoundAt::Scope) => flow.at = FlowAt::End,
        (AfterBound::To { node, mark }, _) => {
            flow.at = FlowAt::Enter(*node);
            if bound == BoundAt::Scope {
                let scope = state.scopes.get_mut(&flow.scope).ok_or("no workflow runs there")?;
                scope.jumped = true;
                scope.entered = 0;
            }
            state.marks.extend(mark.clone());
        }
    }
    state.ready.insert(Ready::Flow(base));
    Ok(())
}

pub(super) fn fork_taken(state: &mut State, path: &Path, started: &[u32]) -> Folded {
    let program = Arc::clone(&state.program);
    let step = state.steps.get_mut(path).ok_or(NO_STEP)?;
    let NodeKind::Fork(fork) = &program.plan().node(step.node).ok_or(NO_NODE)?.kind else {
        return Err("the step is not a fork");
    };
    let run = |at: u32| if started.contains(&at) { BranchRun::Running } else { BranchRun::Skipped };
    step.phase = Phase::Forked((0u32..).take(fork.branches.len()).map(run).collect());
    let (input, base) = (step.input.clone(), step.flow.clone());
    let scope = state.flows.get(&base).ok_or(NO_FLOW)?.scope.clone();
    // Without a branch nothing else would ask the fork again.
    if !started.is_empty() {
        state.ready.remove(&Ready::Step(path.clone()));
    }
    for index in started {
        let branch = fork.branches.get(*index as usize).ok_or("the fork has no such branch")?;
        let at = path.child(Segment::Branch(*index));
        open_flow(state, at, FlowKind::Branch(*index), scope.clone(), input.clone(), branch.start);
    }
    Ok(())
}

pub(super) fn branch_over(state: &mut State, base: &Path, failure: Option<&Failure>) -> Folded {
    let flow = state.flows.remove(base).ok_or(NO_FLOW)?;
    state.ready.remove(&Ready::Flow(base.clone()));
    let run = match failure {
        None => BranchRun::Completed(flow.value),
        Some(failure) => BranchRun::Failed(failure.clone()),
    };
    stop::set_branch(state, base, run).ok_or("no fork waits there")
}
