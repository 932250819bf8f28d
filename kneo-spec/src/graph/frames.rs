//! Where the frame of each workflow stands.

use kneo_core::plan::{NodeIx, NodeKind, Plan, ScopeIx, ToolBackingDef};

/// Where the frame of a workflow stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stands {
    /// In the place of the step that runs it, and that nothing else refers to it beside.
    In(NodeIx),
    /// By itself.
    Apart,
}

/// Where the frames of the workflows stand, by their place in the plan.
pub(super) fn places(plan: &Plan) -> Vec<Stands> {
    let mut users: Vec<Vec<Option<NodeIx>>> = vec![Vec::new(); plan.scopes.len()];
    let mut refer = |scope: ScopeIx, by: Option<NodeIx>| {
        if let Some(users) = users.get_mut(scope.as_usize()) {
            users.push(by);
        }
    };
    refer(plan.root, None);
    for (at, node) in (0u32..).zip(&plan.nodes) {
        if let NodeKind::Workflow(scope) = node.kind {
            refer(scope, Some(NodeIx::new(at)));
        }
    }
    for tool in &plan.tools {
        if let ToolBackingDef::Workflow(scope) = tool.backing {
            refer(scope, None);
        }
    }
    let places = users.iter().map(|users| match users.as_slice() {
        [Some(node)] => Stands::In(*node),
        _ => Stands::Apart,
    });
    let places: Vec<Stands> = places.collect();
    let whole = |(scope, place): (usize, &Stands)| match depth(plan, &places, scope) {
        Some(depth) if depth % DEEPEST != 0 => *place,
        // Workflows that run each other would stand in one another.
        Some(_) | None => Stands::Apart,
    };
    places.iter().enumerate().map(whole).collect()
}

/// In how many frames a frame stands at most: what is deeper stands by itself.
const DEEPEST: usize = 24;

/// In how many others a workflow is, each the only one that runs the next; `None` where they run each other.
fn depth(plan: &Plan, places: &[Stands], scope: usize) -> Option<usize> {
    let mut at = scope;
    for depth in 0..=places.len() {
        match places.get(at)? {
            Stands::In(node) => at = plan.node(*node)?.scope.as_usize(),
            Stands::Apart => return Some(depth),
        }
    }
    None
}
