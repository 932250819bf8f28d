//! Rules about the edges of a graph.

use kneo_core::expr::StepField;
use kneo_core::plan::RequestType;

use super::flow::written;
use super::flowgraph::{FlowGraph, holds_always};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Component, Edge, Graph, Human, Linked, OnMax, StepKind, Workflow};
use crate::region::Regions;

/// An edge after one that always holds is never taken.
pub(super) fn never_taken(workflow: &Workflow<Linked>, graph: &Graph<Linked>, sink: &mut Diagnostics) {
    let mut decided: Vec<Option<&Edge<Linked>>> = vec![None; workflow.steps.len()];
    // All edges of a step that starts branches are followed.
    for edge in graph.edges.iter().filter(|edge| !fans_out(workflow, edge)) {
        let Some(decided) = decided.get_mut(edge.from.0) else {
            continue;
        };
        if let Some(first) = decided {
            sink.push(
                Diagnostic::new(Code::EdgeNeverTaken, edge.span, "this edge is never taken")
                    .label(first.span, "this one always holds and comes first")
                    .help("give the first a condition, or move it behind this one"),
            );
        } else if holds_always(edge) && edge.max_visits.is_none() {
            *decided = Some(edge);
        }
    }
}

/// A node whose edges all have conditions ends the workflow when none holds.
pub(super) fn no_default(
    workflow: &Workflow<Linked>,
    graph: &Graph<Linked>,
    regions: &Regions,
    sink: &mut Diagnostics,
) {
    let mut last: Vec<Option<&Edge<Linked>>> = vec![None; workflow.steps.len()];
    let mut has_default = vec![false; workflow.steps.len()];
    for edge in graph.edges.iter().filter(|edge| !fans_out(workflow, edge)) {
        if let (Some(last), Some(default)) = (last.get_mut(edge.from.0), has_default.get_mut(edge.from.0)) {
            *last = Some(edge);
            let passes_over = edge.max_visits.as_ref().is_some_and(|bound| matches!(bound.on_max, OnMax::Continue));
            *default |= holds_always(edge) && !passes_over;
        }
    }
    let nodes = workflow.steps.iter().zip(last).zip(has_default).enumerate();
    for (at, ((step, last), has_default)) in nodes {
        let Some(last) = last.filter(|_| !has_default) else {
            continue;
        };
        let what = if regions.branch_of(at).is_some() { "branch" } else { "workflow" };
        sink.push(
            Diagnostic::new(
                Code::NoDefaultEdge,
                step.id.span,
                format!("when no edge of {} holds, the {what} ends here", tick(step.id.value.as_str())),
            )
            .label(last.span, "its last edge has a condition too")
            .help("add a last edge without a condition"),
        );
    }
}

/// What leads on from a person who may say no asks what was said: a rejection is text that flows on like an approval.
///
/// A node without edges ends the workflow with the answer, whatever it is.
pub(super) fn rejections(
    workflow: &Workflow<Linked>,
    graph: &Graph<Linked>,
    humans: &[Component<Human<Linked>>],
    sink: &mut Diagnostics,
) {
    let mut first: Vec<Option<&Edge<Linked>>> = vec![None; workflow.steps.len()];
    let mut asks = vec![false; workflow.steps.len()];
    for edge in &graph.edges {
        if let (Some(first), Some(asks)) = (first.get_mut(edge.from.0), asks.get_mut(edge.from.0)) {
            // Of a step that starts branches each edge must ask for itself.
            match fans_out(workflow, edge) && holds_always(edge) {
                true => *first = first.filter(|first| holds_always(first)).or(Some(edge)),
                false => {
                    *asks |= !holds_always(edge) && !fans_out(workflow, edge);
                    first.get_or_insert(edge);
                }
            }
        }
    }
    for ((step, first), asks) in workflow.steps.iter().zip(first).zip(asks) {
        let (StepKind::Human(human), Some(first), false) = (&step.kind, first, asks) else {
            continue;
        };
        let request = humans.get(human.get()).map(|human| human.body.request());
        if !matches!(request, Some(RequestType::Approval | RequestType::Review)) {
            continue;
        }
        if step.fan_out.is_some() && !holds_always(first) {
            continue;
        }
        let id = step.id.value.as_str();
        // Inside the double quotes of YAML.
        let decision = written(id, StepField::Decision).replace('"', "'");
        let help = match step.fan_out {
            Some(_) => format!("write `when: \"{decision}.kind != 'rejected'\"` on it"),
            None => format!("write before it `{{from: {id}, to: …, when: \"{decision}.kind == 'rejected'\"}}`"),
        };
        sink.push(
            Diagnostic::new(
                Code::RejectionUnhandled,
                first.span,
                format!("when {} is rejected, the flow goes on as if it were approved", tick(id)),
            )
            .label(step.id.span, "a person may say no here")
            .help(help),
        );
    }
}

/// Whether an edge is one of those that are all followed.
fn fans_out(workflow: &Workflow<Linked>, edge: &Edge<Linked>) -> bool {
    workflow.steps.get(edge.from.0).is_some_and(|step| step.fan_out.is_some())
}

/// Every node can be reached from `start`, or runs in place of another.
pub(super) fn unreachable(workflow: &Workflow<Linked>, flow: &FlowGraph, sink: &mut Diagnostics) {
    let reached = flow.reached(flow.start);
    let mut runs = vec![false; workflow.steps.len()];
    for (step, reached) in flow.step_of.iter().zip(&reached) {
        if let Some(runs) = step.and_then(|step| runs.get_mut(step)) {
            *runs |= reached;
        }
    }
    for (step, _) in workflow.steps.iter().zip(runs).filter(|(_, runs)| !runs) {
        sink.push(
            Diagnostic::new(
                Code::UnreachableNode,
                step.id.span,
                format!("no way leads to {}", tick(step.id.value.as_str())),
            )
            .help("add an edge to it, or remove it"),
        );
    }
}

/// From every node that can be reached, the end can be reached without running into a bound.
pub(super) fn dead_ends(workflow: &Workflow<Linked>, flow: &FlowGraph, sink: &mut Diagnostics) {
    let reached = flow.reached(flow.start);
    let ends = flow.reaching(flow.end);
    let stuck = workflow
        .steps
        .iter()
        .enumerate()
        .filter(|(at, _)| reached.get(*at) == Some(&true) && ends.get(*at) == Some(&false));
    for (_, step) in stuck {
        sink.push(
            Diagnostic::new(
                Code::DeadEnd,
                step.id.span,
                format!("after {} the workflow can only fail at a bound", tick(step.id.value.as_str())),
            )
            .help("add an edge out of the cycle, or a condition to an edge inside it"),
        );
    }
}
