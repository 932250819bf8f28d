//! Scopes, nodes and edges.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::index::{AgentIx, EdgeIx, FunctionIx, HumanIx, NodeIx, SchemaIx, ScopeIx};
use crate::expr::{Expr, TextTemplate, ValueTemplate};
use crate::failure::FailureKind;
use crate::name::Name;

/// One workflow: a graph with a start. A nested workflow is a scope of its own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The workflow's name.
    pub name: Name,
    /// What the author wrote; decides how an unhandled rejection ends, nothing else.
    pub kind: ScopeKind,
    /// Where a run of the scope starts.
    pub start: NodeIx,
    /// The first node of the scope; its nodes are contiguous in the plan.
    pub first: NodeIx,
    /// The number of nodes.
    pub len: u32,
    /// How many steps one run of the scope may enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<Bound>,
}

/// The author's word for a workflow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum ScopeKind {
    /// Steps in order.
    Sequential,
    /// Participants side by side.
    Concurrent,
    /// Nodes and edges.
    Graph,
}

/// A unit of work in a workflow.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The author's name, unique in its scope.
    pub id: Name,
    /// The workflow that it belongs to.
    pub scope: ScopeIx,
    /// Whether the step runs; `None` is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// The step's input; `None` is what the flow hands over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<ValueTemplate>,
    /// The JSON Schema of the step's output; one that does not fit fails the step with kind `invalid_output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<SchemaIx>,
    /// A key in the author's words for what the step does: recorded with its function call, and given to the callee
    /// in the place of the key that is derived from run and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<TextTemplate>,
    /// What happens on failure, and how long an attempt may take.
    #[serde(default, skip_serializing_if = "StepPolicy::is_default")]
    pub policy: StepPolicy,
    /// What the step does.
    pub kind: NodeKind,
    /// The edges that leave the node, in the order in which they are tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub out: Vec<EdgeIx>,
}

/// What a node does.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum NodeKind {
    /// Asks an agent.
    Agent(AgentIx),
    /// Calls a function.
    Function(FunctionIx),
    /// Asks a person.
    Human(HumanIx),
    /// Runs a nested workflow.
    Workflow(ScopeIx),
    /// Computes values; the output is the map of them.
    Set(Vec<(Name, ValueTemplate)>),
    /// Starts branches side by side and waits for them.
    Fork(Fork),
}

/// Branches that run side by side.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// The branches, in the author's order; at least one.
    pub branches: Vec<Branch>,
    /// The step whose edges the branches are: their conditions are judged on it. `None` for participants, which have
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeIx>,
    /// When the fork is done.
    pub join: JoinRule,
    /// What becomes of branches that are still running then.
    pub rest: Rest,
    /// What a failed branch does to the others.
    pub on_branch_error: OnBranchError,
    /// How the branches' outputs become one.
    pub combine: Combine,
}

/// One branch of a [`Fork`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// The branch's name: its key in the combined output.
    pub name: Name,
    /// Its first node. The branch ends where a node has no edge to follow, or an edge that [`Edge::ends`].
    pub start: NodeIx,
    /// When it is started; `None` is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}

/// When a [`Fork`] is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum JoinRule {
    /// When every branch has completed.
    All,
    /// When one has completed.
    Any,
    /// When so many have completed.
    AtLeast(NonZeroU32),
}

/// What becomes of branches that still run when a [`Fork`] is done or fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum Rest {
    /// They are cancelled, and their human tasks withdrawn.
    Cancel,
    /// They finish, and the fork waits for them.
    Drain,
}

/// What a failed branch does to its siblings, once its failure means that the fork cannot be done.
///
/// With [`JoinRule::All`] that is any failure; otherwise one that leaves too few branches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum OnBranchError {
    /// The others are cancelled at once and the fork fails.
    FailFast,
    /// The others finish, then the fork fails.
    Drain,
}

/// How the outputs of branches become one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum Combine {
    /// One text: a paragraph `name: output` per branch, in the author's order.
    Text,
    /// A map from branch name to output, in the author's order.
    Map,
}

/// A link from a node to the next.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Where it starts.
    pub from: NodeIx,
    /// Where it leads.
    pub to: NodeIx,
    /// When it holds; `None` is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// How often one run of the scope may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_visits: Option<Bound>,
    /// Whether taking it ends the branch: it leads to where the branches of a fork join.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends: bool,
}

/// When an [`Edge`] holds, judged on the step it leaves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum Condition {
    /// The expression is `true`.
    Expr(Expr),
    /// The text of the output contains this text.
    OutputContains(Arc<str>),
    /// The step's status is this one.
    StatusIs(StepStatus),
}

/// How a step ended, as `steps.<id>.status` says it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum StepStatus {
    /// It has an output.
    Completed,
    /// It failed, and the flow went on.
    Failed,
    /// Its `when` was false.
    Skipped,
}

impl StepStatus {
    /// The word in specs and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            StepStatus::Completed => "completed",
            StepStatus::Failed => "failed",
            StepStatus::Skipped => "skipped",
        }
    }
}

/// A bound on repetition, and what happens at it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The greatest count.
    pub max: NonZeroU32,
    /// What happens instead of going beyond it.
    #[serde(default)]
    pub on_max: OnMax,
}

/// What happens at a [`Bound`].
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum OnMax {
    /// The workflow fails with kind `limit`.
    #[default]
    Fail,
    /// An edge is passed over for the next one that holds; a workflow ends with its last output.
    Continue,
    /// The flow goes on at a node.
    To {
        /// The node.
        node: NodeIx,
        /// A word that the run's record and view carry from then on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mark: Option<Arc<str>>,
    },
}

/// What happens when a step fails, and how long an attempt may take.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepPolicy {
    /// What happens when attempts are used up.
    #[serde(default)]
    pub on_error: OnError,
    /// When there is another attempt.
    #[serde(default)]
    pub retry: Retry,
    /// The longest time of one attempt, in milliseconds. Of a human step: see [`super::HumanDef`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl StepPolicy {
    fn is_default(&self) -> bool {
        *self == StepPolicy::default()
    }

    /// The longest time of one attempt.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout_ms.map(Duration::from_millis)
    }
}

/// What happens when a step has failed for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum OnError {
    /// Its workflow fails.
    #[default]
    Fail,
    /// The flow goes on with the step's input; the step's status is `failed`.
    Continue,
    /// Another node of the same workflow runs in its place.
    Fallback(NodeIx),
}

/// When a failed attempt is followed by another.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How many attempts there are at most.
    pub max_attempts: NonZeroU32,
    /// The wait before the second attempt, in milliseconds.
    pub initial_ms: u64,
    /// By what the wait grows with each attempt; at least 1.
    pub factor: f64,
    /// The longest wait, in milliseconds.
    pub max_ms: u64,
    /// Whether the wait is drawn between zero and its full length.
    pub jitter: bool,
    /// The kinds that are tried again; empty means every retryable failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<FailureKind>,
}

/// One attempt; if more are asked for: 1 s, doubling, at most 60 s, with full jitter.
impl Default for Retry {
    fn default() -> Retry {
        Retry {
            max_attempts: NonZeroU32::MIN,
            initial_ms: 1_000,
            factor: 2.0,
            max_ms: 60_000,
            jitter: true,
            on: Vec::new(),
        }
    }
}
