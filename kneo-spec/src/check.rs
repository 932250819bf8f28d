//! The rules that a whole document keeps; one family of rules per file, one function per rule.

mod agent;
mod build;
mod cycle;
mod dominator;
mod edge;
mod flow;
mod flowgraph;
mod human;
mod join;
mod running;
mod schema;
mod secret;
mod server;
mod settled;
mod step;
mod test;
mod unused;

pub(crate) use test::names_of;

use crate::diagnostic::Diagnostics;
use crate::document::{Component, Document, Flow, Human, Linked, Workflow};
use crate::link::Layout;
use crate::region::Regions;
use crate::syntax::{Limits, Tree};
use flowgraph::FlowGraph;

/// Something that keeps every rule. Only [`check`] makes one.
pub(crate) struct Valid<T>(T);

impl<T> Valid<T> {
    /// What is valid.
    pub(crate) fn get(&self) -> &T {
        &self.0
    }
}

/// Checks a document by every rule; gives it back as valid when nothing was ever reported as an
/// error, neither here nor by the stages before.
pub(crate) fn check(
    document: Document<Linked>,
    layout: &Layout,
    tree: &Tree,
    limits: Limits,
    sink: &mut Diagnostics,
) -> Option<Valid<Document<Linked>>> {
    secret::secrets(tree, sink);
    schema::schemas(&document, tree, limits, sink);
    agent::models(&document, layout, sink);
    agent::played(&document, sink);
    running::uncertain(&document, sink);
    human::humans(&document, sink);
    build::nesting(&document, layout, sink);
    let run_is_bounded = document.limits.max_steps.is_some() || document.limits.max_steps_broken;
    for workflow in &document.workflows {
        workflow_rules(workflow, &document.humans, run_is_bounded, sink);
    }
    flow::reads(&document, layout, sink);
    test::tests(&document, sink);
    if sink.has_errors() {
        return None;
    }
    unused::components(&document, sink);
    server::wholes(&document, sink);
    (!sink.has_errors()).then_some(Valid(document))
}

fn workflow_rules(
    workflow: &Component<Workflow<Linked>>,
    humans: &[Component<Human<Linked>>],
    run_is_bounded: bool,
    sink: &mut Diagnostics,
) {
    step::fallbacks(&workflow.body, sink);
    step::fallback_only(&workflow.body, sink);
    step::keys(&workflow.body, sink);
    join::counts(&workflow.body, sink);
    let Flow::Graph(graph) = &workflow.body.flow else {
        return;
    };
    if !run_is_bounded {
        cycle::unbounded(&workflow.body, graph, sink);
    }
    if !graph.whole || graph.start.is_none() {
        // With an edge missing, what follows would be guesses.
        return;
    }
    let regions = Regions::of(&workflow.body, graph);
    join::structure(&workflow.body, graph, &regions, sink);
    edge::never_taken(&workflow.body, graph, sink);
    edge::no_default(&workflow.body, graph, &regions, sink);
    edge::rejections(&workflow.body, graph, humans, sink);
    if !regions.problems().is_empty() {
        return;
    }
    let flow = FlowGraph::of(&workflow.body, Some(&regions));
    edge::unreachable(&workflow.body, &flow, sink);
    edge::dead_ends(&workflow.body, &flow, sink);
}
