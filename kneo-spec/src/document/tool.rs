//! Tools, which agents call, and functions, which steps call.

use std::sync::Arc;

use super::{Agent, Backing, Ix, JsonSchema, Linked, Running, Server, Stage, Workflow};
use crate::source::Span;

pub(crate) struct Tool<S: Stage> {
    pub(crate) description: Option<Arc<str>>,
    pub(crate) parameters: Option<JsonSchema>,
    pub(crate) backing: ToolBacking<S>,
    pub(crate) running: Running<S>,
}

/// What runs behind a tool.
pub(crate) enum ToolBacking<S: Stage> {
    Own(Backing<S>),
    /// An agent that is asked.
    Agent(S::Asked),
    /// A tool of an MCP server, by the server's name for it if that is another.
    Mcp {
        server: S::Ref<Server<S>>,
        tool: Option<Arc<str>>,
    },
}

/// An agent behind a tool.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) agent: Ix<Agent<Linked>>,
    /// What runs when it is asked: the workflow that plays it, or one of a single step.
    pub(crate) workflow: Ix<Workflow<Linked>>,
    /// Where the tool names it.
    pub(crate) span: Span,
}

pub(crate) struct Function<S: Stage> {
    pub(crate) backing: Backing<S>,
    pub(crate) running: Running<S>,
}
