//! The branches of a graph: what runs side by side with what.
//!
//! A node all of whose edges are followed opens a region for each of them. A region is entered by its edge alone and left
//! to the node where the branches meet and nowhere else, so that a node lies in one region or in none, and regions nest.

use crate::document::{Graph, Linked, OnMax, StepIx, Workflow};

/// The regions of a graph, as far as they are whole.
pub(crate) struct Regions {
    /// The first is what is outside of all branches.
    regions: Vec<Region>,
    /// For each step its region; `None` where no edge leads.
    of: Vec<Option<usize>>,
    /// For each edge how it stands to the branches.
    edges: Vec<Way>,
    /// For each step whether its branches meet where the branch that it is in ends.
    fans_end: Vec<bool>,
    problems: Vec<Problem>,
}

/// A branch.
#[derive(Clone, Copy)]
pub(crate) struct Region {
    parent: usize,
    depth: usize,
    /// The step all of whose edges are followed, and the edge that this branch begins with; of what is outside, any.
    pub(crate) fan: usize,
    pub(crate) edge: usize,
    /// Where the branches meet.
    pub(crate) join: usize,
    /// Whether an edge leads there.
    exits: bool,
}

/// How an edge stands to the branches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It stays where it is.
    Within,
    /// A branch begins with it.
    Begins,
    /// A branch ends with it.
    Ends,
}

/// What led to a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// The workflow starts there.
    Start,
    /// An edge, by its place in the graph.
    Edge(usize),
    /// The way out of an edge's bound.
    OnMax(usize),
    /// It is where the branches of this step meet.
    Join(usize),
}

/// What keeps branches from being whole.
#[derive(Clone, Copy)]
pub(crate) enum Problem {
    /// A node lies in two regions; the ways by which it was found to.
    Shared { step: usize, regions: [usize; 2], ways: [Via; 2] },
    /// An edge leads straight to where the branches meet.
    Empty { edge: usize },
    /// The way out of an edge's bound leads to where the branches meet.
    OnMaxToJoin { edge: usize },
    /// A branch has a node that leads nowhere.
    Ends { step: usize, region: usize },
    /// No way leads from a branch to where it should.
    NeverMeets { region: usize },
    /// Branches that meet where they begin.
    JoinsItself { step: usize },
    /// All of no edges are followed.
    NoEdges { step: usize },
    /// Branches in branches in branches.
    TooDeep { step: usize },
}

/// How deep branches nest. Far beyond what anybody follows.
pub(crate) const MOST_NESTED: usize = 16;

const OUTSIDE: usize = 0;

impl Regions {
    /// Finds the branches of a workflow; of one that is no graph, or whose nodes each follow one edge, there are none.
    pub(crate) fn of(workflow: &Workflow<Linked>, graph: &Graph<Linked>) -> Self {
        let steps = workflow.steps.len();
        let outside = Region { parent: OUTSIDE, depth: 0, fan: 0, edge: 0, join: usize::MAX, exits: true };
        let regions = Self {
            regions: vec![outside],
            of: vec![None; steps],
            edges: vec![Way::Within; graph.edges.len()],
            fans_end: vec![false; steps],
            problems: Vec::new(),
        };
        if workflow.steps.iter().all(|step| step.fan_out.is_none()) {
            return Self { of: vec![Some(OUTSIDE); steps], ..regions };
        }
        let mut out: Vec<Vec<usize>> = vec![Vec::new(); steps];
        for (at, edge) in graph.edges.iter().enumerate() {
            if let Some(out) = out.get_mut(edge.from.0) {
                out.push(at);
            }
        }
        let mut walk =
            Walk { workflow, graph, out, found: regions, first: vec![Via::Start; steps], waiting: Vec::new() };
        if let Some(StepIx(start)) = graph.start {
            walk.arrive(OUTSIDE, start, Via::Start);
        }
        // The nearest first, so that what lies outside is known before what runs into it.
        let mut next = 0;
        while let Some(step) = walk.waiting.get(next).copied() {
            next += 1;
            walk.leave(step);
        }
        walk.finish()
    }

    /// What is wrong with them.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(crate) fn get(&self, region: usize) -> Option<&Region> {
        self.regions.get(region)
    }

    /// The innermost branch that a step is in.
    pub(crate) fn branch_of(&self, step: usize) -> Option<&Region> {
        let region = self.of.get(step).copied().flatten().filter(|region| *region != OUTSIDE)?;
        self.regions.get(region)
    }

    /// How an edge stands to the branches.
    pub(crate) fn way(&self, edge: usize) -> Way {
        self.edges.get(edge).copied().unwrap_or(Way::Within)
    }

    /// Whether the branches of a step meet where the branch that the step is in ends.
    pub(crate) fn ends_with(&self, fan: usize) -> bool {
        self.fans_end.get(fan) == Some(&true)
    }

    /// Whether a step that runs where another does runs side by side with a third.
    pub(crate) fn are_apart(&self, step: usize, other: usize) -> bool {
        match (self.of.get(step).copied().flatten(), self.of.get(other).copied().flatten()) {
            (Some(a), Some(b)) => self.parting(a, b).is_some_and(|(a, b)| self.same_fan(a, b)),
            _ => false,
        }
    }

    /// Of two regions, those that lie side by side and hold them; `None` where one lies in the other.
    fn parting(&self, mut a: usize, mut b: usize) -> Option<(usize, usize)> {
        let depth = |at: usize| self.regions.get(at).map_or(0, |region| region.depth);
        let parent = |at: usize| self.regions.get(at).map_or(OUTSIDE, |region| region.parent);
        while depth(a) > depth(b) {
            a = parent(a);
        }
        while depth(b) > depth(a) {
            b = parent(b);
        }
        if a == b {
            return None;
        }
        while parent(a) != parent(b) {
            (a, b) = (parent(a), parent(b));
        }
        Some((a, b))
    }

    fn same_fan(&self, a: usize, b: usize) -> bool {
        match (self.regions.get(a), self.regions.get(b)) {
            (Some(a), Some(b)) => a.fan == b.fan,
            _ => false,
        }
    }

    /// Of two regions that a node lies in, two branches of one step, or else one branch that the node is also outside of.
    pub(crate) fn conflict(&self, a: usize, b: usize) -> (usize, Option<usize>) {
        match self.parting(a, b) {
            Some((a, b)) if self.same_fan(a, b) => (a, Some(b)),
            Some((a, _)) => (a, None),
            None => {
                // The one that lies just below the other.
                let depth = |at: usize| self.regions.get(at).map_or(0, |region| region.depth);
                let parent = |at: usize| self.regions.get(at).map_or(OUTSIDE, |region| region.parent);
                let (mut inner, outer) = if depth(a) > depth(b) { (a, b) } else { (b, a) };
                while depth(inner) > depth(outer).saturating_add(1) {
                    inner = parent(inner);
                }
                (inner, None)
            }
        }
    }
}

struct Walk<'a> {
    workflow: &'a Workflow<Linked>,
    graph: &'a Graph<Linked>,
    /// For each step its edges, in order.
    out: Vec<Vec<usize>>,
    found: Regions,
    /// For each step what led to it first.
    first: Vec<Via>,
    waiting: Vec<usize>,
}

impl Walk<'_> {
    /// Comes to a step in a region.
    fn arrive(&mut self, region: usize, step: usize, via: Via) {
        let (Some(of), Some(first)) = (self.found.of.get_mut(step), self.first.get_mut(step)) else {
            return;
        };
        match *of {
            None => {
                (*of, *first) = (Some(region), via);
                self.waiting.push(step);
            }
            Some(known) if known == region => {}
            Some(known) => {
                let ways = [*first, via];
                self.found.problems.push(Problem::Shared { step, regions: [known, region], ways });
            }
        }
    }

    /// Goes on from a step that was come to.
    fn leave(&mut self, step: usize) {
        let Some(region) = self.found.of.get(step).copied().flatten() else {
            return;
        };
        let out = self.out.get_mut(step).map(std::mem::take).unwrap_or_default();
        let fan = self.workflow.steps.get(step).and_then(|step| step.fan_out.as_ref());
        if let Some(join) = fan.and_then(|fan| fan.join_at) {
            self.fan_out(region, step, join.0, &out);
            return;
        }
        if out.is_empty() && region != OUTSIDE {
            self.found.problems.push(Problem::Ends { step, region });
            self.exit(region);
        }
        for at in out {
            let Some(edge) = self.graph.edges.get(at) else { continue };
            if self.is_join(region, edge.to.0) {
                self.exit(region);
                self.stands(at, Way::Ends);
            } else {
                self.arrive(region, edge.to.0, Via::Edge(at));
            }
            if let Some(OnMax::To { node, .. }) = edge.max_visits.as_ref().map(|bound| &bound.on_max) {
                if self.is_join(region, node.0) {
                    self.exit(region);
                    self.found.problems.push(Problem::OnMaxToJoin { edge: at });
                } else {
                    self.arrive(region, node.0, Via::OnMax(at));
                }
            }
        }
    }

    fn fan_out(&mut self, region: usize, step: usize, join: usize, out: &[usize]) {
        let depth = self.found.get(region).map_or(0, |region| region.depth).saturating_add(1);
        if join == step {
            self.found.problems.push(Problem::JoinsItself { step });
            return;
        }
        if depth > MOST_NESTED {
            self.found.problems.push(Problem::TooDeep { step });
            return;
        }
        if out.is_empty() {
            self.found.problems.push(Problem::NoEdges { step });
        }
        if self.is_join(region, join) {
            self.exit(region);
            if let Some(ends) = self.found.fans_end.get_mut(step) {
                *ends = true;
            }
        } else {
            self.arrive(region, join, Via::Join(step));
        }
        for at in out {
            let Some(edge) = self.graph.edges.get(*at) else { continue };
            self.stands(*at, Way::Begins);
            if edge.to.0 == join {
                self.found.problems.push(Problem::Empty { edge: *at });
                continue;
            }
            let branch = self.found.regions.len();
            self.found.regions.push(Region { parent: region, depth, fan: step, edge: *at, join, exits: false });
            self.arrive(branch, edge.to.0, Via::Edge(*at));
        }
    }

    fn is_join(&self, region: usize, step: usize) -> bool {
        region != OUTSIDE && self.found.get(region).is_some_and(|region| region.join == step)
    }

    fn exit(&mut self, region: usize) {
        if let Some(region) = self.found.regions.get_mut(region) {
            region.exits = true;
        }
    }

    fn stands(&mut self, edge: usize, way: Way) {
        if let Some(slot) = self.found.edges.get_mut(edge) {
            *slot = way;
        }
    }

    fn finish(mut self) -> Regions {
        // A branch that shares a node with another goes no further, and what it lacks was not looked for.
        if self.found.problems.is_empty() {
            let never = self.found.regions.iter().enumerate().filter(|(_, region)| !region.exits);
            let never: Vec<Problem> = never.map(|(region, _)| Problem::NeverMeets { region }).collect();
            self.found.problems = never;
        }
        self.found
    }
}
