//! What is certain of what steps leave behind.

use std::sync::Arc;

use kneo_core::expr::StepField;
use kneo_core::name::Name;
use kneo_core::plan::{Combine, OnTimeout, RequestType};

use super::step::Target;
use crate::document::{Concurrent, Document, Flow, Human, Raw, Workflow};
use crate::expr::Type;
use crate::known::{self, Known};
use crate::source::Spanned;
use crate::syntax::{NodeId, Tree};

/// What a step is, as far as it shapes what expressions read of it.
pub(super) enum StepShape {
    /// A person decides, in one of these ways.
    Human(&'static [&'static str]),
    /// Values by name.
    Set(Vec<(Spanned<Name>, NodeId)>),
    /// Outputs of branches by their ids.
    Branches(Arc<[Name]>),
    /// The texts of branches.
    Text,
    Other,
}

/// The shapes of all steps, workflow by workflow.
pub(super) fn shapes(document: &Document<Raw>, targets: &[Vec<Target>]) -> Vec<Vec<StepShape>> {
    // Made once for each workflow, however many steps run it.
    let branches: Vec<StepShape> =
        document.workflows.iter().map(|workflow| StepShape::of_workflow(&workflow.body)).collect();
    targets
        .iter()
        .map(|targets| targets.iter().map(|target| StepShape::of(target, document, &branches)).collect())
        .collect()
}

impl StepShape {
    fn of_workflow(workflow: &Workflow<Raw>) -> Self {
        match &workflow.flow {
            Flow::Concurrent(Concurrent { combine: Combine::Map, .. }) if workflow.whole => {
                Self::Branches(workflow.steps.iter().map(|step| step.id.value.clone()).collect())
            }
            Flow::Concurrent(Concurrent { combine: Combine::Text, .. }) if workflow.whole => Self::Text,
            Flow::Concurrent(_) | Flow::Sequential | Flow::Graph(_) | Flow::Open => Self::Other,
        }
    }

    fn of(target: &Target, document: &Document<Raw>, workflows: &[Self]) -> Self {
        match target {
            Target::Human(at) => {
                document.humans.get(at.get()).map_or(Self::Other, |human| Self::Human(decisions(&human.body)))
            }
            Target::Set(values) => Self::Set(values.clone()),
            Target::Workflow(at) => match workflows.get(at.get()) {
                Some(Self::Branches(names)) => Self::Branches(Arc::clone(names)),
                Some(Self::Text) => Self::Text,
                Some(Self::Human(_) | Self::Set(_) | Self::Other) | None => Self::Other,
            },
            Target::Agent(_) | Target::Function(_) | Target::Broken => Self::Other,
        }
    }

    pub(super) fn field<'a>(&'a self, field: StepField, tree: &'a Tree) -> Known<'a> {
        match (field, self) {
            (StepField::Output, Self::Set(values)) => Known::Set(values, tree),
            (StepField::Output, Self::Branches(names)) => Known::Among(names),
            (StepField::Output, Self::Text) => Known::Plain(Type::Text),
            (StepField::Decision, Self::Human(kinds)) => Known::Decision(kinds),
            (field, _) => known::step_field(field),
        }
    }
}

/// The decisions that a person may come to, or that stand when nobody answers.
fn decisions(human: &Human<Raw>) -> &'static [&'static str] {
    let approves = human.on_timeout.is_some_and(|word| word.value == OnTimeout::Continue);
    match (human.request(), approves) {
        (RequestType::Approval, _) => &["approved", "rejected"],
        (RequestType::Review, _) => &["approved", "rejected", "edited"],
        (RequestType::Correction, _) => &["edited", "approved"],
        (RequestType::Selection, false) => &["selected"],
        (RequestType::Selection, true) => &["selected", "approved"],
        (RequestType::Freeform, false) => &["provided"],
        (RequestType::Freeform, true) => &["provided", "approved"],
    }
}
