//! What a plan says of places in a run.

use kneo_core::plan::{AgentDef, FunctionDef, McpServerDef, Node, NodeKind, Plan, RequestType};
use kneo_core::task::TaskCause;
use kneo_core::{Path, Segment};

/// The node of the step at a path, or of the step that a turn, a call or a server there belongs to.
pub(crate) fn node<'a>(plan: &'a Plan, path: &Path) -> Option<&'a Node> {
    let steps = path.segments().iter().rev().find_map(|segment| match segment {
        Segment::Node { node, .. } => Some(*node),
        _ => None,
    });
    plan.node(steps?)
}

/// The agent of the step at a path, or of its turn or call.
pub(crate) fn agent<'a>(plan: &'a Plan, path: &Path) -> Option<&'a AgentDef> {
    match &node(plan, path)?.kind {
        NodeKind::Agent(at) => plan.agent(*at),
        _ => None,
    }
}

/// The function of the step at a path.
pub(crate) fn function<'a>(plan: &'a Plan, path: &Path) -> Option<&'a FunctionDef> {
    match &node(plan, path)?.kind {
        NodeKind::Function(at) => plan.function(*at),
        _ => None,
    }
}

/// The server at a path.
pub(crate) fn server<'a>(plan: &'a Plan, path: &Path) -> Option<&'a McpServerDef> {
    match path.last()? {
        Segment::Server(at) => plan.server(at),
        _ => None,
    }
}

/// The word for what a node does.
pub(crate) const fn kind(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Agent(_) => "agent",
        NodeKind::Function(_) => "function",
        NodeKind::Human(_) => "human",
        NodeKind::Workflow(_) => "workflow",
        NodeKind::Set(_) => "set",
        NodeKind::Fork(_) => "fork",
    }
}

/// The word for why somebody is asked.
pub(crate) const fn cause(cause: &TaskCause) -> &'static str {
    match cause {
        TaskCause::Step(_) => "step",
        TaskCause::Approval { .. } => "approval",
        TaskCause::Uncertain { .. } => "uncertain",
        _ => crate::attribute::OTHER,
    }
}

/// The word for the kind of answer that a person is asked for.
pub(crate) const fn request(request: RequestType) -> &'static str {
    match request {
        RequestType::Approval => "approval",
        RequestType::Review => "review",
        RequestType::Correction => "correction",
        RequestType::Selection => "selection",
        RequestType::Freeform => "freeform",
    }
}
