//! Commits: judged whole, then made.

use std::sync::Arc;

use kneo_core::commit::{Author, Commit, HoldChange, TaskChange};
use kneo_core::record::Record;
use kneo_core::store::{AuditEntry, CommitError, Committed, OutboxEntry, Watermark};
use kneo_core::task::TaskRow;
use kneo_core::{RunKey, TaskId, Timestamp};
use kneo_store::rule;

use crate::state::{Made, Run, State};

impl State {
    /// What the same commit answered the first time.
    pub(crate) fn answered(&self, commit: &Commit) -> Option<Committed> {
        let made = self.runs.get(commit.run())?.commits.iter().find(|made| made.id == commit.id())?;
        Some(made.answer)
    }

    /// Every way in which a commit can be refused.
    pub(crate) fn judge(&self, commit: &Commit, now: Timestamp) -> Result<(), CommitError> {
        let (key, changes) = (commit.run(), commit.changes());
        let row = || self.row(key).ok_or_else(|| CommitError::RunNotFound { run: key.clone() });
        match commit.author() {
            Author::Creator => self.judge_start(commit)?,
            Author::Holder { worker, fence, expected } => rule::admit_holder(row()?, worker, fence, expected)?,
            Author::External => match rule::decided_task(commit) {
                Some(task) => rule::admit_decision(row()?, self.task_of(key, task), now)?,
                None => rule::admit_live(row()?)?,
            },
        }
        for change in &changes.tasks {
            if let TaskChange::Open(task) = change
                && self.task_of(key, task.task).is_some()
            {
                return Err(CommitError::TaskExists { task: task.task });
            }
        }
        for change in &changes.holds {
            let HoldChange::Take(wanted) = change else { continue };
            let others = self.runs.iter().filter(|(other, _)| other.namespace == key.namespace && other.run != key.run);
            if let Some((holder, _)) = others.into_iter().find(|(_, run)| run.holds.contains(wanted)) {
                let (key, holder) = (wanted.key.as_str().into(), holder.run);
                return Err(CommitError::Conflict { key, holder });
            }
        }
        Ok(())
    }

    fn judge_start(&self, commit: &Commit) -> Result<(), CommitError> {
        let (key, changes) = (commit.run(), commit.changes());
        if let Some(start) = &changes.idempotency {
            let same_key =
                |run: &Run| run.start.as_ref().filter(|known| known.key == start.key).map(|known| known.digest);
            let mut before = self.runs.iter().filter(|(other, _)| other.namespace == key.namespace);
            if let Some((digest, run)) = before.find_map(|(other, run)| Some((same_key(run)?, other.run))) {
                return Err(match digest == start.digest {
                    true => CommitError::Started { run },
                    false => CommitError::KeyConflict { run },
                });
            }
        }
        if self.runs.contains_key(key) {
            return Err(CommitError::RunExists { run: key.clone() });
        }
        if changes.new_run.as_ref().is_none_or(|new| !self.plans.contains_key(&new.plan)) {
            return Err(CommitError::PlanMissing);
        }
        match &changes.floor {
            Some(floor) => {
                let (workflow, environment) = (&floor.workflow, floor.environment.as_ref());
                rule::admit_floor(floor, self.floor(&key.namespace, workflow, environment))
            }
            None => Ok(()),
        }
    }

    fn task_of(&self, run: &RunKey, task: TaskId) -> Option<&TaskRow> {
        self.task(&run.namespace, task)
    }

    /// Makes a commit that was judged, now or when it was written to the log.
    pub(crate) fn commit(&mut self, commit: &Commit, now: Timestamp) -> Result<Committed, CommitError> {
        let (key, changes) = (commit.run(), commit.changes());
        if let Some(new) = &changes.new_run {
            self.runs.insert(key.clone(), Run::new(rule::open(key, new)));
        }
        if let Some(floor) = &changes.floor {
            self.raise(&key.namespace, floor);
        }
        self.watermark += 1;
        let watermark = Watermark(self.watermark);
        let outbox: Vec<_> = changes.outbox.iter().map(|row| (self.next_outbox(), row)).collect();
        let run = self.runs.get_mut(key).ok_or_else(|| CommitError::RunNotFound { run: key.clone() })?;

        let answer = rule::advance(&mut run.row, commit, now);
        // Facts from outside have the store's time, and never one before the last record's.
        let last = run.commits.last().and_then(|made| made.records.last());
        let at = last.map_or(now, |record| record.at().max(now));
        let records: Arc<[Record]> = match commit.author() {
            Author::External => commit.records().iter().map(|record| stamped(record, at)).collect(),
            Author::Creator | Author::Holder { .. } => Arc::clone(commit.records()),
        };
        for change in &changes.tasks {
            match change {
                TaskChange::Open(task) => run.tasks.push((**task).clone()),
                other => {
                    let row = rule::task_of(other).and_then(|task| run.tasks.iter_mut().find(|row| row.task == task));
                    if let Some(row) = row {
                        rule::change_task(row, other, at);
                    }
                }
            }
        }
        for change in &changes.holds {
            match change {
                HoldChange::Take(hold) => {
                    run.holds.insert(hold.clone());
                }
                _ => run.holds.clear(),
            }
        }
        if let Some(start) = &changes.idempotency {
            run.start = Some(start.clone());
        }
        run.blobs.extend(changes.blobs.iter().map(|change| change.blob.digest()));
        run.outbox.extend(outbox.into_iter().map(|(id, row)| OutboxEntry {
            id,
            topic: row.topic,
            run: key.clone(),
            seq: answer.first.plus(row.record.into()),
        }));
        run.audit.extend(changes.audit.iter().map(|row| AuditEntry {
            at: records.get(row.record as usize).map_or(at, Record::at),
            action: row.action,
            actor: row.actor.clone(),
            task: row.task,
            seq: answer.first.plus(row.record.into()),
        }));
        run.commits.push(Made { id: commit.id(), answer, watermark, records });
        Ok(answer)
    }
}

impl Run {
    fn new(row: kneo_core::store::RunRow) -> Run {
        Run {
            row,
            commits: Vec::new(),
            tasks: Vec::new(),
            holds: Default::default(),
            start: None,
            blobs: Default::default(),
            outbox: Vec::new(),
            audit: Vec::new(),
        }
    }
}

fn stamped(record: &Record, at: Timestamp) -> Record {
    let mut record = record.clone();
    record.entry.at = at;
    record
}
