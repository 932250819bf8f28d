//! What steps refer to.

use kneo_core::name::Name;

use super::names::{By, Kind, Names};
use crate::diagnostic::Diagnostics;
use crate::document::{Agent, Component, Document, Function, Home, Human, Ix, Linked, Raw, RawRef, StepKind, Workflow};
use crate::source::Spanned;
use crate::syntax::NodeId;

/// What a step does, resolved; its expressions are not.
pub(super) enum Target {
    Agent(Ix<Agent<Linked>>),
    Function(Ix<Function<Linked>>),
    Human(Ix<Human<Linked>>),
    Workflow(Ix<Workflow<Linked>>),
    Set(Vec<(Spanned<Name>, NodeId)>),
    Broken,
}

/// Resolves what the steps of a workflow refer to.
///
/// Components that stand in place of a `ref` move to the end of their list, inner workflows too,
/// whose own steps are resolved when their turn comes.
pub(super) fn targets(raw: &mut Document<Raw>, at: usize, names: &Names, sink: &mut Diagnostics) -> Vec<Target> {
    let Some(workflow) = raw.workflows.get_mut(at) else {
        return Vec::new();
    };
    let kinds: Vec<(Spanned<Name>, StepKind<Raw>)> = workflow
        .body
        .steps
        .iter_mut()
        .map(|step| (step.id.clone(), std::mem::replace(&mut step.kind, StepKind::Broken)))
        .collect();
    let mut resolve = |kind, reference: &Spanned<Name>| names.component(kind, By::Step, reference, sink);
    kinds
        .into_iter()
        .map(|(id, kind)| match kind {
            StepKind::Agent(RawRef::Named(name)) => {
                resolve(Kind::Agent, &name).map_or(Target::Broken, |at| Target::Agent(Ix::new(at)))
            }
            StepKind::Agent(RawRef::Inline(body)) => {
                let name = body.name.clone().unwrap_or(id);
                Target::Agent(hoist(&mut raw.agents, name, *body))
            }
            StepKind::Function(RawRef::Named(name)) => {
                resolve(Kind::Function, &name).map_or(Target::Broken, |at| Target::Function(Ix::new(at)))
            }
            StepKind::Function(RawRef::Inline(body)) => Target::Function(hoist(&mut raw.functions, id, *body)),
            StepKind::Human(RawRef::Named(name)) => {
                resolve(Kind::Human, &name).map_or(Target::Broken, |at| Target::Human(Ix::new(at)))
            }
            StepKind::Human(RawRef::Inline(body)) => Target::Human(hoist(&mut raw.humans, id, *body)),
            StepKind::Workflow(RawRef::Named(name)) => {
                resolve(Kind::Workflow, &name).map_or(Target::Broken, |at| Target::Workflow(Ix::new(at)))
            }
            StepKind::Workflow(RawRef::Inline(body)) => {
                let name = body.name.clone().unwrap_or(id);
                Target::Workflow(hoist(&mut raw.workflows, name, *body))
            }
            StepKind::Set(values) => Target::Set(values),
            StepKind::Broken => Target::Broken,
        })
        .collect()
}

fn hoist<A, B>(list: &mut Vec<Component<A>>, name: Spanned<Name>, body: A) -> Ix<B> {
    let at = Ix::new(list.len());
    list.push(Component { home: Home::Inline, name, body });
    at
}
