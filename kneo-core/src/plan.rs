//! The plan: the immutable form of a workflow that a runtime executes.
//!
//! A plan holds indices instead of names, no text positions and nothing that a check has already settled. It travels
//! with its runs: a store keeps its canonical bytes under their digest, and a worker needs nothing else to resume.

mod compiled;
mod graph;
mod index;
mod part;
mod requirement;
mod server;

pub use compiled::{CompiledPlan, DecodePlanError, Origin, Origins, PlanError};
pub use graph::{
    Bound, Branch, Combine, Condition, Edge, Fork, JoinRule, Node, NodeKind, OnBranchError, OnError, OnMax, Rest,
    Retry, Scope, ScopeKind, StepPolicy, StepStatus,
};
pub use index::{AgentIx, EdgeIx, FunctionIx, HumanIx, NodeIx, SchemaIx, ScopeIx, ServerIx, ToolIx};
pub use part::{
    AgentDef, Approval, BackingDef, CommandDef, Effect, FunctionDef, HumanDef, ModelDef, OnTimeout, OnUncertain,
    RequestType, Stdin, Strategy, ToolBackingDef, ToolDef,
};
pub use requirement::Requirement;
pub use server::{HttpDef, McpServerDef, ServerTools, Setting, StdioDef, TlsDef, Transport};

use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::expr::ValueTemplate;
use crate::name::Name;
use crate::path::{Path, Segment};
use crate::value::Value;

/// The version of the plan format that this crate writes.
pub const PLAN_VERSION: u16 = 1;

/// A workflow in executable form.
///
/// [`CompiledPlan::new`] checks that every index leads somewhere and gives the plan its digest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The format's version: [`PLAN_VERSION`].
    pub plan_version: u16,
    /// The workflow's name.
    pub name: Name,
    /// The outermost workflow.
    pub root: ScopeIx,
    /// Every workflow.
    pub scopes: Vec<Scope>,
    /// Every node; the nodes of a scope are contiguous.
    pub nodes: Vec<Node>,
    /// Every edge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
    /// Every agent that a node refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentDef>,
    /// Every tool that an agent refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolDef>,
    /// Every MCP server that an agent or a tool refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<McpServerDef>,
    /// Every function that a node refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<FunctionDef>,
    /// Every human that a node refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub humans: Vec<HumanDef>,
    /// Every JSON Schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<Value>,
    /// The schema of the run's input; `None` takes anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<SchemaIx>,
    /// The run's outputs; `None` gives the last step's output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<OutputDef>>,
    /// Bounds on the whole run.
    #[serde(default, skip_serializing_if = "Limits::is_default")]
    pub limits: Limits,
}

/// One named output of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputDef {
    /// The name.
    pub name: Name,
    /// The value, computed when the run completes.
    pub value: ValueTemplate,
    /// What the value must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaIx>,
}

/// Bounds on a whole run. How deep workflows nest is a bound too, settled when the plan is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most steps; beyond it the run fails with kind `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u64>,
    /// The longest running time in milliseconds, pauses left out; beyond it the run is `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// The longest calendar time in milliseconds; beyond it the run is `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

impl Limits {
    fn is_default(&self) -> bool {
        *self == Limits::default()
    }
}

impl Plan {
    /// A node.
    #[must_use]
    pub fn node(&self, at: NodeIx) -> Option<&Node> {
        self.nodes.get(at.as_usize())
    }

    /// An edge.
    #[must_use]
    pub fn edge(&self, at: EdgeIx) -> Option<&Edge> {
        self.edges.get(at.as_usize())
    }

    /// A workflow.
    #[must_use]
    pub fn scope(&self, at: ScopeIx) -> Option<&Scope> {
        self.scopes.get(at.as_usize())
    }

    /// An agent.
    #[must_use]
    pub fn agent(&self, at: AgentIx) -> Option<&AgentDef> {
        self.agents.get(at.as_usize())
    }

    /// A tool.
    #[must_use]
    pub fn tool(&self, at: ToolIx) -> Option<&ToolDef> {
        self.tools.get(at.as_usize())
    }

    /// An MCP server.
    #[must_use]
    pub fn server(&self, at: ServerIx) -> Option<&McpServerDef> {
        self.servers.get(at.as_usize())
    }

    /// A function.
    #[must_use]
    pub fn function(&self, at: FunctionIx) -> Option<&FunctionDef> {
        self.functions.get(at.as_usize())
    }

    /// A human.
    #[must_use]
    pub fn human(&self, at: HumanIx) -> Option<&HumanDef> {
        self.humans.get(at.as_usize())
    }

    /// A schema.
    #[must_use]
    pub fn schema(&self, at: SchemaIx) -> Option<&Value> {
        self.schemas.get(at.as_usize())
    }

    /// A path in words: `draft#1/turn 2/call 0` instead of `3#1/t2/c0`.
    #[must_use]
    pub fn describe(&self, path: &Path) -> String {
        let mut text = String::new();
        for segment in path.segments() {
            if !text.is_empty() {
                text.push('/');
            }
            // Writing to a `String` cannot fail.
            let _ = match segment {
                Segment::Node { node, visit } => {
                    let id = self.node(*node).map_or("?", |node| node.id.as_str());
                    write!(text, "{id}#{visit}")
                }
                Segment::Branch(at) => write!(text, "branch {at}"),
                Segment::Item(at) => write!(text, "item {at}"),
                Segment::Turn(turn) => write!(text, "turn {turn}"),
                Segment::Call(at) => write!(text, "call {at}"),
                Segment::Server(at) => {
                    write!(text, "server {}", self.server(*at).map_or("?", |server| server.name.as_str()))
                }
            };
        }
        text
    }

    /// What a host must have to run the plan, each once, in a fixed order.
    #[must_use]
    pub fn requirements(&self) -> Vec<Requirement> {
        requirement::of(self)
    }

    /// The secrets that providers and servers are given by reference.
    pub fn secrets(&self) -> impl Iterator<Item = Name> {
        let models = self.agents.iter().flat_map(|agent| agent.model.secrets());
        models.chain(self.servers.iter().flat_map(McpServerDef::secrets))
    }

    /// The plan with its digest; the positions of its nodes may be added with [`CompiledPlan::with_origins`].
    ///
    /// # Errors
    /// An index that leads nowhere, or a value that has no canonical form.
    pub fn compile(self) -> Result<Arc<CompiledPlan>, PlanError> {
        CompiledPlan::new(self).map(Arc::new)
    }
}
