//! What is certain of what steps leave behind.

use std::sync::Arc;

use kneo_core::expr::StepField;
use kneo_core::name::Name;
use kneo_core::plan::{Combine, OnTimeout, RequestType};
use kneo_core::value::Value;

use super::behind::Behind;
use super::step::Target;
use crate::document::{Component, Document, Flow, Human, Joining, OnError, Raw, Step, Workflow};
use crate::expr::Type;
use crate::known::{self, Known, Schema};
use crate::source::Spanned;
use crate::syntax::{NodeId, Tree};

/// What is certain of what a step leaves behind.
pub(super) struct StepShape {
    output: OutputShape,
    /// The ways in which a person may decide, where a person does.
    decisions: Option<&'static [&'static str]>,
}

/// What is certain of an output.
enum OutputShape {
    /// Values by name.
    Set(Vec<(Spanned<Name>, NodeId)>),
    /// Outputs of branches by their ids.
    Branches(Arc<[Name]>),
    /// The texts of branches.
    Text,
    /// It fits a JSON Schema.
    Fits(Value),
    Other,
}

/// The shapes of all steps, workflow by workflow.
pub(super) fn shapes(document: &Document<Raw>, targets: &[Vec<Target>], behind: &Behind) -> Vec<Vec<StepShape>> {
    // Made once for each workflow, however many steps run it.
    let branches: Vec<OutputShape> =
        document.workflows.iter().map(|workflow| OutputShape::of_workflow(&workflow.body)).collect();
    let of = |(workflow, targets): (&Component<Workflow<Raw>>, &Vec<Target>)| {
        let steps = workflow.body.steps.iter().zip(targets);
        steps.map(|(step, target)| StepShape::of(step, target, document, behind, &branches)).collect()
    };
    document.workflows.iter().zip(targets).map(of).collect()
}

impl OutputShape {
    fn of_workflow(workflow: &Workflow<Raw>) -> Self {
        match &workflow.flow {
            Flow::Concurrent(Joining { combine: Combine::Map, .. }) if workflow.whole => {
                let branches = workflow.steps.iter().filter(|step| step.fallback_only.is_none());
                Self::Branches(branches.map(|step| step.id.value.clone()).collect())
            }
            Flow::Concurrent(Joining { combine: Combine::Text, .. }) if workflow.whole => Self::Text,
            Flow::Concurrent(_) | Flow::Sequential | Flow::Graph(_) | Flow::Open => Self::Other,
        }
    }

    fn of(step: &Step<Raw>, target: &Target, document: &Document<Raw>, behind: &Behind, workflows: &[Self]) -> Self {
        let checked = step.output.as_ref().map(|schema| Self::Fits(schema.value.clone()));
        if matches!(step.on_error, OnError::Fallback(..) | OnError::Broken) {
            // The output may be another step's, which the schema of this one holds for too.
            return checked.unwrap_or(Self::Other);
        }
        match target {
            Target::Set(values) => Self::Set(values.clone()),
            Target::Workflow(at) => Self::nested(workflows.get(at.get())).or(checked).unwrap_or(Self::Other),
            Target::Agent(at) => {
                let played_by = behind.agents.get(at.get()).and_then(|of| of.played_by);
                if let Some(at) = played_by {
                    return Self::nested(workflows.get(at.get())).or(checked).unwrap_or(Self::Other);
                }
                let of_agent = || document.agents.get(at.get())?.body.output.as_ref();
                checked.or_else(|| Some(Self::Fits(of_agent()?.value.clone()))).unwrap_or(Self::Other)
            }
            Target::Human(_) | Target::Function(_) | Target::Broken => checked.unwrap_or(Self::Other),
        }
    }
}

impl OutputShape {
    /// What is certain of the output of a step that runs a workflow.
    fn nested(workflow: Option<&Self>) -> Option<Self> {
        match workflow? {
            Self::Branches(names) => Some(Self::Branches(Arc::clone(names))),
            Self::Text => Some(Self::Text),
            Self::Set(_) | Self::Fits(_) | Self::Other => None,
        }
    }
}

impl StepShape {
    fn of(
        step: &Step<Raw>,
        target: &Target,
        document: &Document<Raw>,
        behind: &Behind,
        workflows: &[OutputShape],
    ) -> Self {
        let human = match target {
            Target::Human(at) => document.humans.get(at.get()),
            _ => None,
        };
        let decisions = human.map(|human| decisions(&human.body));
        Self { output: OutputShape::of(step, target, document, behind, workflows), decisions }
    }

    pub(super) fn field<'a>(&'a self, field: StepField, tree: &'a Tree) -> Known<'a> {
        match (field, &self.output, self.decisions) {
            (StepField::Output, OutputShape::Set(values), _) => Known::Set(values, tree),
            (StepField::Output, OutputShape::Branches(names), _) => Known::Among(names),
            (StepField::Output, OutputShape::Text, _) => Known::Plain(Type::Text),
            (StepField::Output, OutputShape::Fits(schema), _) => Known::Fits(Schema::new(schema)),
            (StepField::Decision, _, Some(kinds)) => Known::Decision(kinds),
            (field, ..) => known::step_field(field),
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
