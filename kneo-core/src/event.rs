//! What happens in a run.
//!
//! An [`Entry`] is what the engine decides and folds; a [`Record`](crate::record::Record) is an entry in the envelope
//! in which it is stored. Everything that was decided is in an entry, so that folding never decides anything again.

use std::sync::Arc;

use crate::digest::Digest;
use crate::failure::Failure;
use crate::id::{TaskId, WorkerId};
use crate::name::Name;
use crate::path::Path;
use crate::payload::Payload;
use crate::plan::{EdgeIx, NodeIx, OnTimeout};
use crate::run::{Attempt, Fence, RunOutcome};
use crate::seal::Seal;
use crate::task::{Decision, Request};
use crate::time::Timestamp;
use crate::usage::Usage;

/// One fact, at a place and a time.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds entries, and everything else is in the event")]
pub struct Entry {
    /// When; never runs backwards within a run.
    pub at: Timestamp,
    /// Where.
    pub path: Path,
    /// What.
    pub event: Event,
}

/// What happened.
///
/// Variants marked *external* come from people and hosts through an external commit; all others are the engine's.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run exists. Path: the root.
    RunStarted(Box<RunStarted>),
    /// A worker holds the run. Path: the root.
    RunClaimed {
        /// The worker.
        worker: WorkerId,
        /// The epoch of its lease.
        fence: Fence,
    },
    /// The run's status or readiness changed. Path: the root.
    RunParked {
        /// The status from now on.
        status: Parked,
        /// When a worker can get on with it; `None` is never by itself.
        ready_at: Option<Timestamp>,
    },
    /// The run is over. Path: the root.
    RunEnded(Box<RunOutcome>),
    /// *External*: somebody wants the run to stop. Path: the root.
    CancelRequested {
        /// Why.
        reason: Arc<str>,
    },

    /// The flow reached a step that has work to do. Path: the step.
    StepEntered {
        /// The edge that was taken; `None` for the first step of a workflow or branch, a jump, and a fallback.
        via: Option<EdgeIx>,
        /// The input that an expression built; `None` hands over what the flow carries.
        input: Option<Payload>,
    },
    /// The flow reached a step whose `when` is false: it is over, and the flow passes on. Path: the step.
    StepSkipped {
        /// The edge that was taken.
        via: Option<EdgeIx>,
    },
    /// The flow reached a `set` step: it is over. Path: the step.
    StepComputed {
        /// The edge that was taken.
        via: Option<EdgeIx>,
        /// The computed values.
        output: Payload,
    },
    /// A step of several effects is over: an agent, a human, a nested workflow, a fork. Path: the step.
    StepCompleted {
        /// The output.
        output: Source,
    },
    /// A step has failed for good. Path: the step.
    StepFailed {
        /// Why.
        failure: Failure,
        /// What happens next.
        then: AfterFailure,
    },
    /// A bound was reached. Path: the step whose edge it is, or the scope.
    BoundReached {
        /// The bound.
        bound: BoundAt,
        /// What happens instead.
        then: AfterBound,
    },

    /// A fork started branches. Path: the fork step.
    ForkTaken {
        /// The branches, by their place in the fork.
        started: Box<[u32]>,
    },
    /// A branch reached its end; its output is what its flow carries. Path: the branch.
    BranchCompleted,
    /// A branch failed. Path: the branch.
    BranchFailed {
        /// Why.
        failure: Failure,
    },
    /// Everything below the path is stopped: nothing there goes on, effects in flight are told. Path: the branch.
    BranchCancelled,

    /// An effect starts once this is durable. Path: the effect.
    EffectIntended {
        /// Which try.
        attempt: Attempt,
        /// What kind.
        kind: EffectKind,
        /// Until when the attempt may run.
        deadline: Option<Timestamp>,
        /// The version of the code that runs, if it gives one.
        version: Option<Arc<str>>,
        /// The idempotency key in the author's words; `None` is the one that run and path give.
        key: Option<Name>,
    },
    /// An effect gave a result. A function's result settles its step.
    EffectSucceeded {
        /// Which try.
        attempt: Attempt,
        /// The result.
        output: Payload,
        /// What it cost.
        usage: Usage,
    },
    /// An attempt failed.
    EffectFailed {
        /// Which try.
        attempt: Attempt,
        /// Why.
        failure: Failure,
        /// What it cost all the same.
        usage: Usage,
        /// When the next attempt starts; `None` is not at all.
        retry_at: Option<Timestamp>,
    },
    /// An effect was in flight when its worker was lost.
    EffectLost {
        /// The try that was in flight.
        attempt: Attempt,
        /// What happens with it.
        then: AfterLoss,
    },
    /// An effect was told to stop, and has.
    EffectCancelled {
        /// Which try.
        attempt: Attempt,
    },
    /// An outcome arrived for a try that is no longer wanted: recorded, without effect.
    LateOutcome {
        /// Which try.
        attempt: Attempt,
        /// The outcome in a few words.
        summary: Arc<str>,
    },
    /// A tool call is answered without running the tool. Path: the call.
    CallRefused {
        /// Why.
        reason: Refusal,
        /// What the model is told.
        message: Arc<str>,
    },

    /// A tool call is handed to a workflow of the plan, which runs below it. Path: the call.
    CallDelegated {
        /// Until when it may run.
        deadline: Option<Timestamp>,
    },
    /// The workflow behind a tool call is over: what its flow carries is the call's result. Path: the call.
    CallReturned,
    /// The workflow behind a tool call failed: the model is told. Path: the call.
    CallFailed {
        /// Why.
        failure: Failure,
    },
    /// A model's answer does not fit the schema that it must: the model is told, and asked again. Path: the turn.
    AnswerRefused {
        /// What does not fit.
        problem: Arc<str>,
    },

    /// A question to people. Path: what waits for the answer.
    TaskOpened(Box<TaskOpened>),
    /// *External*: the first valid decision. Path: what waits for it.
    TaskDecided(Box<TaskDecided>),
    /// *External*: the question goes to others. Path: what waits.
    TaskReassigned {
        /// The task.
        task: TaskId,
        /// Who may decide from now on.
        to: Vec<Name>,
    },
    /// The deadline passed. Path: what waits.
    TaskExpired {
        /// The task.
        task: TaskId,
        /// What stands instead of an answer.
        then: AfterExpiry,
    },
    /// The deadline passed, and the question stays open. Path: what waits.
    TaskEscalated {
        /// The task.
        task: TaskId,
    },
    /// The question no longer matters. Path: what waited.
    TaskWithdrawn {
        /// The task.
        task: TaskId,
    },
}

/// How a run begins.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the runtime builds it whole")]
pub struct RunStarted {
    /// The workflow's name.
    pub workflow: Name,
    /// The plan under which the run runs, and no other.
    pub plan: Digest,
    /// The input.
    pub input: Payload,
    /// The host's labels, sorted by name.
    pub labels: Vec<(Name, Arc<str>)>,
    /// The idempotency key of the start and the digest of what it starts.
    pub idempotency: Option<StartKey>,
    /// The exclusive keys that the run holds until it ends, sorted.
    pub holds: Vec<Hold>,
    /// When the run is `timed_out`.
    pub deadline: Option<Timestamp>,
    /// Who vouches for the plan.
    pub seal: Option<Arc<Seal>>,
}

/// The idempotency key of a start.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a key and what it stands for")]
pub struct StartKey {
    /// The key.
    pub key: Name,
    /// The digest of workflow name, input and options: the plan is not part of it.
    pub digest: Digest,
}

/// A slot that one live run holds at a time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the three columns of the unique index")]
pub struct Hold {
    /// What kind of key it is; keys of different scopes never collide.
    pub scope: Name,
    /// The key.
    pub key: Name,
    /// The slot of a pool; 0 for an exclusive key.
    pub slot: u32,
}

/// The status of a live run in a [`Event::RunParked`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the live half of the run status")]
pub enum Parked {
    /// Waiting for its first worker.
    Queued,
    /// In a worker's hands.
    Running,
    /// Waiting for a person or a timer.
    Blocked,
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum Source {
    /// What the flow carries at that place.
    Flow,
    /// This value.
    Value(Payload),
}

/// What kind of effect it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum EffectKind {
    /// A function call.
    Function,
    /// A turn of a model.
    ModelTurn,
    /// A tool call.
    ToolCall,
    /// A question to a server about the tools that it offers.
    Discovery,
}

impl EffectKind {
    /// The word in records and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            EffectKind::Function => "function",
            EffectKind::ModelTurn => "model_turn",
            EffectKind::ToolCall => "tool_call",
            EffectKind::Discovery => "discovery",
        }
    }
}

/// What follows a step's failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum AfterFailure {
    /// The workflow fails.
    Propagate,
    /// The flow goes on with the step's input.
    Continue,
    /// Another node runs in its place.
    Fallback(NodeIx),
}

/// Which bound was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum BoundAt {
    /// `max_visits` of an edge.
    Edge(EdgeIx),
    /// `max_steps` of a workflow.
    Scope,
}

/// What follows a bound.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum AfterBound {
    /// The workflow fails with kind `limit`.
    Fail,
    /// The edge is passed over, or the workflow ends with its last output.
    Continue,
    /// The flow goes on at a node.
    To {
        /// The node.
        node: NodeIx,
        /// The word that the run carries from now on.
        mark: Option<Arc<str>>,
    },
}

/// What follows the loss of an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum AfterLoss {
    /// It runs again, under the same idempotency key.
    Rerun,
    /// A person decides.
    Ask,
    /// It fails with kind `uncertain`.
    Fail,
    /// It was being cancelled: nothing.
    Nothing,
}

/// Why a tool call is answered without running the tool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// The agent has no such tool.
    UnknownTool,
    /// The arguments are not JSON.
    MalformedArguments,
    /// The arguments do not fit the tool's schema.
    InvalidArguments,
    /// A person said no.
    Rejected,
    /// Nobody answered in time.
    Expired,
}

impl Refusal {
    /// The word in records and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Refusal::UnknownTool => "unknown_tool",
            Refusal::MalformedArguments => "malformed_arguments",
            Refusal::InvalidArguments => "invalid_arguments",
            Refusal::Rejected => "rejected",
            Refusal::Expired => "expired",
        }
    }
}

/// A question to people.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it whole")]
pub struct TaskOpened {
    /// The task.
    pub task: TaskId,
    /// The question.
    pub request: Arc<Request>,
    /// The digest of the question.
    pub digest: Digest,
    /// Who may decide; empty means anybody whom the host lets.
    pub assignees: Vec<Name>,
    /// Until when; `None` is for ever.
    pub deadline: Option<Timestamp>,
    /// What happens at the deadline.
    pub on_timeout: OnTimeout,
}

/// A person's decision; who and when are in the envelope.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the runtime builds it whole")]
pub struct TaskDecided {
    /// The task.
    pub task: TaskId,
    /// The decision.
    pub decision: Decision,
    /// The digest of the question that the person saw.
    pub digest: Digest,
}

/// What stands when nobody answered.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum AfterExpiry {
    /// Nothing: what waited fails with kind `expired`.
    Fail,
    /// This decision, in nobody's name.
    Continue(Decision),
}

impl Event {
    /// Whether the event may come from an external author, and from nobody else.
    #[must_use]
    pub fn is_external(&self) -> bool {
        matches!(self, Event::CancelRequested { .. } | Event::TaskDecided(_) | Event::TaskReassigned { .. })
    }

    /// The kind's word in records, filters and reports.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Event::RunStarted(_) => "run_started",
            Event::RunClaimed { .. } => "run_claimed",
            Event::RunParked { .. } => "run_parked",
            Event::RunEnded(_) => "run_ended",
            Event::CancelRequested { .. } => "cancel_requested",
            Event::StepEntered { .. } => "step_entered",
            Event::StepSkipped { .. } => "step_skipped",
            Event::StepComputed { .. } => "step_computed",
            Event::StepCompleted { .. } => "step_completed",
            Event::StepFailed { .. } => "step_failed",
            Event::BoundReached { .. } => "bound_reached",
            Event::ForkTaken { .. } => "fork_taken",
            Event::BranchCompleted => "branch_completed",
            Event::BranchFailed { .. } => "branch_failed",
            Event::BranchCancelled => "branch_cancelled",
            Event::EffectIntended { .. } => "effect_intended",
            Event::EffectSucceeded { .. } => "effect_succeeded",
            Event::EffectFailed { .. } => "effect_failed",
            Event::EffectLost { .. } => "effect_lost",
            Event::EffectCancelled { .. } => "effect_cancelled",
            Event::LateOutcome { .. } => "late_outcome",
            Event::CallRefused { .. } => "call_refused",
            Event::CallDelegated { .. } => "call_delegated",
            Event::CallReturned => "call_returned",
            Event::CallFailed { .. } => "call_failed",
            Event::AnswerRefused { .. } => "answer_refused",
            Event::TaskOpened(_) => "task_opened",
            Event::TaskDecided(_) => "task_decided",
            Event::TaskReassigned { .. } => "task_reassigned",
            Event::TaskExpired { .. } => "task_expired",
            Event::TaskEscalated { .. } => "task_escalated",
            Event::TaskWithdrawn { .. } => "task_withdrawn",
        }
    }
}
