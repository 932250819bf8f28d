//! A flow's next move: entering a step, choosing an edge, ending.

use kneo_core::event::{AfterBound, AfterFailure, BoundAt, Event, Source};
use kneo_core::plan::{Condition, EdgeIx, Node, NodeIx, NodeKind, OnMax};
use kneo_core::{Failure, FailureKind, Path, Payload, RunOutcome, Segment, Value};

use super::{Out, step};
use crate::engine::environment::{ScopeView, holds, value};
use crate::engine::state::{Flow, FlowAt, FlowKind, ScopeRun, State};

pub(super) fn advance(state: &State, out: &mut Out, base: &Path) {
    let Some(flow) = state.flows.get(base) else { return };
    match &flow.at {
        FlowAt::Enter(node) => enter(state, out, base, flow, *node, None),
        FlowAt::Leave(node) => leave(state, out, base, flow, *node),
        FlowAt::End => end(state, out, base, flow),
        FlowAt::Failed(failure) => fail(state, out, base, flow, failure),
        FlowAt::In => {}
    }
}

/// Enters a node, or says which bound stands before it.
fn enter(state: &State, out: &mut Out, base: &Path, flow: &Flow, at: NodeIx, via: Option<EdgeIx>) {
    let Some(scope) = state.scopes.get(&flow.scope) else { return };
    let Some(node) = state.plan().node(at) else { return };
    let visit = match flow.kind {
        FlowKind::Fallback => 1,
        FlowKind::Scope | FlowKind::Branch(_) => scope.node(at).map_or(1, |run| run.visits.saturating_add(1)),
    };
    let path = base.step(at, visit);
    if state.plan().limits.max_steps.is_some_and(|max| state.steps_entered >= max) {
        let message = "the run entered as many steps as `limits.max_steps` allows";
        let failure = Failure::new(FailureKind::Limit, message).with_code("max_steps");
        return out.push(path, Event::StepFailed { failure, then: AfterFailure::Propagate });
    }
    if let Some(then) = scope_bound(state, scope) {
        return out.push(base.clone(), Event::BoundReached { bound: BoundAt::Scope, then });
    }
    let view = ScopeView { state, scope, prev: &flow.value };
    match arrive(node, &view) {
        Ok(Arrival::Skip) => out.push(path, Event::StepSkipped { via }),
        Ok(Arrival::Computed(output)) => out.push(path, Event::StepComputed { via, output }),
        Ok(Arrival::Work(input)) => out.push(path, Event::StepEntered { via, input }),
        Err(failure) => {
            out.push(path.clone(), Event::StepEntered { via, input: None });
            let then = step::after_failure(node.policy.on_error, flow.kind);
            out.push(path, Event::StepFailed { failure, then });
        }
    }
}

/// What a flow finds at a node.
enum Arrival {
    Skip,
    Computed(Payload),
    Work(Option<Payload>),
}

fn arrive(node: &Node, view: &ScopeView<'_>) -> Result<Arrival, Failure> {
    if let Some(when) = &node.when
        && !holds(when, view)?
    {
        return Ok(Arrival::Skip);
    }
    let payload = |value: Value| {
        let unfit =
            |error: kneo_core::payload::PayloadError| Failure::new(FailureKind::InvalidInput, error.to_string());
        Payload::new(value).map_err(|error| unfit(error).with_code("payload_too_large"))
    };
    if let NodeKind::Set(values) = &node.kind {
        let mut entries = Vec::with_capacity(values.len());
        for (name, template) in values {
            entries.push((name.to_shared(), value(template, view)?));
        }
        let map = Value::map(entries).map_err(|error| Failure::new(FailureKind::Expression, error.to_string()))?;
        step::check_output(view.state, node, &map)?;
        return payload(map).map(Arrival::Computed);
    }
    match &node.input {
        None => Ok(Arrival::Work(None)),
        Some(template) => payload(value(template, view)?).map(|input| Arrival::Work(Some(input))),
    }
}

fn scope_bound(state: &State, scope: &ScopeRun) -> Option<AfterBound> {
    let bound = state.plan().scope(scope.scope)?.max_steps.as_ref()?;
    (scope.entered >= bound.max.get()).then(|| match then(&bound.on_max) {
        // A flow that has jumped once does not get another round.
        AfterBound::To { .. } if scope.jumped => AfterBound::Fail,
        then => then,
    })
}

fn then(on_max: &OnMax) -> AfterBound {
    match on_max {
        OnMax::Continue => AfterBound::Continue,
        OnMax::To { node, mark } => AfterBound::To { node: *node, mark: mark.clone() },
        OnMax::Fail => AfterBound::Fail,
    }
}

/// Takes the first edge that holds; without one the flow is at its end.
fn leave(state: &State, out: &mut Out, base: &Path, flow: &Flow, at: NodeIx) {
    let Some(node) = state.plan().node(at) else { return };
    let Some(scope) = state.scopes.get(&flow.scope) else { return };
    let left = base.step(at, scope.node(at).map_or(1, |run| run.visits));
    let mut unjudged = None;
    for index in &node.out {
        let Some(edge) = state.plan().edge(*index) else { continue };
        match condition_holds(state, scope, Some(edge.from), &flow.value, edge.when.as_ref()) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(failure) => {
                unjudged = Some(failure);
                break;
            }
        }
        let taken = scope.edge_visits.get(index).copied().unwrap_or(0);
        let reached = edge.max_visits.as_ref().filter(|bound| taken >= bound.max.get());
        let Some(bound) = reached else {
            match edge.ends {
                true => break,
                false => return enter(state, out, base, flow, edge.to, Some(*index)),
            }
        };
        let then = then(&bound.on_max);
        let goes_on = then == AfterBound::Continue;
        out.push(left.clone(), Event::BoundReached { bound: BoundAt::Edge(*index), then });
        if !goes_on {
            return;
        }
    }
    let bounds = std::mem::take(&mut out.entries);
    match unjudged {
        None => end(state, out, base, flow),
        Some(failure) => fail(state, out, base, flow, &failure),
    }
    // A root that waits for what is still in flight says nothing yet, not even which edges it passed over.
    if !out.entries.is_empty() {
        out.entries.splice(0..0, bounds);
    }
}

/// Judges a condition on the step that it leaves; `carried` is what the flow carries.
pub(super) fn condition_holds(
    state: &State,
    scope: &ScopeRun,
    from: Option<NodeIx>,
    carried: &Value,
    when: Option<&Condition>,
) -> Result<bool, Failure> {
    let settled = || scope.node(from?)?.settled.as_ref();
    match when {
        None => Ok(true),
        Some(Condition::Expr(expr)) => holds(expr, &ScopeView { state, scope, prev: carried }),
        Some(Condition::OutputContains(text)) => Ok(carried.to_text().contains(&**text)),
        Some(Condition::StatusIs(status)) => Ok(settled().is_some_and(|result| result.status == *status)),
    }
}

/// A flow at its end hands its value to whatever it belongs to.
fn end(state: &State, out: &mut Out, base: &Path, flow: &Flow) {
    match flow.kind {
        FlowKind::Branch(_) => out.push(base.clone(), Event::BranchCompleted),
        FlowKind::Scope if is_call(base) => out.push(base.clone(), Event::CallReturned),
        FlowKind::Fallback => step::complete(state, out, base, Source::Flow),
        FlowKind::Scope if !base.is_root() => step::complete(state, out, base, Source::Flow),
        FlowKind::Scope => {
            if state.effects.is_empty() {
                let outcome = output(state, base, flow).map_or_else(RunOutcome::Failed, RunOutcome::Completed);
                out.push(Path::root(), Event::RunEnded(Box::new(outcome)));
            }
        }
    }
}

/// Whether a workflow runs behind a tool call.
fn is_call(base: &Path) -> bool {
    matches!(base.last(), Some(Segment::Call(_)))
}

/// The run's output: what the plan declares, or else what the flow carries.
fn output(state: &State, base: &Path, flow: &Flow) -> Result<Payload, Failure> {
    let unfit = |error: &dyn std::fmt::Display| Failure::new(FailureKind::InvalidOutput, error.to_string());
    let Some(outputs) = &state.plan().outputs else {
        return Payload::new(flow.value.clone()).map_err(|error| unfit(&error));
    };
    let scope = state.scopes.get(base).ok_or_else(|| unfit(&"the workflow is not there"))?;
    let view = ScopeView { state, scope, prev: &flow.value };
    let mut entries = Vec::with_capacity(outputs.len());
    for output in outputs {
        let value = value(&output.value, &view)?;
        if let Some(schema) = output.schema {
            let check = state.program.check(schema, &value);
            check.map_err(|problem| unfit(&format!("output `{}`: {problem}", output.name)))?;
        }
        entries.push((output.name.to_shared(), value));
    }
    let map = Value::map(entries).map_err(|error| unfit(&error))?;
    Payload::new(map).map_err(|error| unfit(&error))
}

/// A failed flow fails whatever it belongs to.
fn fail(state: &State, out: &mut Out, base: &Path, flow: &Flow, failure: &Failure) {
    match flow.kind {
        FlowKind::Branch(_) => out.push(base.clone(), Event::BranchFailed { failure: failure.clone() }),
        FlowKind::Fallback => {
            let failure = failure.clone();
            out.push(base.clone(), Event::StepFailed { failure, then: AfterFailure::Propagate });
        }
        FlowKind::Scope if is_call(base) => out.push(base.clone(), Event::CallFailed { failure: failure.clone() }),
        FlowKind::Scope if !base.is_root() => step::fail(state, out, base, failure),
        FlowKind::Scope => {
            if state.effects.is_empty() {
                let outcome = match failure.kind {
                    FailureKind::Expired => RunOutcome::Expired(failure.clone()),
                    _ => RunOutcome::Failed(failure.clone()),
                };
                out.push(Path::root(), Event::RunEnded(Box::new(outcome)));
            }
        }
    }
}
