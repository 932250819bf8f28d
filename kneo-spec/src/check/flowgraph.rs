//! Every workflow as one graph, whatever its type.

use std::collections::{BTreeMap, HashMap};

use crate::document::{Condition, Edge, Flow, Graph, Linked, OnError, OnMax, StepIx, Workflow};
use crate::region::{Regions, Way};

/// The ways a run can take through a workflow.
///
/// Vertices are the steps in author order, then one copy of a step for each other step that falls
/// back to it, since a fallback runs in the place of the failed step and goes on from there; then
/// the start and the end of the workflow, and for each step all of whose edges are followed a place
/// before, between and behind its branches.
///
/// Branches stand here one behind the other: what each has left behind is there where they meet.
/// One that need not have completed by then is passed by another way. That they really run side by
/// side is for [`Regions`] to say.
pub(super) struct FlowGraph {
    pub(super) successors: Vec<Vec<usize>>,
    /// For each vertex its step; `None` for start, end and what is between branches.
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
    pub(super) fn of(workflow: &Workflow<Linked>, regions: Option<&Regions>) -> Self {
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
            Flow::Graph(edges) => match regions {
                Some(regions) => graph.graph(workflow, edges, regions),
                None => graph.concurrent(),
            },
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

    fn graph(&mut self, workflow: &Workflow<Linked>, graph: &Graph<Linked>, regions: &Regions) {
        if let Some(StepIx(first)) = graph.start {
            self.link(self.start, first);
        }
        let branches = Branches::of(workflow, graph, regions, self);
        let mut leaves = vec![false; self.steps];
        let leave = |leaves: &mut [bool], step: usize| leaves.get_mut(step).into_iter().for_each(|slot| *slot = true);
        for (at, edge) in graph.edges.iter().enumerate() {
            let from = edge.from.0;
            match regions.way(at) {
                Way::Within => self.link(from, edge.to.0),
                Way::Ends => self.link(from, branches.behind_branch_of(from, regions, self.end)),
                Way::Begins => {
                    // A step all of whose edges are followed goes on by them, whatever they ask.
                    leave(&mut leaves, from);
                    let Some((before, behind)) = branches.around(at) else { continue };
                    self.link(before, edge.to.0);
                    if branches.may_miss(workflow, edge) {
                        self.link(before, behind);
                    }
                    continue;
                }
            }
            if let Some(OnMax::To { node, .. }) = edge.max_visits.as_ref().map(|bound| &bound.on_max) {
                self.link(from, node.0);
            }
            if always_leaves(edge) {
                leave(&mut leaves, from);
            }
        }
        for (fan, first, last) in &branches.fans {
            self.link(*fan, *first);
            let join = workflow.steps.get(*fan).and_then(|step| step.fan_out.as_ref()?.join_at);
            match (regions.ends_with(*fan), join) {
                (false, Some(join)) => self.link(*last, join.0),
                (true, _) | (_, None) => self.link(*last, branches.behind_branch_of(*fan, regions, self.end)),
            }
        }
        for (step, leaves) in leaves.into_iter().enumerate() {
            if !leaves {
                self.link(step, branches.behind_branch_of(step, regions, self.end));
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

/// The places before, between and behind the branches of a graph.
struct Branches {
    /// Each step all of whose edges are followed, with the place before its first branch and that behind its last.
    fans: Vec<(usize, usize, usize)>,
    /// For each edge that a branch begins with the place before the branch; the next one is behind it.
    before: HashMap<usize, usize>,
    /// For each step all of whose edges are followed the number of its branches.
    counts: HashMap<usize, usize>,
}

impl Branches {
    fn of(workflow: &Workflow<Linked>, graph: &Graph<Linked>, regions: &Regions, flow: &mut FlowGraph) -> Self {
        let mut out: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, edge) in graph.edges.iter().enumerate() {
            if regions.way(at) == Way::Begins {
                out.entry(edge.from.0).or_default().push(at);
            }
        }
        let mut branches = Self { fans: Vec::new(), before: HashMap::new(), counts: HashMap::new() };
        for (fan, edges) in out {
            if workflow.steps.get(fan).is_none_or(|step| step.fan_out.is_none()) {
                continue;
            }
            let first = flow.step_of.len();
            for (place, edge) in edges.iter().enumerate() {
                branches.before.insert(*edge, first + place);
            }
            let last = first + edges.len();
            flow.step_of.resize(last + 1, None);
            flow.successors.resize(last + 1, Vec::new());
            branches.counts.insert(fan, edges.len());
            branches.fans.push((fan, first, last));
        }
        branches
    }

    /// The places before and behind the branch that an edge begins.
    fn around(&self, edge: usize) -> Option<(usize, usize)> {
        self.before.get(&edge).map(|before| (*before, before + 1))
    }

    /// Where a flow goes on that ends at a step: behind its branch, or at the end of the workflow.
    fn behind_branch_of(&self, step: usize, regions: &Regions, end: usize) -> usize {
        let branch = regions.branch_of(step).and_then(|branch| self.around(branch.edge));
        branch.map_or(end, |(_, behind)| behind)
    }

    /// Whether a branch may not have completed where the branches meet.
    fn may_miss(&self, workflow: &Workflow<Linked>, edge: &Edge<Linked>) -> bool {
        let fan = workflow.steps.get(edge.from.0).and_then(|step| step.fan_out.as_ref());
        let (Some(fan), Some(count)) = (fan, self.counts.get(&edge.from.0)) else {
            return true;
        };
        let join = fan.joining.join;
        !join.is_of_all(*count) || (!holds_always(edge) && !join.is_of_every(*count))
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
