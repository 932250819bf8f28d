//! Every workflow as one graph, whatever its type.

use crate::document::{Condition, Edge, Flow, Graph, Linked, OnError, OnMax, StepIx, Workflow};

/// The ways a run can take through a workflow.
///
/// Vertices are the steps in author order, then one copy of a step for each other step that falls
/// back to it, since a fallback runs in the place of the failed step and goes on from there; then
/// the start and the end of the workflow.
pub(super) struct FlowGraph {
    pub(super) successors: Vec<Vec<usize>>,
    /// For each vertex its step; `None` for start and end.
    pub(super) step_of: Vec<Option<usize>>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Steps that may fail, with the step that runs in their place then.
    pub(super) fallbacks: Vec<(usize, usize)>,
    /// For each step whether it runs at its own place, and not in place of others alone.
    pub(super) in_place: Vec<bool>,
    steps: usize,
}

impl FlowGraph {
    pub(super) fn of(workflow: &Workflow<Linked>) -> Self {
        let steps = workflow.steps.len();
        let mut step_of: Vec<Option<usize>> = (0..steps).map(Some).collect();
        let mut copies: Vec<(usize, usize)> = Vec::new();
        let mut fallbacks: Vec<(usize, usize)> = Vec::new();
        for (at, step) in workflow.steps.iter().enumerate() {
            if let OnError::Fallback(StepIx(fallback), _) = step.on_error {
                copies.push((at, step_of.len()));
                fallbacks.push((at, fallback));
                step_of.push(Some(fallback));
            }
        }
        let start = step_of.len();
        let end = start + 1;
        step_of.extend([None, None]);
        let in_place = workflow.steps.iter().map(|step| step.fallback_only.is_none()).collect();
        let mut graph = Self { successors: vec![Vec::new(); end + 1], step_of, start, end, fallbacks, in_place, steps };
        match &workflow.flow {
            Flow::Sequential => graph.sequential(),
            Flow::Concurrent(_) | Flow::Open => graph.concurrent(),
            Flow::Graph(edges) => graph.graph(edges),
        }
        for (failed, copy) in copies {
            let onward = graph.successors.get(failed).cloned().unwrap_or_default();
            graph.link(failed, copy);
            for next in onward {
                graph.link(copy, next);
            }
        }
        graph
    }

    /// A graph as it is given, for tests of what reads it.
    #[cfg(test)]
    pub(super) fn from_parts(
        successors: Vec<Vec<usize>>,
        step_of: Vec<Option<usize>>,
        start: usize,
        end: usize,
    ) -> Self {
        let (steps, in_place) = (step_of.len(), vec![true; step_of.len()]);
        Self { steps, successors, step_of, start, end, fallbacks: Vec::new(), in_place }
    }

    fn link(&mut self, from: usize, to: usize) {
        if let Some(successors) = self.successors.get_mut(from) {
            successors.push(to);
        }
    }

    fn sequential(&mut self) {
        let mut before = self.start;
        for step in self.steps_in_place() {
            self.link(before, step);
            before = step;
        }
        self.link(before, self.end);
    }

    fn concurrent(&mut self) {
        for step in self.steps_in_place() {
            self.link(self.start, step);
            self.link(step, self.end);
        }
    }

    fn steps_in_place(&self) -> Vec<usize> {
        (0..self.steps).filter(|step| self.in_place.get(*step) == Some(&true)).collect()
    }

    fn graph(&mut self, graph: &Graph<Linked>) {
        if let Some(StepIx(first)) = graph.start {
            self.link(self.start, first);
        }
        let mut leaves = vec![false; self.steps];
        for edge in &graph.edges {
            self.link(edge.from.0, edge.to.0);
            if let Some(OnMax::To { node, .. }) = edge.max_visits.as_ref().map(|bound| &bound.on_max) {
                self.link(edge.from.0, node.0);
            }
            if always_leaves(edge)
                && let Some(leaves) = leaves.get_mut(edge.from.0)
            {
                *leaves = true;
            }
        }
        for (step, leaves) in leaves.into_iter().enumerate() {
            if !leaves {
                self.link(step, self.end);
            }
        }
        match graph.max_steps.as_ref().map(|bound| &bound.on_max) {
            Some(OnMax::Continue) => (0..self.steps).for_each(|step| self.link(step, self.end)),
            Some(OnMax::To { node, .. }) => (0..self.steps).for_each(|step| self.link(step, node.0)),
            Some(OnMax::Fail | OnMax::Broken) | None => {}
        }
    }

    /// The vertices that can be reached from `from`.
    pub(super) fn reached(&self, from: usize) -> Vec<bool> {
        reach(&self.successors, from)
    }

    /// The vertices from which `to` can be reached.
    pub(super) fn reaching(&self, to: usize) -> Vec<bool> {
        let mut back = vec![Vec::new(); self.successors.len()];
        for (from, successors) in self.successors.iter().enumerate() {
            for next in successors {
                if let Some(back) = back.get_mut(*next) {
                    back.push(from);
                }
            }
        }
        reach(&back, to)
    }
}

/// Whether a node that comes to this edge surely leaves by it, or fails.
fn always_leaves(edge: &Edge<Linked>) -> bool {
    let passes_over = edge.max_visits.as_ref().is_some_and(|bound| matches!(bound.on_max, OnMax::Continue));
    holds_always(edge) && !passes_over
}

/// Whether an edge has no condition that could fail.
pub(super) fn holds_always(edge: &Edge<Linked>) -> bool {
    match &edge.when {
        None => true,
        Some(Condition::Expr(expr)) => {
            use kneo_core::expr::Expr;
            use kneo_core::value::Value;
            matches!(expr.value.code, Expr::Literal(Value::Bool(true)))
        }
        Some(Condition::OutputContains(_) | Condition::StatusIs(_) | Condition::Broken) => false,
    }
}

fn reach(successors: &[Vec<usize>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; successors.len()];
    let mut waiting = vec![from];
    while let Some(vertex) = waiting.pop() {
        let Some(seen) = reached.get_mut(vertex) else {
            continue;
        };
        if !std::mem::replace(seen, true) {
            waiting.extend(successors.get(vertex).into_iter().flatten());
        }
    }
    reached
}
