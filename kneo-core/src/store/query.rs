//! What stores are asked, and what they answer.

use std::sync::Arc;

use crate::actor::Actor;
use crate::commit::{AuditAction, OutboxTopic};
use crate::digest::Digest;
use crate::id::{RunId, TaskId, WorkerId};
use crate::name::{Name, Namespace};
use crate::run::{Fence, RunKey, RunStatus, Seq};
use crate::time::Timestamp;

/// What a commit answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Committed {
    /// The place of the commit's first record.
    pub first: Seq,
    /// The run's last record.
    pub tail: Seq,
    /// The fence of the lease that the commit took or extended.
    pub fence: Option<Fence>,
    /// When the run's lease ends, by the store's clock.
    pub lease_until: Option<Timestamp>,
}

/// Which runs a worker wants.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a question with all its parts")]
pub struct ClaimAsk<'a> {
    /// The worker.
    pub worker: WorkerId,
    /// The namespace.
    pub namespace: &'a Namespace,
    /// Only this run.
    pub run: Option<RunId>,
    /// The plans that the worker can run. A run that is asked to stop or past its deadline is given out under any plan.
    pub plans: &'a [Digest],
    /// At most so many.
    pub max: usize,
}

/// A run that is now the worker's.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Claimed {
    /// The run.
    pub run: RunKey,
    /// Its plan.
    pub plan: Digest,
    /// The epoch of the lease.
    pub fence: Fence,
    /// The run's last record.
    pub tail: Seq,
    /// How often the run was claimed since its records last got it on, this claim included.
    pub fruitless: u32,
}

/// What a heartbeat answers for one lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a lease is held or not")]
pub enum Beat {
    /// It is held and extended.
    Held {
        /// The run's last record.
        tail: Seq,
        /// Whether somebody asked for the run to stop.
        cancel_requested: bool,
    },
    /// It is another's, or nobody's.
    Lost,
}

/// A run as stores list it.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct RunRow {
    /// The run.
    pub key: RunKey,
    /// The workflow's name.
    pub workflow: Name,
    /// The plan.
    pub plan: Digest,
    /// Where it stands.
    pub status: RunStatus,
    /// Who started it.
    pub starter: Actor,
    /// The host's labels.
    pub labels: Vec<(Name, Arc<str>)>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it is `timed_out`.
    pub deadline: Option<Timestamp>,
    /// When a worker can get on with it; `None` is never by itself.
    pub ready_at: Option<Timestamp>,
    /// Its last record.
    pub tail: Seq,
    /// Whether somebody asked for it to stop.
    pub cancel_requested: bool,
    /// The epoch of the last lease.
    pub fence: Fence,
    /// Who holds it.
    pub holder: Option<WorkerId>,
    /// Until when, by the store's clock.
    pub lease_until: Option<Timestamp>,
    /// How often it was claimed since its records last got it on.
    pub fruitless: u32,
}

/// Which runs to list; every part narrows.
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct RunQuery {
    /// The namespace.
    pub namespace: Namespace,
    /// Any of these; empty means all.
    pub statuses: Vec<RunStatus>,
    /// This workflow.
    pub workflow: Option<Name>,
    /// All of these labels.
    pub labels: Vec<(Name, Arc<str>)>,
}

impl RunQuery {
    /// All runs of a namespace.
    #[must_use]
    pub fn new(namespace: Namespace) -> RunQuery {
        RunQuery { namespace, ..RunQuery::default() }
    }
}

/// Which human tasks to list; every part narrows.
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct TaskQuery {
    /// The namespace.
    pub namespace: Namespace,
    /// Of this run.
    pub run: Option<RunId>,
    /// That this person may decide.
    pub assignee: Option<Name>,
    /// Closed tasks too.
    pub include_closed: bool,
}

impl TaskQuery {
    /// All open tasks of a namespace.
    #[must_use]
    pub fn new(namespace: Namespace) -> TaskQuery {
        TaskQuery { namespace, ..TaskQuery::default() }
    }
}

/// A part of a long list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "where and how much")]
pub struct Page {
    /// How many rows to pass over.
    pub offset: usize,
    /// How many rows to give at most.
    pub limit: usize,
}

/// The first 100 rows.
impl Default for Page {
    fn default() -> Page {
        Page { offset: 0, limit: 100 }
    }
}

/// A place in a namespace's feed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "an opaque number that hosts may keep")]
pub struct Watermark(pub u64);

/// One commit in a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct FeedItem {
    /// The place after this commit.
    pub watermark: Watermark,
    /// The run.
    pub run: RunKey,
    /// The commit's first record.
    pub first: Seq,
    /// The commit's last record.
    pub last: Seq,
}

/// Identifies an outbox row in a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an opaque number")]
pub struct OutboxId(pub u64);

/// An outbox row as stores list it; the record says the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct OutboxEntry {
    /// The row.
    pub id: OutboxId,
    /// What it is about.
    pub topic: OutboxTopic,
    /// The run.
    pub run: RunKey,
    /// The record.
    pub seq: Seq,
}

/// An audit row as stores list it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct AuditEntry {
    /// When, by the record.
    pub at: Timestamp,
    /// What was done.
    pub action: AuditAction,
    /// By whom.
    pub actor: Actor,
    /// To which task.
    pub task: Option<TaskId>,
    /// The record.
    pub seq: Seq,
}

/// Which ended runs to delete.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a question with all its parts")]
pub struct Retention {
    /// The namespace.
    pub namespace: Namespace,
    /// Runs that ended before this time.
    pub ended_before: Timestamp,
    /// At most so many runs in one call.
    pub max: usize,
}

/// What was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Blobs that nobody refers to any more.
    pub blobs: u64,
}

/// What a committed record survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "memory or disk")]
pub enum Durability {
    /// As long as the process lives.
    Process,
    /// A crash of process and machine.
    Disk,
}

/// A hint that a run changed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Wakeup {
    /// The run.
    pub run: RunKey,
}
