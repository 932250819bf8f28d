use std::collections::BTreeSet;
use std::fmt;

use super::{BackingDef, Plan, ToolBackingDef};
use crate::name::Name;

/// Something that a host must have to run a plan.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Requirement {
    /// A model provider, registered under a name.
    Provider(Name),
    /// A tool, registered under a name.
    Tool(Name),
    /// A function, registered under a name.
    Function(Name),
    /// A backing that can start programs.
    Command,
    /// A connector to MCP servers.
    Mcp,
    /// A secret, which the host's source knows by this name.
    Secret(Name),
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requirement::Provider(name) => write!(f, "provider `{name}`"),
            Requirement::Tool(name) => write!(f, "tool `{name}`"),
            Requirement::Function(name) => write!(f, "function `{name}`"),
            Requirement::Command => f.write_str("the command backing"),
            Requirement::Mcp => f.write_str("the MCP connector"),
            Requirement::Secret(name) => write!(f, "secret `{name}`"),
        }
    }
}

pub(super) fn of(plan: &Plan) -> Vec<Requirement> {
    let providers = plan.agents.iter().map(|agent| Requirement::Provider(agent.model.provider.clone()));
    let tools = plan.tools.iter().filter_map(|tool| match &tool.backing {
        ToolBackingDef::Implementation(name) => Some(Requirement::Tool(name.clone())),
        ToolBackingDef::Command(_) => Some(Requirement::Command),
        ToolBackingDef::Mcp { .. } => Some(Requirement::Mcp),
        ToolBackingDef::Workflow(_) => None,
    });
    let functions = plan.functions.iter().map(|function| match &function.backing {
        BackingDef::Implementation(name) => Requirement::Function(name.clone()),
        BackingDef::Command(_) => Requirement::Command,
    });
    let servers = plan.servers.iter().map(|_| Requirement::Mcp);
    let secrets = plan.secrets().map(Requirement::Secret);
    let all: BTreeSet<Requirement> = providers.chain(tools).chain(servers).chain(functions).chain(secrets).collect();
    all.into_iter().collect()
}
