//! What belongs to which branch: where the flow ends when no edge holds.

use std::collections::{BTreeMap, BTreeSet};

use kneo_core::plan::{NodeIx, NodeKind, OnMax, Plan, Scope};

/// What a flow belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Flow {
    /// The workflow.
    Scope,
    /// A branch of a fork.
    Branch(NodeIx),
}

/// Which flows reach each node of a workflow.
#[derive(Default)]
pub(super) struct Reach(BTreeMap<NodeIx, BTreeSet<Flow>>);

impl Reach {
    pub(super) fn of(plan: &Plan, scope: &Scope) -> Reach {
        let mut reach = Reach::default();
        let mut open = vec![(scope.start, Flow::Scope)];
        if let Some(OnMax::To { node, .. }) = scope.max_steps.as_ref().map(|bound| &bound.on_max) {
            open.push((*node, Flow::Scope));
        }
        while let Some((at, flow)) = open.pop() {
            let Some(node) = plan.node(at) else { continue };
            if !reach.0.entry(at).or_default().insert(flow) {
                continue;
            }
            if let NodeKind::Fork(fork) = &node.kind {
                open.extend(fork.branches.iter().map(|branch| (branch.start, Flow::Branch(at))));
            }
            for edge in node.out.iter().filter_map(|edge| plan.edge(*edge)) {
                if !edge.ends {
                    open.push((edge.to, flow));
                }
                if let Some(OnMax::To { node, .. }) = edge.max_visits.as_ref().map(|bound| &bound.on_max) {
                    open.push((*node, flow));
                }
            }
        }
        reach
    }

    /// The flows that reach a node; none for what runs only in the place of another.
    pub(super) fn flows(&self, node: NodeIx) -> impl Iterator<Item = Flow> {
        self.0.get(&node).into_iter().flatten().copied()
    }
}
