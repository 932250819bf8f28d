//! Rules about agents.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Document, Linked, StepKind};
use crate::link::Layout;

/// A step is not tried again whose agent a workflow plays: the steps of the workflow say what is.
pub(super) fn played(document: &Document<Linked>, sink: &mut Diagnostics) {
    for step in document.workflows.iter().flat_map(|workflow| &workflow.body.steps) {
        let (StepKind::Agent(agent), Some(retry)) = (&step.kind, &step.retry) else {
            continue;
        };
        let Some(agent) = document.agents.get(agent.get()).filter(|agent| agent.body.as_agent.is_some()) else {
            continue;
        };
        sink.push(
            Diagnostic::new(
                Code::FieldNotAllowed,
                retry.span,
                format!("this has no effect: a workflow plays the agent {}", tick(agent.name.value.as_str())),
            )
            .label(agent.name.span, "with `as_agent`")
            .help("remove it; write it on the steps of the workflow"),
        );
    }
}

/// An agent that a run can come to has a model, or a workflow that plays it.
pub(super) fn models(document: &Document<Linked>, layout: &Layout, sink: &mut Diagnostics) {
    for scope in layout.scopes() {
        let Some(workflow) = document.workflows.get(*scope) else {
            continue;
        };
        for step in &workflow.body.steps {
            let StepKind::Agent(agent) = step.kind else {
                continue;
            };
            let Some(agent) = document.agents.get(agent.get()) else {
                continue;
            };
            let played = agent.body.as_agent.is_some();
            if agent.body.model.is_none() && !agent.body.model_broken && !played {
                sink.push(
                    Diagnostic::new(
                        Code::AgentNoModel,
                        agent.body.span,
                        format!("the agent {} has no model", tick(agent.name.value.as_str())),
                    )
                    .label(step.id.span, "it runs here")
                    .help("add `model: {provider: …}`, with the name under which the host registers a provider"),
                );
            }
        }
    }
}
