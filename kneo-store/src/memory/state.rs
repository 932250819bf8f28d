//! What the memory store keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use kneo_core::event::{Hold, StartKey};
use kneo_core::record::Record;
use kneo_core::run::RunKey;
use kneo_core::store::{AuditEntry, Committed, FeedItem, OutboxEntry, OutboxId, RunRow};
use kneo_core::task::TaskRow;
use kneo_core::{CommitId, Digest, Name, Namespace, RunId, TaskId};

/// Every run and every index.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) runs: HashMap<RunKey, Run>,
    /// The runs that have not ended, so that claims look at no others.
    pub(super) live: BTreeSet<RunKey>,
    pub(super) plans: HashMap<Digest, Bytes>,
    pub(super) tasks: HashMap<(Namespace, TaskId), TaskRow>,
    pub(super) holds: HashMap<(Namespace, Hold), RunId>,
    pub(super) starts: HashMap<(Namespace, Name), (StartKey, RunId)>,
    /// The least sequence that may start, by namespace, workflow and environment.
    pub(super) floors: HashMap<(Namespace, Name, Option<Name>), u64>,
    /// How many runs refer to a blob; the bytes are in the records.
    pub(super) blobs: HashMap<Digest, usize>,
    pub(super) outbox: BTreeMap<OutboxId, OutboxEntry>,
    /// Every commit, by watermark.
    pub(super) feed: Vec<FeedItem>,
    /// The last watermark and the last outbox id: neither is ever given twice.
    pub(super) last_watermark: u64,
    pub(super) last_outbox: u64,
}

/// A run with what belongs to it alone.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) row: RunRow,
    pub(super) frames: Vec<Frame>,
    /// Commits that no guard would tell from new ones when they come again.
    pub(super) external: HashMap<CommitId, Committed>,
    pub(super) holds: BTreeSet<Hold>,
    pub(super) start: Option<StartKey>,
    pub(super) blobs: BTreeSet<Digest>,
    pub(super) tasks: Vec<TaskId>,
    pub(super) audit: Vec<AuditEntry>,
}

/// The records of one commit.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) commit: CommitId,
    pub(super) answer: Committed,
    pub(super) records: Arc<[Record]>,
}
