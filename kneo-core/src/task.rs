//! Human tasks: questions to people, and their decisions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::digest::Digest;
use crate::id::TaskId;
use crate::message::Role;
use crate::name::Name;
use crate::path::Path;
use crate::payload::Payload;
use crate::plan::{OnTimeout, RequestType};
use crate::run::RunKey;
use crate::time::Timestamp;
use crate::value::Value;

/// What a person is asked. A decision names the digest of the request that the person saw.
///
/// Its serialized form is what the digest names, what records of version 1 hold and what stores keep: it stays as it is,
/// and a new field stands in it only where it says something.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Request {
    /// Why somebody is asked.
    pub cause: TaskCause,
    /// The question in words.
    pub description: Arc<str>,
    /// What the question is about: the step's input, the tool's arguments, or the input of the lost effect.
    pub subject: Value,
    /// What the person sees beside it.
    #[serde(default)]
    pub context: Value,
    /// The decisions that fit.
    pub actions: Vec<DecisionKind>,
    /// What a selection chooses from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Arc<str>>,
    /// The option that stands when nobody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_option: Option<Arc<str>>,
    /// The role of the answer in a conversation that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_role: Option<Role>,
}

/// Why somebody is asked. Serialized it is a part of the stored form of [`Request`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TaskCause {
    /// A human step.
    Step(RequestType),
    /// A tool or function may run only if somebody agrees.
    Approval {
        /// The tool or function.
        of: Name,
    },
    /// A write was in flight at a crash: somebody must say whether it happened.
    Uncertain {
        /// The tool or function.
        of: Name,
    },
}

impl Request {
    /// A request for some decisions.
    pub fn new(
        cause: TaskCause,
        description: impl Into<Arc<str>>,
        subject: Value,
        actions: Vec<DecisionKind>,
    ) -> Request {
        Request {
            cause,
            description: description.into(),
            subject,
            context: Value::Null,
            actions,
            options: Vec::new(),
            default_option: None,
            response_role: None,
        }
    }

    /// The digest of the request in its canonical form.
    ///
    /// # Errors
    /// The reason why there is no canonical form.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        serde_json_canonicalizer::to_vec(self).map(|bytes| Digest::of(&bytes))
    }
}

/// What a person decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DecisionKind {
    /// Yes.
    #[serde(rename = "approved")]
    Approve,
    /// No.
    #[serde(rename = "rejected")]
    Reject,
    /// Yes, in this better form.
    #[serde(rename = "edited")]
    Edit,
    /// This option.
    #[serde(rename = "selected")]
    Select,
    /// This value.
    #[serde(rename = "provided")]
    Provide,
    /// Run it again.
    #[serde(rename = "retried")]
    Retry,
    /// Yes, and for every later call of the same tool in this run.
    #[serde(rename = "approved_for_run")]
    ApproveForRun,
}

impl DecisionKind {
    /// The word in records, expressions (`steps.<id>.decision.kind`) and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DecisionKind::Approve => "approved",
            DecisionKind::Reject => "rejected",
            DecisionKind::Edit => "edited",
            DecisionKind::Select => "selected",
            DecisionKind::Provide => "provided",
            DecisionKind::Retry => "retried",
            DecisionKind::ApproveForRun => "approved_for_run",
        }
    }
}

impl fmt::Display for DecisionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a decision: it is one of approved, rejected, edited, selected, provided, retried, approved_for_run"
)]
pub struct ParseDecisionKindError(String);

impl FromStr for DecisionKind {
    type Err = ParseDecisionKindError;

    fn from_str(text: &str) -> Result<DecisionKind, ParseDecisionKindError> {
        use DecisionKind::{Approve, ApproveForRun, Edit, Provide, Reject, Retry, Select};
        let all = [Approve, Reject, Edit, Select, Provide, Retry, ApproveForRun];
        let found = all.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| ParseDecisionKindError(text.to_owned()))
    }
}

/// A person's decision.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "each decision carries exactly what it needs")]
pub enum Decision {
    /// Yes, perhaps with a remark.
    Approve {
        /// The remark.
        comment: Option<Arc<str>>,
    },
    /// No, perhaps with the reason.
    Reject {
        /// The reason.
        reason: Option<Arc<str>>,
    },
    /// Yes, in this better form.
    Edit {
        /// The better form.
        content: Payload,
    },
    /// This option.
    Select {
        /// The option.
        option: Arc<str>,
    },
    /// This value: an answer, or the result of a lost effect.
    Provide {
        /// The value.
        content: Payload,
    },
    /// Run the lost effect again.
    Retry,
    /// Yes, and nobody is asked about any other call of the same tool in this run, be it open already or still to come.
    ApproveForRun {
        /// The remark.
        comment: Option<Arc<str>>,
    },
}

impl Decision {
    /// Yes.
    #[must_use]
    pub fn approve() -> Decision {
        Decision::Approve { comment: None }
    }

    /// No.
    #[must_use]
    pub fn reject() -> Decision {
        Decision::Reject { reason: None }
    }

    /// No, for a reason.
    pub fn reject_because(reason: impl Into<Arc<str>>) -> Decision {
        Decision::Reject { reason: Some(reason.into()) }
    }

    /// This option.
    pub fn select(option: impl Into<Arc<str>>) -> Decision {
        Decision::Select { option: option.into() }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> DecisionKind {
        match self {
            Decision::Approve { .. } => DecisionKind::Approve,
            Decision::Reject { .. } => DecisionKind::Reject,
            Decision::Edit { .. } => DecisionKind::Edit,
            Decision::Select { .. } => DecisionKind::Select,
            Decision::Provide { .. } => DecisionKind::Provide,
            Decision::Retry => DecisionKind::Retry,
            Decision::ApproveForRun { .. } => DecisionKind::ApproveForRun,
        }
    }

    /// The text or value that comes with the decision.
    #[must_use]
    pub fn content(&self) -> Value {
        match self {
            Decision::Approve { comment: Some(text) }
            | Decision::ApproveForRun { comment: Some(text) }
            | Decision::Reject { reason: Some(text) }
            | Decision::Select { option: text } => Value::Str(Arc::clone(text)),
            Decision::Edit { content } | Decision::Provide { content } => content.value().clone(),
            Decision::Approve { comment: None }
            | Decision::ApproveForRun { comment: None }
            | Decision::Reject { reason: None }
            | Decision::Retry => Value::Null,
        }
    }
}

/// A human task as stores list it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct TaskRow {
    /// The run.
    pub run: RunKey,
    /// The task.
    pub task: TaskId,
    /// The place in the run that waits.
    pub path: Path,
    /// The question.
    pub request: Arc<Request>,
    /// The digest of the question.
    pub digest: Digest,
    /// Who may decide; empty means anybody whom the host lets.
    pub assignees: Vec<Name>,
    /// When it was asked.
    pub opened_at: Timestamp,
    /// Until when it may be decided; `None` is for ever.
    pub deadline: Option<Timestamp>,
    /// What happens at the deadline.
    pub on_timeout: OnTimeout,
    /// When the deadline passed and the task stayed open.
    pub escalated_at: Option<Timestamp>,
    /// Where it stands.
    pub state: TaskState,
}

impl TaskRow {
    /// A row for a task that has just been opened.
    #[must_use]
    pub fn open(run: RunKey, path: Path, opened_at: Timestamp, opened: &crate::event::TaskOpened) -> TaskRow {
        TaskRow {
            run,
            task: opened.task,
            path,
            request: Arc::clone(&opened.request),
            digest: opened.digest,
            assignees: opened.assignees.clone(),
            opened_at,
            deadline: opened.deadline,
            on_timeout: opened.on_timeout,
            escalated_at: None,
            state: TaskState::Open,
        }
    }
}

/// Where a human task stands.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum TaskState {
    /// It waits for a decision.
    Open,
    /// Somebody decided.
    Decided(DecisionView),
    /// Nobody decided in time.
    Expired,
    /// The run no longer needs it.
    Withdrawn,
}

impl TaskState {
    /// The word in columns and reports.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            TaskState::Open => "open",
            TaskState::Decided(_) => "decided",
            TaskState::Expired => "expired",
            TaskState::Withdrawn => "withdrawn",
        }
    }
}

/// Who decided what, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DecisionView {
    /// Who.
    pub by: Actor,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// What.
    pub kind: DecisionKind,
}

impl DecisionView {
    /// Who decided what, and when.
    #[must_use]
    pub fn new(by: Actor, at: Timestamp, kind: DecisionKind) -> DecisionView {
        DecisionView { by, at, kind }
    }
}
