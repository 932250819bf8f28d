//! Rules about MCP servers.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Document, Linked, ToolBacking};

/// Which of a server's tools an agent gets, and under which names, is said to agents that have the server as a whole.
/// Tools that are declared one by one have names of their own.
///
/// Asked of a document that is otherwise valid: an agent that could not be read may have the server.
pub(super) fn wholes(document: &Document<Linked>, sink: &mut Diagnostics) {
    let wholes: BTreeSet<usize> =
        document.agents.iter().flat_map(|agent| &agent.body.servers).map(|server| server.get()).collect();
    let declared: BTreeSet<usize> = document
        .tools
        .iter()
        .filter_map(|tool| match &tool.body.backing {
            ToolBacking::Mcp { server, .. } => Some(server.get()),
            ToolBacking::Own(_) | ToolBacking::Agent(_) => None,
        })
        .collect();
    // One that nothing uses at all is reported as that.
    for at in declared.difference(&wholes) {
        let Some(server) = document.servers.get(*at) else { continue };
        let name = server.name.value.as_str();
        for field in &server.body.tools.of_whole {
            sink.push(
                Diagnostic::new(
                    Code::FieldNotAllowed,
                    field.span,
                    format!("{} has no effect: no agent has the tools of {} as a whole", tick(field.value), tick(name)),
                )
                .help(format!("remove it, or write `tools: [{name}]` in an agent; tools under `tools` name theirs")),
            );
        }
    }
}
