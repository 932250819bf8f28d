use std::error::Error;
use std::sync::Arc;

use crate::id::{RunId, TaskId, WorkerId};
use crate::run::{RunKey, RunStatus, Seq};
use crate::task::{DecisionView, TaskState};

/// Why a commit changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Others added records. The holder reads what it lacks, folds it and decides again; its lease is intact.
    #[error("the run has records up to {tail}, which the holder does not know")]
    Behind {
        /// The run's last record.
        tail: Seq,
    },
    /// The lease is another's, or nobody's. The holder forgets the run.
    #[error("the lease was lost")]
    LeaseLost {
        /// Who holds it now.
        holder: Option<WorkerId>,
    },
    /// The run has ended.
    #[error("the run is {status}")]
    Terminal {
        /// How.
        status: RunStatus,
    },
    /// Somebody decided the task first.
    #[error("the task is already decided: {} by {} at {}", decision.kind, decision.by, decision.at)]
    AlreadyDecided {
        /// Who, what and when.
        decision: DecisionView,
    },
    /// The task is not open: it expired or was withdrawn, or is past its deadline.
    #[error("the task is {}", state.as_str())]
    TaskClosed {
        /// Where it stands.
        state: TaskState,
    },
    /// The task does not exist in this run.
    #[error("the task is unknown")]
    TaskUnknown,
    /// A task with this id exists.
    #[error("{task} exists already")]
    TaskExists {
        /// The task.
        task: TaskId,
    },
    /// Another run holds a slot.
    #[error("`{key}` is held by {holder}")]
    Conflict {
        /// The key.
        key: Arc<str>,
        /// The run that holds it.
        holder: RunId,
    },
    /// The same start has been made before: this is its run.
    #[error("the same start made {run}")]
    Started {
        /// The run.
        run: RunId,
    },
    /// The idempotency key stands for another start.
    #[error("the idempotency key was used for another start, {run}")]
    KeyConflict {
        /// The run of that start.
        run: RunId,
    },
    /// A later plan of the workflow has started in the seal's environment, and the start raises the floor.
    #[error("its sequence is {sequence}, and a later plan, {least}, has started")]
    RolledBack {
        /// The seal's sequence.
        sequence: u64,
        /// The floor.
        least: u64,
    },
    /// There is no such run.
    #[error("{run} does not exist")]
    RunNotFound {
        /// The run.
        run: RunKey,
    },
    /// A run with this id exists.
    #[error("{run} exists already")]
    RunExists {
        /// The run.
        run: RunKey,
    },
    /// The plan that the run names is not in the store.
    #[error("the run's plan is not in the store")]
    PlanMissing,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a store did not answer; grouped by what the caller does next.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It may work later: try again. If `unknown`, the change may have happened: submit the same commit again.
    #[error("the store is not available: {message}")]
    Unavailable {
        /// What happened.
        message: Arc<str>,
        /// Whether the change may have happened.
        unknown: bool,
        /// The cause.
        #[source]
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// A newer Kneo wrote the store: upgrade this one.
    #[error("the store has schema version {found}; this build knows up to {known}: upgrade it")]
    TooNew {
        /// The store's version.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// The store cannot be opened or written: mend its place or its rights.
    #[error("the store cannot be used: {message}")]
    Unusable {
        /// What is wrong, and what to do.
        message: Arc<str>,
        /// The cause.
        #[source]
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// What is stored cannot be read: restore a backup.
    #[error("the store is damaged: {message}")]
    Damaged {
        /// What is wrong.
        message: Arc<str>,
    },
}

impl CommitError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            CommitError::Behind { .. } => "behind",
            CommitError::LeaseLost { .. } => "lease_lost",
            CommitError::Terminal { .. } | CommitError::TaskClosed { .. } => "invalid_state",
            CommitError::AlreadyDecided { .. } => "already_decided",
            CommitError::TaskUnknown => "task_not_found",
            CommitError::TaskExists { .. } => "task_exists",
            CommitError::Conflict { .. } => "conflict",
            CommitError::Started { .. } => "started",
            CommitError::KeyConflict { .. } => "idempotency_key_conflict",
            CommitError::RolledBack { .. } => "rolled_back",
            CommitError::RunNotFound { .. } => "run_not_found",
            CommitError::RunExists { .. } => "run_exists",
            CommitError::PlanMissing => "plan_missing",
            CommitError::Store(error) => error.code(),
        }
    }
}

impl StoreError {
    /// The store may work later; nothing happened.
    pub fn unavailable(message: impl Into<Arc<str>>) -> StoreError {
        StoreError::Unavailable { message: message.into(), unknown: false, source: None }
    }

    /// What is stored cannot be read.
    pub fn damaged(message: impl Into<Arc<str>>) -> StoreError {
        StoreError::Damaged { message: message.into() }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Unavailable { .. } => "store_unavailable",
            StoreError::TooNew { .. } => "store_too_new",
            StoreError::Unusable { .. } => "store_unusable",
            StoreError::Damaged { .. } => "store_damaged",
        }
    }

    /// Whether the same call may work later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            StoreError::Unavailable { .. } => true,
            StoreError::TooNew { .. } | StoreError::Unusable { .. } | StoreError::Damaged { .. } => false,
        }
    }
}
