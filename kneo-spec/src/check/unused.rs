//! What is declared is used.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Component, Document, Home, Ix, Linked, StepKind, ToolBacking};

/// Which components something refers to.
struct Used(Vec<bool>);

impl Used {
    fn none<T>(components: &[Component<T>]) -> Self {
        Self(vec![false; components.len()])
    }

    fn mark<T>(&mut self, at: Ix<T>) {
        if let Some(used) = self.0.get_mut(at.get()) {
            *used = true;
        }
    }

    fn report<T>(&self, word: &str, components: &[Component<T>], sink: &mut Diagnostics) {
        let unused = components.iter().zip(&self.0).filter(|(component, used)| component.home == Home::Map && !**used);
        for (component, _) in unused {
            let name = component.name.value.as_str();
            sink.push(
                Diagnostic::new(
                    Code::UnusedComponent,
                    component.name.span,
                    format!("nothing uses the {word} {}", tick(name)),
                )
                .help(match word {
                    "MCP server" => {
                        format!(
                            "write `tools: [{name}]` in an agent, or `mcp: {{server: {name}}}` in a tool, or remove it"
                        )
                    }
                    "tool" => format!("write `tools: [{name}]` in an agent, or remove it"),
                    "agent" => format!(
                        "write `kind: agent` and `ref: {name}` in a step, or `agent: {name}` in a tool, or remove it"
                    ),
                    _ => format!("write `kind: {word}` and `ref: {name}` in a step, or remove it"),
                }),
            );
        }
    }
}

/// Every component is referred to by a step, a tool or an agent, and every tool and server by an agent.
///
/// Asked of a document that is otherwise valid: behind a name that is misspelt stands a component that is used.
pub(super) fn components(document: &Document<Linked>, sink: &mut Diagnostics) {
    let mut agents = Used::none(&document.agents);
    let mut functions = Used::none(&document.functions);
    let mut humans = Used::none(&document.humans);
    let mut workflows = Used::none(&document.workflows);
    let mut tools = Used::none(&document.tools);
    let mut servers = Used::none(&document.servers);
    for step in document.workflows.iter().flat_map(|workflow| &workflow.body.steps) {
        match &step.kind {
            StepKind::Agent(at) => agents.mark(*at),
            StepKind::Function(at) => functions.mark(*at),
            StepKind::Human(at) => humans.mark(*at),
            StepKind::Workflow(at) => workflows.mark(*at),
            StepKind::Set(_) | StepKind::Broken => {}
        }
    }
    for agent in &document.agents {
        agent.body.tools.iter().for_each(|tool| tools.mark(*tool));
        agent.body.servers.iter().for_each(|server| servers.mark(*server));
        agent.body.as_agent.iter().for_each(|workflow| workflows.mark(*workflow));
    }
    for tool in &document.tools {
        match &tool.body.backing {
            ToolBacking::Agent(asked) => agents.mark(asked.agent),
            ToolBacking::Mcp { server, .. } => servers.mark(*server),
            ToolBacking::Own(_) => {}
        }
    }
    agents.report("agent", &document.agents, sink);
    functions.report("function", &document.functions, sink);
    humans.report("human", &document.humans, sink);
    workflows.report("workflow", &document.workflows, sink);
    tools.report("tool", &document.tools, sink);
    servers.report("MCP server", &document.servers, sink);
}
