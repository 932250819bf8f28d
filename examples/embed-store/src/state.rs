//! What the changes make: everything that can be asked for, and how it is found.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use kneo_core::commit::Floor;
use kneo_core::event::{Hold, StartKey};
use kneo_core::record::{Record, Stored};
use kneo_core::store::{
    AuditEntry, Beat, ClaimAsk, Claimed, Committed, FeedItem, LEASE, OutboxEntry, OutboxId, Page, Retention, RunQuery,
    RunRow, StoreError, TaskQuery, Watermark,
};
use kneo_core::task::{TaskRow, TaskState};
use kneo_core::{CommitId, Digest, Fence, Name, Namespace, RunKey, Seq, TaskId, Timestamp, WorkerId};
use kneo_store::rule;

use crate::change::{Change, namespace, read};

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) plans: BTreeMap<Digest, Bytes>,
    pub(crate) runs: BTreeMap<RunKey, Run>,
    /// The least sequence that may start, by namespace, workflow and environment.
    pub(crate) floors: BTreeMap<(Namespace, Name, Option<Name>), u64>,
    pub(crate) watermark: u64,
    pub(crate) outbox_id: u64,
}

/// A run and all that belongs to it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) row: RunRow,
    pub(crate) commits: Vec<Made>,
    pub(crate) tasks: Vec<TaskRow>,
    pub(crate) holds: BTreeSet<Hold>,
    pub(crate) start: Option<StartKey>,
    pub(crate) blobs: BTreeSet<Digest>,
    pub(crate) outbox: Vec<OutboxEntry>,
    pub(crate) audit: Vec<AuditEntry>,
}

/// A commit that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) id: CommitId,
    pub(crate) answer: Committed,
    pub(crate) watermark: Watermark,
    pub(crate) records: Arc<[Record]>,
}

impl State {
    /// Makes a change that was judged and is in the log.
    pub(crate) fn apply(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Plan { digest, text } => {
                self.plans.insert(*digest, Bytes::from(text.clone()));
            }
            Change::Commit(made) => {
                let commit = made.commit()?;
                let answer = self.commit(&commit, made.now);
                answer.map_err(|error| StoreError::damaged(error.to_string()))?;
            }
            Change::Claim { run, worker, now } => {
                let worker = read(worker)?;
                if let Some(run) = self.runs.get_mut(&run.read()?) {
                    rule::lease(&mut run.row, worker, *now);
                }
            }
            Change::Beat { run, now } => {
                if let Some(run) = self.runs.get_mut(&run.read()?) {
                    run.row.lease_until = Some(now.after(LEASE));
                }
            }
            Change::Release { run } => {
                if let Some(run) = self.runs.get_mut(&run.read()?) {
                    (run.row.holder, run.row.lease_until) = (None, None);
                }
            }
            Change::OutboxDone { namespace: within, ids } => {
                let within = namespace(within)?;
                for (_, run) in self.runs.iter_mut().filter(|(key, _)| key.namespace == within) {
                    run.outbox.retain(|entry| !ids.contains(&entry.id.0));
                }
            }
            Change::Floor { namespace: within, workflow, environment, sequence } => {
                self.floors.insert((namespace(within)?, workflow.clone(), environment.clone()), *sequence);
            }
            Change::Counters { watermark, outbox } => {
                self.watermark = self.watermark.max(*watermark);
                self.outbox_id = self.outbox_id.max(*outbox);
            }
        }
        Ok(())
    }

    fn within<'a>(&'a self, namespace: &'a Namespace) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |(key, _)| key.namespace == *namespace).map(|(_, run)| run)
    }

    fn rows<'a>(&'a self, namespace: &'a Namespace) -> impl Iterator<Item = &'a RunRow> {
        self.within(namespace).map(|run| &run.row)
    }

    pub(crate) fn claimable(&self, ask: &ClaimAsk<'_>, now: Timestamp) -> Vec<RunKey> {
        let wanted = |row: &&RunRow| ask.run.is_none_or(|run| run == row.key.run);
        let mut rows: Vec<&RunRow> =
            self.rows(ask.namespace).filter(wanted).filter(|row| rule::claimable(row, now, Some(ask.plans))).collect();
        rows.sort_by_key(|row| (rule::waits_since(row), row.key.run));
        rows.into_iter().take(ask.max).map(|row| row.key.clone()).collect()
    }

    pub(crate) fn claimed(&self, run: &RunKey) -> Option<Claimed> {
        let RunRow { plan, fence, tail, fruitless, .. } = *self.row(run)?;
        Some(Claimed { run: run.clone(), plan, fence, tail, fruitless })
    }

    pub(crate) fn ready_plans(&self, namespace: &Namespace, now: Timestamp) -> Vec<Digest> {
        let ready = self.rows(namespace).filter(|row| rule::claimable(row, now, None));
        ready.map(|row| row.plan).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn held(&self, run: &RunKey, worker: WorkerId, fence: Fence) -> Option<&RunRow> {
        self.row(run).filter(|row| row.fence == fence && row.holder == Some(worker))
    }

    pub(crate) fn runs_low(&self, run: &RunKey, worker: WorkerId, fence: Fence, now: Timestamp) -> bool {
        self.held(run, worker, fence).is_some_and(|row| rule::runs_low(row.lease_until, now))
    }

    pub(crate) fn beat(&self, run: &RunKey, worker: WorkerId, fence: Fence) -> Beat {
        match self.held(run, worker, fence) {
            Some(row) => Beat::Held { tail: row.tail, cancel_requested: row.cancel_requested },
            None => Beat::Lost,
        }
    }

    pub(crate) fn is_held(&self, run: &RunKey, fence: Fence) -> bool {
        self.row(run).is_some_and(|row| row.fence == fence && row.holder.is_some())
    }

    pub(crate) fn plan(&self, digest: Digest) -> Option<Bytes> {
        self.plans.get(&digest).cloned()
    }

    pub(crate) fn floor(&self, namespace: &Namespace, workflow: &Name, environment: Option<&Name>) -> Option<u64> {
        self.floors.get(&(namespace.clone(), workflow.clone(), environment.cloned())).copied()
    }

    pub(crate) fn raise(&mut self, namespace: &Namespace, floor: &Floor) {
        let key = (namespace.clone(), floor.workflow.clone(), floor.environment.clone());
        let least = self.floors.entry(key).or_default();
        *least = floor.sequence.max(*least);
    }

    pub(crate) fn row(&self, run: &RunKey) -> Option<&RunRow> {
        self.runs.get(run).map(|run| &run.row)
    }

    pub(crate) fn list_runs(&self, query: &RunQuery, page: Page) -> Vec<RunRow> {
        let fits = |row: &&RunRow| {
            (query.statuses.is_empty() || query.statuses.contains(&row.status))
                && query.workflow.as_ref().is_none_or(|workflow| *workflow == row.workflow)
                && query.labels.iter().all(|label| row.labels.contains(label))
        };
        let mut rows: Vec<&RunRow> = self.rows(&query.namespace).filter(fits).collect();
        rows.sort_by_key(|row| Reverse((row.started_at, row.key.run)));
        rows.into_iter().skip(page.offset).take(page.limit).cloned().collect()
    }

    pub(crate) fn records(&self, run: &RunKey, after: Option<Seq>, max: usize) -> Vec<Stored> {
        let commits = self.runs.get(run).into_iter().flat_map(|run| &run.commits);
        let all = commits.flat_map(|made| (0u64..).map(|at| made.answer.first.plus(at)).zip(made.records.iter()));
        let wanted = all.filter(|(seq, _)| after.is_none_or(|after| *seq > after)).take(max);
        wanted.map(|(seq, record)| Stored { seq, record: record.clone() }).collect()
    }

    pub(crate) fn task(&self, namespace: &Namespace, task: TaskId) -> Option<&TaskRow> {
        let runs = self.runs.iter().filter(|(key, _)| key.namespace == *namespace);
        runs.flat_map(|(_, run)| &run.tasks).find(|row| row.task == task)
    }

    pub(crate) fn list_tasks(&self, query: &TaskQuery, page: Page) -> Vec<TaskRow> {
        let fits = |row: &&TaskRow| {
            query.run.is_none_or(|run| run == row.run.run)
                && (query.include_closed || row.state == TaskState::Open)
                && query.assignee.as_ref().is_none_or(|name| row.assignees.is_empty() || row.assignees.contains(name))
        };
        let mut rows: Vec<&TaskRow> = self.within(&query.namespace).flat_map(|run| &run.tasks).filter(fits).collect();
        rows.sort_by_key(|row| (row.opened_at, row.task));
        rows.into_iter().skip(page.offset).take(page.limit).cloned().collect()
    }

    pub(crate) fn feed(&self, namespace: &Namespace, after: Watermark, max: usize) -> Vec<FeedItem> {
        let items = self.within(namespace).flat_map(|run| {
            let items = run.commits.iter().filter(move |made| made.watermark > after);
            items.map(|made| FeedItem {
                watermark: made.watermark,
                run: run.row.key.clone(),
                first: made.answer.first,
                last: made.answer.tail,
            })
        });
        let mut items: Vec<FeedItem> = items.collect();
        items.sort_by_key(|item| item.watermark);
        items.truncate(max);
        items
    }

    pub(crate) fn outbox(&self, namespace: &Namespace, max: usize) -> Vec<OutboxEntry> {
        let mut entries: Vec<OutboxEntry> = self.within(namespace).flat_map(|run| run.outbox.clone()).collect();
        entries.sort_by_key(|entry| entry.id);
        entries.truncate(max);
        entries
    }

    pub(crate) fn audit(&self, run: &RunKey) -> Vec<AuditEntry> {
        self.runs.get(run).map(|run| run.audit.clone()).unwrap_or_default()
    }

    /// The runs that a retention deletes, the oldest first.
    pub(crate) fn old(&self, retention: &Retention) -> Vec<RunKey> {
        let old = |row: &&RunRow| row.ended_at.is_some_and(|at| at < retention.ended_before);
        let mut rows: Vec<&RunRow> = self.rows(&retention.namespace).filter(old).collect();
        rows.sort_by_key(|row| (row.ended_at, row.key.run));
        rows.into_iter().take(retention.max).map(|row| row.key.clone()).collect()
    }

    /// What must be known though the commits that show it are gone: the numbers, and the floors.
    pub(crate) fn kept(&self) -> Vec<Change> {
        let counters = Change::Counters { watermark: self.watermark, outbox: self.outbox_id };
        let floors = self.floors.iter().map(|((namespace, workflow, environment), sequence)| Change::Floor {
            namespace: namespace.to_string(),
            workflow: workflow.clone(),
            environment: environment.clone(),
            sequence: *sequence,
        });
        std::iter::once(counters).chain(floors).collect()
    }

    /// Deletes runs, and tells how many large values went with them.
    pub(crate) fn forget(&mut self, runs: &[RunKey]) -> u64 {
        let blobs = |state: &State| state.runs.values().flat_map(|run| run.blobs.clone()).collect::<BTreeSet<_>>();
        let before = blobs(self);
        self.runs.retain(|key, _| !runs.contains(key));
        (before.len() - blobs(self).len()) as u64
    }

    pub(crate) fn next_outbox(&mut self) -> OutboxId {
        self.outbox_id += 1;
        OutboxId(self.outbox_id)
    }
}
