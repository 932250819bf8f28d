//! What records change in the indexes of a store. Deriving only copies: what a row needs is in a record.

use std::sync::Arc;

use super::Floor;
use crate::actor::Actor;
use crate::digest::Digest;
use crate::event::{AfterExpiry, Entry, Event, Hold, Parked, RunStarted, StartKey};
use crate::id::TaskId;
use crate::name::Name;
use crate::payload::{Blob, Payload};
use crate::record::Record;
use crate::run::{RunKey, RunOutcome, RunStatus};
use crate::task::{Decision, TaskRow};
use crate::time::Timestamp;

/// What the records of a commit change in the indexes.
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct IndexChanges {
    /// The columns of a run row that is made.
    pub new_run: Option<NewRun>,
    /// The run's status from now on; `None` leaves it.
    pub status: Option<RunStatus>,
    /// When the run is ready from now on: `Some(None)` is never by itself, `None` leaves it.
    ///
    /// An external record makes the run ready at once by the store's clock, whatever stands here.
    pub ready_at: Option<Option<Timestamp>>,
    /// When the run ended.
    pub ended_at: Option<Timestamp>,
    /// Whether somebody asked for the run to stop.
    pub cancel_requested: bool,
    /// Whether the records get the run on: they reset the count of fruitless claims.
    pub progress: bool,
    /// Human tasks, in the order of the records.
    pub tasks: Vec<TaskChange>,
    /// Holds, sorted.
    pub holds: Vec<HoldChange>,
    /// The idempotency key that the start takes.
    pub idempotency: Option<StartKey>,
    /// The floor that the start raises, and below which it is refused; only where its author has verified the seal.
    pub floor: Option<Floor>,
    /// Blobs that the records refer to, each once.
    pub blobs: Vec<BlobChange>,
    /// What others may be told about.
    pub outbox: Vec<OutboxRow>,
    /// Who did what.
    pub audit: Vec<AuditRow>,
}

/// The columns of a new run row.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct NewRun {
    /// The workflow's name.
    pub workflow: Name,
    /// The plan.
    pub plan: Digest,
    /// Who started the run.
    pub starter: Actor,
    /// The host's labels.
    pub labels: Vec<(Name, Arc<str>)>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it is `timed_out`.
    pub deadline: Option<Timestamp>,
}

/// A change of a human task's row.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum TaskChange {
    /// A new row.
    Open(Box<TaskRow>),
    /// Open → decided. *External*: `at` is the store's clock; a task that is not open, or past its deadline, refuses.
    Decide {
        /// The task.
        task: TaskId,
        /// Who.
        by: Actor,
        /// What.
        decision: Decision,
    },
    /// New assignees. *External*: a task that is not open refuses.
    Reassign {
        /// The task.
        task: TaskId,
        /// Who may decide from now on.
        to: Vec<Name>,
    },
    /// The deadline passed and the task stays open, without a deadline.
    Escalate {
        /// The task.
        task: TaskId,
        /// When.
        at: Timestamp,
    },
    /// Open → expired.
    Expire {
        /// The task.
        task: TaskId,
    },
    /// Open → withdrawn.
    Withdraw {
        /// The task.
        task: TaskId,
    },
}

/// A change of holds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HoldChange {
    /// The run takes a slot; a slot that another run has refuses the commit.
    Take(Hold),
    /// The run gives every slot back.
    ReleaseAll,
}

/// A blob that a record refers to. A store keeps the bytes once, and a reference for each run.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct BlobChange {
    /// The bytes and their digest.
    pub blob: Blob,
}

/// What others may be told about: a pointer to a record of the commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct OutboxRow {
    /// What it is about.
    pub topic: OutboxTopic,
    /// The record's place in the commit, from 0.
    pub record: u32,
}

/// What an [`OutboxRow`] is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum OutboxTopic {
    /// A run ended.
    RunEnded,
    /// A human task was opened.
    TaskOpened,
    /// A human task's deadline passed and it stays open.
    TaskEscalated,
}

impl OutboxTopic {
    /// Every topic.
    pub const ALL: &'static [OutboxTopic] =
        &[OutboxTopic::RunEnded, OutboxTopic::TaskOpened, OutboxTopic::TaskEscalated];

    /// The word in columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            OutboxTopic::RunEnded => "run_ended",
            OutboxTopic::TaskOpened => "task_opened",
            OutboxTopic::TaskEscalated => "task_escalated",
        }
    }
}

/// Who did what: a pointer to a record of the commit.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AuditRow {
    /// What was done.
    pub action: AuditAction,
    /// By whom.
    pub actor: Actor,
    /// The task that it was done to.
    pub task: Option<TaskId>,
    /// The record's place in the commit, from 0.
    pub record: u32,
}

/// What an [`AuditRow`] says was done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum AuditAction {
    /// Somebody started the run.
    RunStarted,
    /// Somebody asked for the run to stop.
    CancelRequested,
    /// Somebody decided a task.
    TaskDecided,
    /// Somebody gave a task to others.
    TaskReassigned,
    /// Nobody decided a task, and a decision stood in its place.
    TaskContinued,
}

impl AuditAction {
    /// Every action.
    pub const ALL: &'static [AuditAction] = &[
        AuditAction::RunStarted,
        AuditAction::CancelRequested,
        AuditAction::TaskDecided,
        AuditAction::TaskReassigned,
        AuditAction::TaskContinued,
    ];

    /// The word in columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            AuditAction::RunStarted => "run_started",
            AuditAction::CancelRequested => "cancel_requested",
            AuditAction::TaskDecided => "task_decided",
            AuditAction::TaskReassigned => "task_reassigned",
            AuditAction::TaskContinued => "task_continued",
        }
    }
}

pub(super) fn derive(run: &RunKey, records: &[Record]) -> IndexChanges {
    let mut changes = IndexChanges::default();
    for (at, record) in (0u32..).zip(records) {
        changes.add(run, at, record);
    }
    changes.holds.sort_by(|a, b| hold_order(a).cmp(&hold_order(b)));
    changes
}

/// Releases first, then the slots in the order in which every commit locks them.
fn hold_order(change: &HoldChange) -> Option<&Hold> {
    match change {
        HoldChange::ReleaseAll => None,
        HoldChange::Take(hold) => Some(hold),
    }
}

impl IndexChanges {
    fn add(&mut self, run: &RunKey, at: u32, record: &Record) {
        let Entry { at: time, path, event } = &record.entry;
        let audit = |action, task| AuditRow { action, actor: record.actor.clone(), task, record: at };
        match event {
            Event::RunStarted(started) => self.start(record, started, *time, at),
            Event::RunClaimed { .. } => {
                self.status = Some(RunStatus::Running);
                self.ready_at = Some(Some(*time));
            }
            Event::RunParked { status, ready_at } => {
                self.status = Some(match status {
                    Parked::Queued => RunStatus::Queued,
                    Parked::Running => RunStatus::Running,
                    Parked::Blocked => RunStatus::Blocked,
                });
                self.ready_at = Some(*ready_at);
            }
            Event::RunEnded(outcome) => {
                self.status = Some(outcome.status());
                self.ready_at = Some(None);
                self.ended_at = Some(*time);
                self.progress = true;
                self.holds.push(HoldChange::ReleaseAll);
                self.outbox.push(OutboxRow { topic: OutboxTopic::RunEnded, record: at });
                if let RunOutcome::Completed(output) = &**outcome {
                    self.blob(output);
                }
            }
            Event::CancelRequested { .. } => {
                self.cancel_requested = true;
                self.audit.push(audit(AuditAction::CancelRequested, None));
            }
            Event::TaskOpened(opened) => {
                let row = TaskRow::open(run.clone(), path.clone(), *time, opened);
                self.tasks.push(TaskChange::Open(Box::new(row)));
                self.outbox.push(OutboxRow { topic: OutboxTopic::TaskOpened, record: at });
                self.progress = true;
            }
            Event::TaskDecided(decided) => {
                let (by, decision) = (record.actor.clone(), decided.decision.clone());
                self.decision_blob(&decision);
                self.tasks.push(TaskChange::Decide { task: decided.task, by, decision });
                self.audit.push(audit(AuditAction::TaskDecided, Some(decided.task)));
            }
            Event::TaskReassigned { task, to } => {
                self.tasks.push(TaskChange::Reassign { task: *task, to: to.clone() });
                self.audit.push(audit(AuditAction::TaskReassigned, Some(*task)));
            }
            Event::TaskExpired { task, then } => {
                self.tasks.push(TaskChange::Expire { task: *task });
                if let AfterExpiry::Continue(decision) = then {
                    self.decision_blob(decision);
                    self.audit.push(audit(AuditAction::TaskContinued, Some(*task)));
                }
            }
            Event::TaskEscalated { task } => {
                self.tasks.push(TaskChange::Escalate { task: *task, at: *time });
                self.outbox.push(OutboxRow { topic: OutboxTopic::TaskEscalated, record: at });
            }
            Event::TaskWithdrawn { task } => self.tasks.push(TaskChange::Withdraw { task: *task }),
            Event::StepEntered { input: Some(payload), .. } => self.blob(payload),
            Event::StepComputed { output: payload, .. } => {
                self.progress = true;
                self.blob(payload);
            }
            Event::StepCompleted { output } => {
                self.progress = true;
                if let crate::event::Source::Value(payload) = output {
                    self.blob(payload);
                }
            }
            Event::EffectSucceeded { output, .. } => {
                self.progress = true;
                self.blob(output);
            }
            Event::EffectFailed { .. }
            | Event::StepFailed { .. }
            | Event::CallReturned
            | Event::CallFailed { .. }
            | Event::AnswerRefused { .. } => self.progress = true,
            Event::StepEntered { input: None, .. }
            | Event::StepSkipped { .. }
            | Event::BoundReached { .. }
            | Event::ForkTaken { .. }
            | Event::BranchCompleted
            | Event::BranchFailed { .. }
            | Event::BranchCancelled
            | Event::EffectIntended { .. }
            | Event::EffectLost { .. }
            | Event::EffectCancelled { .. }
            | Event::LateOutcome { .. }
            | Event::CallRefused { .. }
            | Event::CallDelegated { .. } => {}
        }
    }

    fn start(&mut self, record: &Record, started: &RunStarted, time: Timestamp, at: u32) {
        self.new_run = Some(NewRun {
            workflow: started.workflow.clone(),
            plan: started.plan,
            starter: record.actor.clone(),
            labels: started.labels.clone(),
            started_at: time,
            deadline: started.deadline,
        });
        self.status = Some(RunStatus::Queued);
        self.ready_at = Some(Some(time));
        self.idempotency = started.idempotency.clone();
        self.holds.extend(started.holds.iter().cloned().map(HoldChange::Take));
        self.blob(&started.input);
        let actor = record.actor.clone();
        self.audit.push(AuditRow { action: AuditAction::RunStarted, actor, task: None, record: at });
    }

    fn decision_blob(&mut self, decision: &Decision) {
        match decision {
            Decision::Edit { content } | Decision::Provide { content } => self.blob(content),
            Decision::Approve { .. }
            | Decision::ApproveForRun { .. }
            | Decision::Reject { .. }
            | Decision::Select { .. }
            | Decision::Retry => {}
        }
    }

    fn blob(&mut self, payload: &Payload) {
        let Some(blob) = payload.blob() else { return };
        if self.blobs.iter().all(|change| change.blob.digest() != blob.digest()) {
            self.blobs.push(BlobChange { blob: blob.clone() });
        }
    }
}
