//! From a plan to what there is to see in it.

use std::collections::{BTreeMap, BTreeSet};

use kneo_core::plan::{self, Bound, Fork, NodeIx, OnError, OnMax, Plan, Scope, ScopeIx, ScopeKind, ToolBackingDef};

use super::frames::{Stands, places};
use super::reach::{Flow, Reach};
use super::{Edge, EdgeKind, End, Frame, FrameId, Graph, Label, Node, NodeId, NodeKind, back, words};

pub(super) fn graph(plan: &Plan) -> Graph {
    let graph =
        Graph { name: Label::new(plan.name.as_str()).0, frames: Vec::new(), nodes: Vec::new(), edges: Vec::new() };
    let (frames, nodes, joins) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut build = Build { plan, graph, places: places(plan), frames, nodes, joins, fallbacks: fallbacks(plan) };
    build.frames();
    let all: Vec<(ScopeIx, FrameId)> = build.frames.iter().map(|(scope, frame)| (*scope, *frame)).collect();
    for (scope, frame) in all {
        if let Some(scope) = plan.scope(scope) {
            build.scope(scope, frame);
        }
    }
    for (frame, stands) in build.frames.values().zip(&build.places) {
        let of = match stands {
            Stands::In(node) => build.nodes.get(node).copied(),
            Stands::Apart => None,
        };
        if let Some(frame) = build.graph.frames.get_mut(frame.0) {
            frame.of = of;
        }
    }
    back::mark(&mut build.graph);
    build.graph
}

struct Build<'a> {
    plan: &'a Plan,
    graph: Graph,
    /// Where the frames of the workflows stand, by workflow.
    places: Vec<Stands>,
    frames: BTreeMap<ScopeIx, FrameId>,
    /// Where the flow comes to a step.
    nodes: BTreeMap<NodeIx, NodeId>,
    /// Where the branches of a fork join.
    joins: BTreeMap<NodeIx, NodeId>,
    /// The steps that run in the place of others.
    fallbacks: BTreeSet<NodeIx>,
}

impl Build<'_> {
    /// Frames: that of the root first.
    fn frames(&mut self) {
        let all = (0u32..).zip(&self.plan.scopes).map(|(at, scope)| (ScopeIx::new(at), scope));
        let root = all.clone().filter(|(at, _)| *at == self.plan.root);
        let others = all.filter(|(at, _)| *at != self.plan.root);
        for (at, scope) in root.chain(others) {
            self.frames.insert(at, FrameId(self.graph.frames.len()));
            self.graph.frames.push(Frame {
                scope: at,
                name: if at == self.plan.root { titled(self.plan.name.as_str()) } else { titled(scope.name.as_str()) },
                kind: scope.kind,
                // The root has the name of the plan.
                is_agent: at != self.plan.root && words::is_agent(scope, self.plan),
                of: None,
                notes: scope.max_steps.iter().map(words::steps).collect(),
            });
        }
    }

    fn scope(&mut self, scope: &Scope, frame: FrameId) {
        let start = self.node(mark(frame, NodeKind::Start, "start"));
        let own = scope.first.as_usize()..scope.first.as_usize().saturating_add(scope.len as usize);
        let steps: Vec<(NodeIx, &plan::Node)> =
            (0u32..).map(NodeIx::new).zip(&self.plan.nodes).skip(own.start).take(own.len()).collect();
        for (at, step) in &steps {
            self.step(*at, step, scope, frame);
        }
        let reach = Reach::of(self.plan, scope);
        let ends = Ends { frame, reach };
        if let Some(to) = self.nodes.get(&scope.start) {
            self.edge(start, *to, EdgeKind::Flow, Label::default());
        }
        self.beyond(start, scope.max_steps.as_ref(), "step");
        for (at, step) in &steps {
            self.ways(*at, step, &ends);
        }
    }

    fn step(&mut self, at: NodeIx, step: &plan::Node, scope: &Scope, frame: FrameId) {
        let kind = match &step.kind {
            plan::NodeKind::Agent(_) => NodeKind::Agent,
            plan::NodeKind::Function(_) => NodeKind::Function,
            plan::NodeKind::Human(_) => NodeKind::Human,
            plan::NodeKind::Set(_) => NodeKind::Set,
            plan::NodeKind::Fork(_) => NodeKind::Fork,
            plan::NodeKind::Workflow(inner) => {
                let place = self.places.get(inner.as_usize()).copied();
                let inner = self.frames.get(inner).filter(|_| place == Some(Stands::In(at)));
                NodeKind::Workflow(inner.copied())
            }
        };
        let title = if self.is_named(step, scope) { titled(step.id.as_str()) } else { Label::new("fork") };
        let (what, notes) = (words::what(step, self.plan), words::notes(step, self.plan));
        let node = self.node(Node { frame, kind, step: Some(at), title, what, notes });
        self.nodes.insert(at, node);
        if let plan::NodeKind::Fork(fork) = &step.kind {
            let join = Node { notes: words::join(fork), ..mark(frame, NodeKind::Join, "join") };
            let join = self.node(join);
            self.joins.insert(at, join);
        }
    }

    /// Whether an author gave the step its name: that of a fork may be the compiler's.
    fn is_named(&self, step: &plan::Node, scope: &Scope) -> bool {
        let plan::NodeKind::Fork(fork) = &step.kind else { return true };
        match fork.from.and_then(|from| self.plan.node(from)) {
            Some(from) => step.id.as_str().strip_prefix(from.id.as_str()) != Some(":all"),
            None => scope.kind != ScopeKind::Concurrent || step.id != scope.name,
        }
    }

    /// The ways from a step.
    fn ways(&mut self, at: NodeIx, step: &plan::Node, ends: &Ends) {
        let Some(node) = self.nodes.get(&at).copied() else { return };
        let leaves = self.joins.get(&at).copied().unwrap_or(node);
        if let plan::NodeKind::Fork(fork) = &step.kind {
            self.branches(node, fork);
        }
        let mut goes_on = false;
        for edge in step.out.iter().filter_map(|edge| self.plan.edge(*edge)) {
            let when = edge.when.as_ref().map(|when| Label::new(&words::condition(when, self.plan)));
            let label = when.unwrap_or_default();
            let bound = edge.max_visits.as_ref().map(words::visits).unwrap_or_default();
            if edge.ends {
                self.ends(leaves, at, (&label, &bound), ends);
            } else if let Some(to) = self.nodes.get(&edge.to).copied() {
                self.push(Edge { from: leaves, to: End::Node(to), kind: EdgeKind::Flow, back: false, label, bound });
            }
            self.beyond(leaves, edge.max_visits.as_ref(), "time");
            let passes = edge.max_visits.as_ref().is_some_and(|bound| bound.on_max == OnMax::Continue);
            goes_on |= edge.when.is_none() && !passes;
        }
        if !goes_on {
            let label = if step.out.is_empty() { Label::default() } else { Label::new("otherwise") };
            self.ends(leaves, at, (&label, &Label::default()), ends);
        }
        if let OnError::Fallback(to) = step.policy.on_error
            && let Some(to) = self.nodes.get(&to).copied()
        {
            self.edge(leaves, to, EdgeKind::Fallback, Label::new("if it fails, in its place"));
        }
        self.runs(node, step);
    }

    fn branches(&mut self, node: NodeId, fork: &Fork) {
        for branch in &fork.branches {
            let Some(to) = self.nodes.get(&branch.start).copied() else { continue };
            let first = self.plan.node(branch.start).map(|first| &first.id);
            let name = (first != Some(&branch.name)).then(|| branch.name.to_string());
            let when = branch.when.as_ref().map(|when| words::condition(when, self.plan));
            let parts: Vec<String> = name.into_iter().chain(when).collect();
            self.edge(node, to, EdgeKind::Flow, Label::new(&parts.join(": ")));
        }
    }

    /// The workflows that a step runs and that stand by themselves.
    fn runs(&mut self, node: NodeId, step: &plan::Node) {
        match &step.kind {
            plan::NodeKind::Workflow(scope) => {
                let is_framed =
                    self.graph.node(node).is_some_and(|node| matches!(node.kind, NodeKind::Workflow(Some(_))));
                if !is_framed {
                    self.run(node, *scope, Label::default());
                }
            }
            plan::NodeKind::Agent(agent) => {
                let tools = self.plan.agent(*agent).map_or(&[][..], |agent| &agent.tools);
                for tool in tools.iter().filter_map(|tool| self.plan.tool(*tool)) {
                    if let ToolBackingDef::Workflow(scope) = tool.backing {
                        self.run(node, scope, Label::new(&format!("tool {}", tool.name)));
                    }
                }
            }
            plan::NodeKind::Function(_)
            | plan::NodeKind::Human(_)
            | plan::NodeKind::Set(_)
            | plan::NodeKind::Fork(_) => {}
        }
    }

    fn run(&mut self, from: NodeId, scope: ScopeIx, label: Label) {
        if let Some(frame) = self.frames.get(&scope) {
            let to = End::Frame(*frame);
            self.push(Edge { from, to, kind: EdgeKind::Runs, back: false, label, bound: Label::default() });
        }
    }

    /// The way to where each flow ends that comes to a step.
    fn ends(&mut self, from: NodeId, step: NodeIx, (label, bound): (&Label, &Label), ends: &Ends) {
        let flows: Vec<Flow> = ends.reach.flows(step).collect();
        // What nothing leads to is seen as part of the workflow, unless it runs in the place of another.
        let unreached = flows.is_empty() && !self.fallbacks.contains(&step);
        let flows = flows.into_iter().chain(unreached.then_some(Flow::Scope));
        for flow in flows {
            let to = match flow {
                Flow::Branch(fork) => self.joins.get(&fork).copied(),
                // Every way to the end has a mark of its own: lines from all over lead nowhere else.
                Flow::Scope => Some(self.node(mark(ends.frame, NodeKind::End, "end"))),
            };
            if let Some(to) = to {
                let (label, bound) = (label.clone(), bound.clone());
                self.push(Edge { from, to: End::Node(to), kind: EdgeKind::Flow, back: false, label, bound });
            }
        }
    }

    /// The way that a bound opens.
    fn beyond(&mut self, from: NodeId, bound: Option<&Bound>, unit: &str) {
        if let Some(bound) = bound
            && let OnMax::To { node, .. } = &bound.on_max
            && let Some(to) = self.nodes.get(node).copied()
        {
            self.edge(from, to, EdgeKind::Bound, words::beyond(bound, unit));
        }
    }

    fn node(&mut self, node: Node) -> NodeId {
        self.graph.nodes.push(node);
        NodeId(self.graph.nodes.len().saturating_sub(1))
    }

    fn edge(&mut self, from: NodeId, to: NodeId, kind: EdgeKind, label: Label) {
        self.push(Edge { from, to: End::Node(to), kind, back: false, label, bound: Label::default() });
    }

    fn push(&mut self, edge: Edge) {
        self.graph.edges.push(edge);
    }
}

fn fallbacks(plan: &Plan) -> BTreeSet<NodeIx> {
    let fallbacks = plan.nodes.iter().filter_map(|node| match node.policy.on_error {
        OnError::Fallback(to) => Some(to),
        OnError::Fail | OnError::Continue => None,
    });
    fallbacks.collect()
}

/// Where the flows of a workflow end.
struct Ends {
    frame: FrameId,
    reach: Reach,
}

fn mark(frame: FrameId, kind: NodeKind, title: &str) -> Node {
    Node { frame, kind, step: None, title: Label::new(title), what: Label::default(), notes: Vec::new() }
}

/// A name, or a sign where nothing of it is seen.
fn titled(name: &str) -> Label {
    let label = Label::new(name);
    if label.is_empty() { Label::new("?") } else { label }
}
