//! Rules about agents.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Document, Linked, StepKind};
use crate::link::Layout;

/// An agent that a run can come to has a model.
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
            if agent.body.model.is_none() && !agent.body.model_broken {
                sink.push(
                    Diagnostic::new(
                        Code::AgentNoModel,
                        agent.body.span,
                        format!("the agent {} has no model", tick(agent.name.value.as_str())),
                    )
                    .label(step.id.span, "this step runs it")
                    .help("add `model: {provider: …}`, with the name under which the host registers a provider"),
                );
            }
        }
    }
}
