//! Lists, and what prunes them.

use std::cmp::Reverse;

use kneo_core::Namespace;
use kneo_core::Seq;
use kneo_core::record::Stored;
use kneo_core::run::RunKey;
use kneo_core::store::{
    FeedItem, OutboxEntry, OutboxId, Page, Pruned, Retention, RunQuery, RunRow, TaskQuery, Watermark,
};
use kneo_core::task::{TaskRow, TaskState};

use super::state::State;

impl State {
    pub(super) fn list_runs(&self, query: &RunQuery, page: Page) -> Vec<RunRow> {
        let fits = |row: &&RunRow| {
            row.key.namespace == query.namespace
                && (query.statuses.is_empty() || query.statuses.contains(&row.status))
                && query.workflow.as_ref().is_none_or(|workflow| *workflow == row.workflow)
                && query.labels.iter().all(|label| row.labels.contains(label))
        };
        let mut rows: Vec<&RunRow> = self.runs.values().map(|run| &run.row).filter(fits).collect();
        rows.sort_by_key(|row| Reverse((row.started_at, row.key.run)));
        rows.into_iter().skip(page.offset).take(page.limit).cloned().collect()
    }

    pub(super) fn list_tasks(&self, query: &TaskQuery, page: Page) -> Vec<TaskRow> {
        let fits = |row: &&TaskRow| {
            row.run.namespace == query.namespace
                && query.run.is_none_or(|run| run == row.run.run)
                && (query.include_closed || row.state == TaskState::Open)
                && query.assignee.as_ref().is_none_or(|name| row.assignees.is_empty() || row.assignees.contains(name))
        };
        let mut rows: Vec<&TaskRow> = self.tasks.values().filter(fits).collect();
        rows.sort_by_key(|row| (row.opened_at, row.task));
        rows.into_iter().skip(page.offset).take(page.limit).cloned().collect()
    }

    pub(super) fn records(&self, run: &RunKey, after: Option<Seq>, max: usize) -> Vec<Stored> {
        let Some(run) = self.runs.get(run) else { return Vec::new() };
        let passed = |seq: Seq| after.is_some_and(|after| seq <= after);
        let start = run.frames.partition_point(|frame| passed(frame.answer.tail));
        let frames = run.frames.iter().skip(start);
        let records = frames.flat_map(|frame| (0u64..).map(|at| frame.answer.first.plus(at)).zip(frame.records.iter()));
        let wanted = records.skip_while(|(seq, _)| passed(*seq)).take(max);
        wanted.map(|(seq, record)| Stored { seq, record: record.clone() }).collect()
    }

    pub(super) fn feed(&self, namespace: &Namespace, after: Watermark, max: usize) -> Vec<FeedItem> {
        let start = self.feed.partition_point(|item| item.watermark <= after);
        let items = self.feed.iter().skip(start).filter(|item| item.run.namespace == *namespace);
        items.take(max).cloned().collect()
    }

    pub(super) fn outbox(&self, namespace: &Namespace, max: usize) -> Vec<OutboxEntry> {
        let entries = self.outbox.values().filter(|entry| entry.run.namespace == *namespace);
        entries.take(max).cloned().collect()
    }

    pub(super) fn outbox_done(&mut self, namespace: &Namespace, done: &[OutboxId]) {
        self.outbox.retain(|id, entry| !(entry.run.namespace == *namespace && done.contains(id)));
    }

    pub(super) fn prune(&mut self, retention: &Retention) -> Pruned {
        let old = |row: &&RunRow| {
            row.key.namespace == retention.namespace && row.ended_at.is_some_and(|at| at < retention.ended_before)
        };
        let mut rows: Vec<&RunRow> = self.runs.values().map(|run| &run.row).filter(old).collect();
        rows.sort_by_key(|row| (row.ended_at, row.key.run));
        let doomed: Vec<RunKey> = rows.into_iter().take(retention.max).map(|row| row.key.clone()).collect();
        let mut pruned = Pruned::default();
        for key in &doomed {
            pruned.runs += 1;
            pruned.blobs += self.forget(key);
        }
        self.feed.retain(|item| self.runs.contains_key(&item.run));
        self.outbox.retain(|_, entry| self.runs.contains_key(&entry.run));
        pruned
    }

    /// Deletes a run, and tells how many blobs went with it.
    fn forget(&mut self, key: &RunKey) -> u64 {
        let Some(run) = self.runs.remove(key) else { return 0 };
        if let Some(start) = run.start {
            self.starts.remove(&(key.namespace.clone(), start.key));
        }
        for task in run.tasks {
            self.tasks.remove(&(key.namespace.clone(), task));
        }
        let mut blobs = 0;
        for digest in run.blobs {
            if let Some(references) = self.blobs.get_mut(&digest) {
                *references -= 1;
                if *references == 0 {
                    self.blobs.remove(&digest);
                    blobs += 1;
                }
            }
        }
        blobs
    }
}
