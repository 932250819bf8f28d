//! How the host API fails: one error for building, one for binding, one for everything else.

use std::fmt;
use std::sync::Arc;

use kneo_core::call::CallError;
use kneo_core::name::NameError;
use kneo_core::plan::{DecodePlanError, Requirement};
use kneo_core::schema::SchemaError;
use kneo_core::seal::SealError;
use kneo_core::secret::SecretError;
use kneo_core::store::{CommitError, StoreError};
use kneo_core::task::{DecisionKind, DecisionView, TaskState};
use kneo_core::{Actor, Digest, Name, Path, RunId, RunStatus, TaskId, Timestamp, WorkerId};

/// `Debug` is what a program prints whose `main` gives an error back: the code and the text, for whoever reads it.
macro_rules! debug_is_text {
    ($($error:ty),+) => {
        $(impl fmt::Debug for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}: {self}", self.code())
            }
        })+
    };
}

debug_is_text!(BuildError, BindError, RuntimeError);

/// Why a runtime cannot be built.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No store was given.
    #[error("a runtime needs a store: call `store` on the builder")]
    StoreMissing,
    /// A text is not a name.
    #[error("`{text}` cannot name a {what}: {error}")]
    Name {
        /// What it should name.
        what: &'static str,
        /// The text.
        text: String,
        /// Why not.
        error: NameError,
    },
    /// A name was registered twice.
    #[error("the {what} `{name}` is registered twice: give one of them another name")]
    Twice {
        /// What was registered.
        what: &'static str,
        /// The name.
        name: Name,
    },
    /// A number is out of its range.
    #[error("`{option}` cannot be {value}: {help}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        help: &'static str,
    },
    /// There is no async runtime to run on.
    #[error("there is no async runtime here: build inside one of tokio's, with its timer enabled")]
    NoAsyncRuntime,
}

impl BuildError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            BuildError::StoreMissing => "store_missing",
            BuildError::Name { .. } => "name_invalid",
            BuildError::Twice { .. } => "registered_twice",
            BuildError::Option { .. } => "option_invalid",
            BuildError::NoAsyncRuntime => "async_runtime_missing",
        }
    }
}

/// Everything that keeps a host from running a plan. Its code is `requirements_missing`.
#[derive(Clone)]
#[non_exhaustive]
pub struct BindError {
    /// The workflow.
    pub workflow: Name,
    /// What is not registered.
    pub missing: Vec<Requirement>,
    /// Commands and servers that the host refuses, with the name of the tool, function or server.
    pub refused: Vec<(Name, CallError)>,
    /// A schema of a tool, or of the plan if there is no name, that cannot be used.
    pub schema: Option<(Option<Name>, SchemaError)>,
}

impl BindError {
    pub(crate) fn schema(workflow: Name, tool: Option<Name>, error: SchemaError) -> BindError {
        BindError { workflow, missing: Vec::new(), refused: Vec::new(), schema: Some((tool, error)) }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "requirements_missing"
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this host cannot run `{}`: ", self.workflow)?;
        let missing = self.missing.iter().map(|missing| match missing {
            Requirement::Secret(_) => format!("{missing} cannot be had without a secret source"),
            other => format!("{other} is not registered"),
        });
        let refused = self.refused.iter().map(|(name, error)| format!("`{name}` cannot be used here: {error}"));
        let schema = self.schema.iter().map(|(name, error)| match name {
            Some(name) => format!("the schema of tool `{name}` cannot be used: {error}"),
            None => format!("a schema of the plan cannot be used: {error}"),
        });
        let all: Vec<String> = missing.chain(refused).chain(schema).collect();
        f.write_str(&all.join("; "))
    }
}

impl std::error::Error for BindError {}

/// What a host asks a run to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Ask for its end.
    Cancel,
    /// Get it on.
    Resume,
    /// Decide one of its tasks.
    Decide,
    /// Give one of its tasks to others.
    Reassign,
    /// Look at it.
    View,
}

impl Action {
    /// The word in messages and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Cancel => "cancel",
            Action::Resume => "resume",
            Action::Decide => "decide",
            Action::Reassign => "reassign",
            Action::View => "view",
        }
    }

    /// What fits a run of a status.
    #[must_use]
    pub const fn allowed(status: RunStatus) -> &'static [Action] {
        match status {
            RunStatus::Queued | RunStatus::Running | RunStatus::Blocked => {
                &[Action::View, Action::Cancel, Action::Resume, Action::Decide, Action::Reassign]
            }
            RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled
            | RunStatus::TimedOut
            | RunStatus::Expired => &[Action::View],
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where something went wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Place {
    /// The run.
    pub run: RunId,
    /// The place in the run; the root if it is the run as a whole.
    pub path: Path,
}

impl Place {
    pub(crate) fn run(run: RunId) -> Place {
        Place { run, path: Path::root() }
    }
}

/// Why the runtime did not do what the host asked.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The input does not fit the workflow's inputs.
    #[error("the input does not fit the inputs of `{workflow}`: {problems}")]
    InputInvalid {
        /// The workflow.
        workflow: Name,
        /// What does not fit, with its place in the input.
        problems: String,
    },
    /// The input is too large.
    #[error("the input is too large: {message}")]
    PayloadTooLarge {
        /// How large it is, and may be.
        message: String,
    },
    /// A text that should be a name is none.
    #[error("`{text}` cannot be the {what}: {error}")]
    NameInvalid {
        /// What it should name.
        what: &'static str,
        /// The text.
        text: String,
        /// Why not.
        error: NameError,
    },
    /// There is no such run.
    #[error("{run} does not exist in this store")]
    RunNotFound {
        /// The run.
        run: RunId,
    },
    /// There is no such task.
    #[error("{task} does not exist in this store")]
    TaskNotFound {
        /// The task.
        task: TaskId,
    },
    /// The action does not fit where the run stands.
    #[error("cannot {action} {run}: it is {status}; allowed: {}", list(allowed))]
    InvalidState {
        /// The run.
        run: RunId,
        /// What was asked.
        action: Action,
        /// Where the run stands.
        status: RunStatus,
        /// What fits.
        allowed: &'static [Action],
    },
    /// The task is not open any more, and nobody decided it.
    #[error("{task} is {}: it can no longer be decided", state.as_str())]
    TaskClosed {
        /// The task.
        task: TaskId,
        /// Where it stands.
        state: TaskState,
    },
    /// Somebody was first.
    #[error("{task} is already decided: {} by {} at {}", decision.kind, decision.by, decision.at)]
    AlreadyDecided {
        /// The task.
        task: TaskId,
        /// Who, what and when.
        decision: DecisionView,
    },
    /// The decision does not fit the question.
    #[error("`{decision}` does not fit {task}: {problem}")]
    DecisionInvalid {
        /// The task.
        task: TaskId,
        /// Where it waits.
        place: Place,
        /// What was decided.
        decision: DecisionKind,
        /// What would fit.
        problem: String,
    },
    /// The person saw another question than the one that is open.
    #[error("the decision is about another question than {task} asks: look at the task again")]
    RequestChanged {
        /// The task.
        task: TaskId,
        /// The digest of the open question.
        open: Digest,
    },
    /// The task is for others.
    #[error("{task} is not for {by}: {}", assigned(assignees))]
    NotAuthorised {
        /// The task.
        task: TaskId,
        /// Who tried.
        by: Actor,
        /// Who may.
        assignees: Vec<Name>,
    },
    /// Another live run holds an exclusive key.
    #[error("the exclusive key `{key}` is held by {holder}: wait for it or cancel it")]
    Conflict {
        /// The key.
        key: Arc<str>,
        /// The run that holds it.
        holder: RunId,
    },
    /// The idempotency key stands for another start.
    #[error("the idempotency key was used for another start, {run}: use a new key for a new start")]
    KeyConflict {
        /// The run of that start.
        run: RunId,
    },
    /// A live worker holds the run.
    #[error("{run} is held by {holder} until {until}: it is being run there")]
    Held {
        /// The run.
        run: RunId,
        /// Who holds it.
        holder: WorkerId,
        /// Until when, if it does not extend the lease again.
        until: Timestamp,
    },
    /// The host lacks what the plan needs.
    #[error(transparent)]
    RequirementsMissing(Arc<BindError>),
    /// The store does not have the run's plan.
    #[error("the plan `{plan}` of {run} is not in the store: restore the store from a backup that has it")]
    PlanMissing {
        /// The run.
        run: RunId,
        /// The plan.
        plan: Digest,
    },
    /// The stored plan cannot be used.
    #[error("the plan of {run} cannot be used: {error}")]
    PlanUnreadable {
        /// The run.
        run: RunId,
        /// Why not.
        error: DecodePlanError,
    },
    /// Nobody vouches for the plan, and this runtime asks for that.
    #[error("the plan of `{workflow}` may not run here: {error}")]
    PlanUnverified {
        /// The workflow.
        workflow: Name,
        /// Why not.
        error: SealError,
    },
    /// The journal does not fit its plan.
    #[error("the journal of {} does not fit its plan at record {seq}: {message}", place.run)]
    JournalMismatch {
        /// Where.
        place: Place,
        /// The record.
        seq: u64,
        /// What does not fit.
        message: String,
    },
    /// A client starts and decides, and runs nothing.
    #[error("this runtime is a client and runs nothing: resume in a worker")]
    ClientOnly,
    /// The runtime is going away.
    #[error("this runtime is shutting down")]
    ShuttingDown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RuntimeError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            RuntimeError::InputInvalid { .. }
            | RuntimeError::NameInvalid { .. }
            | RuntimeError::DecisionInvalid { .. } => "input_invalid",
            RuntimeError::PayloadTooLarge { .. } => "payload_too_large",
            RuntimeError::RunNotFound { .. } => "run_not_found",
            RuntimeError::TaskNotFound { .. } => "task_not_found",
            RuntimeError::InvalidState { .. } | RuntimeError::TaskClosed { .. } => "invalid_state",
            RuntimeError::AlreadyDecided { .. } => "already_decided",
            RuntimeError::RequestChanged { .. } => "request_changed",
            RuntimeError::NotAuthorised { .. } => "not_authorised",
            RuntimeError::Conflict { .. } => "conflict",
            RuntimeError::KeyConflict { .. } => "idempotency_key_conflict",
            RuntimeError::Held { .. } => "run_held",
            RuntimeError::RequirementsMissing(error) => error.code(),
            RuntimeError::PlanMissing { .. } => "plan_missing",
            RuntimeError::PlanUnreadable { .. } => "plan_unreadable",
            RuntimeError::PlanUnverified { .. } => "plan_unverified",
            RuntimeError::JournalMismatch { .. } => "plan_mismatch",
            RuntimeError::ClientOnly => "client_only",
            RuntimeError::ShuttingDown => "shutting_down",
            RuntimeError::Store(error) => error.code(),
        }
    }

    /// Whether the same call may work later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            RuntimeError::Conflict { .. } | RuntimeError::Held { .. } => true,
            RuntimeError::Store(error) => error.is_retryable(),
            RuntimeError::PlanUnverified { error, .. } => {
                matches!(error, SealError::Key(SecretError::Unavailable { .. }))
            }
            RuntimeError::InputInvalid { .. }
            | RuntimeError::PayloadTooLarge { .. }
            | RuntimeError::NameInvalid { .. }
            | RuntimeError::RunNotFound { .. }
            | RuntimeError::TaskNotFound { .. }
            | RuntimeError::InvalidState { .. }
            | RuntimeError::TaskClosed { .. }
            | RuntimeError::AlreadyDecided { .. }
            | RuntimeError::DecisionInvalid { .. }
            | RuntimeError::RequestChanged { .. }
            | RuntimeError::NotAuthorised { .. }
            | RuntimeError::KeyConflict { .. }
            | RuntimeError::RequirementsMissing(_)
            | RuntimeError::PlanMissing { .. }
            | RuntimeError::PlanUnreadable { .. }
            | RuntimeError::JournalMismatch { .. }
            | RuntimeError::ClientOnly
            | RuntimeError::ShuttingDown => false,
        }
    }

    /// Where it went wrong, if it is about a run.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            RuntimeError::RunNotFound { run }
            | RuntimeError::InvalidState { run, .. }
            | RuntimeError::KeyConflict { run }
            | RuntimeError::Held { run, .. }
            | RuntimeError::PlanMissing { run, .. }
            | RuntimeError::PlanUnreadable { run, .. } => Some(Place::run(*run)),
            RuntimeError::Conflict { holder, .. } => Some(Place::run(*holder)),
            RuntimeError::DecisionInvalid { place, .. } | RuntimeError::JournalMismatch { place, .. } => {
                Some(place.clone())
            }
            RuntimeError::InputInvalid { .. }
            | RuntimeError::PayloadTooLarge { .. }
            | RuntimeError::NameInvalid { .. }
            | RuntimeError::TaskNotFound { .. }
            | RuntimeError::TaskClosed { .. }
            | RuntimeError::AlreadyDecided { .. }
            | RuntimeError::RequestChanged { .. }
            | RuntimeError::NotAuthorised { .. }
            | RuntimeError::RequirementsMissing(_)
            | RuntimeError::PlanUnverified { .. }
            | RuntimeError::ClientOnly
            | RuntimeError::ShuttingDown
            | RuntimeError::Store(_) => None,
        }
    }

    /// The action does not fit a run's status.
    pub(crate) fn invalid_state(run: RunId, action: Action, status: RunStatus) -> RuntimeError {
        RuntimeError::InvalidState { run, action, status, allowed: Action::allowed(status) }
    }

    /// What a refused external commit means for who asked.
    pub(crate) fn from_external(run: RunId, task: Option<TaskId>, action: Action, error: CommitError) -> RuntimeError {
        match (error, task) {
            (CommitError::Terminal { status }, _) => RuntimeError::invalid_state(run, action, status),
            (CommitError::AlreadyDecided { decision }, Some(task)) => RuntimeError::AlreadyDecided { task, decision },
            (CommitError::TaskClosed { state }, Some(task)) => RuntimeError::TaskClosed { task, state },
            (CommitError::TaskUnknown, Some(task)) => RuntimeError::TaskNotFound { task },
            (CommitError::RunNotFound { .. }, _) => RuntimeError::RunNotFound { run },
            (CommitError::Store(error), _) => RuntimeError::Store(error),
            (other, _) => unexpected(&other),
        }
    }
}

/// A store answered with a refusal that its contract does not have for this commit.
pub(crate) fn unexpected(error: &CommitError) -> RuntimeError {
    RuntimeError::Store(StoreError::damaged(format!("it refused a commit as it never should: {error}")))
}

fn list(actions: &[Action]) -> String {
    actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(", ")
}

fn assigned(assignees: &[Name]) -> String {
    let names: Vec<&str> = assignees.iter().map(Name::as_str).collect();
    format!("it is for {}", names.join(", "))
}
