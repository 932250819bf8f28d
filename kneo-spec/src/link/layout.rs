//! The order of scopes and nodes in the plan.

use std::collections::HashSet;

use super::behind::Behind;
use super::step::Target;
use crate::document::{Document, Flow, Raw};

/// Which workflows a run can enter, and where their nodes stand in the plan.
///
/// Workflows come in the order in which a walk from the root meets them, and the nodes of one are
/// contiguous, so that a plan depends only on what a run can reach.
pub(crate) struct Layout {
    /// Places of workflows in the document, in plan order; the root first.
    scopes: Vec<usize>,
    /// For each workflow of the document its scope and its first node.
    places: Vec<Option<Place>>,
}

/// Where a workflow stands in the plan.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) scope: u32,
    /// The first node of the scope.
    pub(crate) first: u32,
    /// The nodes before the first step: participants begin with a fork.
    pub(crate) ahead: u32,
    /// The nodes behind the last step: a fork for each node all of whose edges are followed.
    pub(crate) behind: u32,
}

impl Layout {
    pub(super) fn new(raw: &Document<Raw>, targets: &[Vec<Target>], behind: &Behind, root: Option<usize>) -> Self {
        let mut layout = Self { scopes: Vec::new(), places: vec![None; raw.workflows.len()] };
        let mut next = 0u32;
        let mut waiting: Vec<usize> = root.into_iter().collect();
        let mut asked = HashSet::new();
        while let Some(at) = waiting.pop() {
            let (Some(workflow), Some(place)) = (raw.workflows.get(at), layout.places.get_mut(at)) else {
                continue;
            };
            if place.is_some() {
                continue;
            }
            let ahead = u32::from(matches!(workflow.body.flow, Flow::Concurrent(_)));
            let forks = count(workflow.body.steps.iter().filter(|step| step.fan_out.is_some()).count());
            *place = Some(Place { scope: count(layout.scopes.len()), first: next, ahead, behind: forks });
            next = next.saturating_add(ahead).saturating_add(count(workflow.body.steps.len())).saturating_add(forks);
            layout.scopes.push(at);
            let mut inner = Vec::new();
            for target in targets.get(at).into_iter().flatten() {
                match target {
                    Target::Workflow(workflow) => inner.push(workflow.get()),
                    Target::Agent(agent) => {
                        // What runs behind an agent is looked at once.
                        if asked.insert(agent.get()) {
                            inner.extend(behind.workflows(agent.get()));
                        }
                    }
                    Target::Function(_) | Target::Human(_) | Target::Set(_) | Target::Broken => {}
                }
            }
            waiting.extend(inner.into_iter().rev());
        }
        layout
    }

    /// The workflows that a run can enter, as places in the document, in plan order.
    pub(crate) fn scopes(&self) -> &[usize] {
        &self.scopes
    }

    /// Where a workflow stands; `None` when no run enters it.
    pub(crate) fn place(&self, workflow: usize) -> Option<Place> {
        self.places.get(workflow).copied().flatten()
    }

    /// The plan index of a workflow's first step; of one that no run enters, any.
    pub(crate) fn first_step(&self, workflow: usize) -> u32 {
        self.place(workflow).map_or(0, |place| place.first.saturating_add(place.ahead))
    }

    /// The root workflow, as a place in the document.
    pub(crate) fn root(&self) -> Option<usize> {
        self.scopes.first().copied()
    }

    pub(super) fn root_first_step(&self) -> u32 {
        self.root().map_or(0, |root| self.first_step(root))
    }
}

/// A spec has at most a quarter of a million values, so every count fits.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
