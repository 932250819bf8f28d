//! Workflows: scopes, nodes and edges.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;

use kneo_core::name::Name;
use kneo_core::plan::{
    Bound as PlanBound, Branch, Condition as PlanCondition, Edge as PlanEdge, EdgeIx, Fork, Node, NodeIx, NodeKind,
    OnError as PlanOnError, OnMax as PlanOnMax, Scope, ScopeIx, ScopeKind, StepPolicy,
};

use super::{Emitter, index_of, node_at};
use crate::document::{
    Bound, Component, Condition, Edge, Flow, Graph, Ix, Joining, Linked, OnError, OnMax, Step, StepIx, StepKind,
    Workflow,
};
use crate::link::Place;
use crate::region::{Regions, Way};
use crate::source::Span;

impl Emitter<'_> {
    /// Writes one workflow; the scopes come in plan order.
    pub(super) fn scope(&mut self, at: usize) {
        let (Some(workflow), Some(place)) = (self.document.workflows.get(at), self.layout.place(at)) else {
            return;
        };
        let body = &workflow.body;
        let first = place.first.saturating_add(place.ahead);
        let start = match &body.flow {
            // INVARIANT: the type of a valid workflow is known.
            Flow::Concurrent(_) | Flow::Open => NodeIx::new(place.first),
            // INVARIANT: in a valid list a step runs at its own place.
            Flow::Sequential => node_at(first, in_place(&body.steps).map(|(at, _)| at).next().unwrap_or(0)),
            // INVARIANT: the start of a valid graph is resolved.
            Flow::Graph(graph) => graph.start.map_or(NodeIx::new(first), |start| node_at(first, start.0)),
        };
        if let Flow::Concurrent(joining) = body.flow {
            self.participants(workflow, place, joining);
        }
        for step in &body.steps {
            self.step(step, place, first);
        }
        let mut max_steps = None;
        match &body.flow {
            Flow::Sequential => self.chain(first, &body.steps),
            Flow::Concurrent(_) | Flow::Open => {}
            Flow::Graph(graph) => {
                self.edges(workflow, graph, place, first);
                max_steps = graph.max_steps.as_ref().map(|max| bound(max, first));
            }
        }
        self.plan.scopes.push(Scope {
            name: workflow_name(workflow),
            kind: match body.flow {
                Flow::Sequential | Flow::Open => ScopeKind::Sequential,
                Flow::Concurrent(_) => ScopeKind::Concurrent,
                Flow::Graph(_) => ScopeKind::Graph,
            },
            start,
            first: NodeIx::new(place.first),
            len: place.ahead.saturating_add(index_of(body.steps.len())).saturating_add(place.behind),
            max_steps,
        });
    }

    fn participants(&mut self, workflow: &Component<Workflow<Linked>>, place: Place, joining: Joining) {
        let first = place.first.saturating_add(place.ahead);
        let branches = in_place(&workflow.body.steps)
            .map(|(at, step)| Branch { name: step.id.value.clone(), start: node_at(first, at), when: None })
            .collect();
        let id = ForkNames::of(workflow).free(workflow_name(workflow));
        self.fork(id, workflow.body.span, place, fork(branches, None, joining));
    }

    fn fork(&mut self, id: Name, span: Span, place: Place, fork: Fork) {
        self.origins.push(span);
        self.plan.nodes.push(Node {
            id,
            scope: ScopeIx::new(place.scope),
            when: None,
            input: None,
            output: None,
            idempotency_key: None,
            policy: StepPolicy::default(),
            kind: NodeKind::Fork(fork),
            out: Vec::new(),
        });
    }

    fn step(&mut self, step: &Step<Linked>, place: Place, first: u32) {
        let on_step = step.timeout_ms.map(|timeout| timeout.value);
        let (kind, timeout_ms) = match &step.kind {
            StepKind::Agent(at) => {
                let played_by = self.document.agents.get(at.get()).and_then(|agent| agent.body.as_agent);
                let kind = match played_by {
                    Some(workflow) => self.scope_of(workflow).map(NodeKind::Workflow),
                    None => self.agent(*at).map(NodeKind::Agent),
                };
                (kind, on_step)
            }
            StepKind::Function(at) => (self.function(*at).map(NodeKind::Function), on_step),
            // The deadline of a question is the human's.
            StepKind::Human(at) => (self.human(*at, on_step).map(NodeKind::Human), None),
            StepKind::Workflow(at) => (self.scope_of(*at).map(NodeKind::Workflow), on_step),
            StepKind::Set(values) => {
                let values = values.iter().map(|(name, value)| (name.value.clone(), value.code.clone()));
                (Some(NodeKind::Set(values.collect())), None)
            }
            StepKind::Broken => (None, None),
        };
        let output = step.output.as_ref().map(|schema| self.schema(schema));
        self.origins.push(step.span);
        self.plan.nodes.push(Node {
            id: step.id.value.clone(),
            scope: ScopeIx::new(place.scope),
            when: step.when.as_ref().map(|when| when.value.code.clone()),
            input: step.input.as_ref().map(|input| input.code.clone()),
            output,
            idempotency_key: step.idempotency_key.as_ref().map(|key| key.value.code.clone()),
            policy: StepPolicy {
                on_error: match step.on_error {
                    // INVARIANT: in a valid document nothing is broken.
                    OnError::Fail | OnError::Broken => PlanOnError::Fail,
                    OnError::Continue => PlanOnError::Continue,
                    OnError::Fallback(to, _) => PlanOnError::Fallback(node_at(first, to.0)),
                },
                retry: step.retry.as_ref().map(|retry| retry.value.clone()).unwrap_or_default(),
                timeout_ms,
            },
            // INVARIANT: in a valid document no step is broken, and everything it refers to is there.
            kind: kind.unwrap_or_else(|| NodeKind::Set(Vec::new())),
            out: Vec::new(),
        });
    }

    pub(super) fn scope_of(&self, workflow: Ix<Workflow<Linked>>) -> Option<ScopeIx> {
        self.layout.place(workflow.get()).map(|place| ScopeIx::new(place.scope))
    }

    /// Steps in order: each leads to the next.
    fn chain(&mut self, first: u32, steps: &[Step<Linked>]) {
        let mut before = None;
        for (at, _) in in_place(steps) {
            if let Some(before) = before.replace(at) {
                let (from, to) = (node_at(first, before), node_at(first, at));
                self.edge(PlanEdge { from, to, when: None, max_visits: None, ends: false });
            }
        }
    }

    fn edges(&mut self, workflow: &Component<Workflow<Linked>>, graph: &Graph<Linked>, place: Place, first: u32) {
        let regions = Regions::of(&workflow.body, graph);
        let mut branches: BTreeMap<usize, Vec<Branch>> = BTreeMap::new();
        for (at, edge) in graph.edges.iter().enumerate() {
            let from = workflow.body.steps.get(edge.from.0);
            if from.is_some_and(|step| step.fan_out.is_some()) {
                let to = workflow.body.steps.get(edge.to.0).map(|step| step.id.value.clone());
                let branch = to.map(|name| Branch { name, start: node_at(first, edge.to.0), when: condition(edge) });
                branches.entry(edge.from.0).or_default().extend(branch);
                continue;
            }
            self.edge(PlanEdge {
                from: node_at(first, edge.from.0),
                to: node_at(first, edge.to.0),
                when: condition(edge),
                max_visits: edge.max_visits.as_ref().map(|max| bound(max, first)),
                ends: regions.way(at) == Way::Ends,
            });
        }
        let mut names = ForkNames::of(workflow);
        for (at, step) in workflow.body.steps.iter().enumerate() {
            // INVARIANT: in a valid document it is known where branches meet.
            if let Some(fan) = &step.fan_out
                && let Some(StepIx(join)) = fan.join_at
            {
                let from = node_at(first, at);
                let node = NodeIx::new(index_of(self.plan.nodes.len()));
                let id = Name::new(format!("{}:all", step.id.value)).unwrap_or_else(|_| step.id.value.clone());
                let id = names.free(id);
                let plan = fork(branches.remove(&at).unwrap_or_default(), Some(from), fan.joining);
                self.fork(id, fan.span, place, plan);
                self.edge(PlanEdge { from, to: node, when: None, max_visits: None, ends: false });
                let to = node_at(first, join);
                self.edge(PlanEdge { from: node, to, when: None, max_visits: None, ends: regions.ends_with(at) });
            }
        }
    }

    fn edge(&mut self, edge: PlanEdge) {
        let index = EdgeIx::new(index_of(self.plan.edges.len()));
        if let Some(from) = self.plan.nodes.get_mut(edge.from.as_usize()) {
            from.out.push(index);
        }
        self.plan.edges.push(edge);
    }
}

/// The steps that run at their own place, each with its place in the list.
fn in_place(steps: &[Step<Linked>]) -> impl Iterator<Item = (usize, &Step<Linked>)> {
    steps.iter().enumerate().filter(|(_, step)| step.fallback_only.is_none())
}

/// The workflow's own name, or what it is referred to by.
fn workflow_name(workflow: &Component<Workflow<Linked>>) -> Name {
    let own = workflow.body.name.as_ref();
    own.unwrap_or(&workflow.name).value.clone()
}

/// Names for forks that no step of the workflow has, nor another fork.
struct ForkNames<'a> {
    steps: HashSet<&'a Name>,
    given: HashSet<Name>,
    next: usize,
}

impl<'a> ForkNames<'a> {
    fn of(workflow: &'a Component<Workflow<Linked>>) -> Self {
        let steps = workflow.body.steps.iter().map(|step| &step.id.value).collect();
        Self { steps, given: HashSet::new(), next: 0 }
    }

    /// The name that is wanted, or else a numbered one.
    fn free(&mut self, wanted: Name) -> Name {
        let mut name = wanted.clone();
        while self.steps.contains(&name) || self.given.contains(&name) {
            let Ok(other) = Name::new(format!("fork {}", self.next)) else { return wanted };
            self.next += 1;
            name = other;
        }
        self.given.insert(name.clone());
        name
    }
}

fn fork(branches: Vec<Branch>, from: Option<NodeIx>, joining: Joining) -> Fork {
    let Joining { join, rest, on_branch_error, combine } = joining;
    Fork { branches, from, join: join.rule(), rest, on_branch_error, combine }
}

fn condition(edge: &Edge<Linked>) -> Option<PlanCondition> {
    edge.when.as_ref().and_then(|when| match when {
        Condition::Expr(when) => Some(PlanCondition::Expr(when.value.code.clone())),
        Condition::OutputContains(text) => Some(PlanCondition::OutputContains(text.clone())),
        Condition::StatusIs(status) => Some(PlanCondition::StatusIs(*status)),
        // INVARIANT: in a valid document no condition is broken.
        Condition::Broken => None,
    })
}

fn bound(bound: &Bound<Linked>, first: u32) -> PlanBound {
    PlanBound {
        max: NonZeroU32::new(bound.max.value).unwrap_or(NonZeroU32::MIN),
        on_max: match &bound.on_max {
            // INVARIANT: in a valid document no bound is broken.
            OnMax::Fail | OnMax::Broken => PlanOnMax::Fail,
            OnMax::Continue => PlanOnMax::Continue,
            OnMax::To { node, mark } => PlanOnMax::To { node: node_at(first, node.0), mark: mark.clone() },
        },
    }
}
