//! Commits: judged whole, then applied.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kneo_core::commit::{Author, Commit, Floor, HoldChange, NewRun, TaskChange};
use kneo_core::record::Record;
use kneo_core::run::RunKey;
use kneo_core::store::{AuditEntry, CommitError, Committed, FeedItem, OutboxEntry, OutboxId, Watermark};
use kneo_core::task::TaskRow;
use kneo_core::{Name, Namespace, Seq, TaskId, Timestamp};

use super::state::{Frame, Run, State};
use crate::rule;

impl State {
    pub(super) fn commit(&mut self, commit: &Commit, now: Timestamp) -> Result<Committed, CommitError> {
        if let Some(first_answer) = self.runs.get(commit.run()).and_then(|run| run.answered(commit)) {
            return Ok(first_answer);
        }
        self.judge(commit, now)?;
        self.apply(commit, now)
    }

    /// Every way in which a commit can be refused. Changes nothing.
    fn judge(&self, commit: &Commit, now: Timestamp) -> Result<(), CommitError> {
        let key = commit.run();
        let run = self.runs.get(key);
        let existing = || run.map(|run| &run.row).ok_or_else(|| CommitError::RunNotFound { run: key.clone() });
        match commit.author() {
            Author::Creator => self.judge_start(commit, run)?,
            Author::Holder { worker, fence, expected } => rule::admit_holder(existing()?, worker, fence, expected)?,
            Author::External => {
                let row = existing()?;
                match rule::decided_task(commit) {
                    Some(task) => rule::admit_decision(row, self.task_of(key, task), now)?,
                    None => rule::admit_live(row)?,
                }
            }
        }
        for change in &commit.changes().tasks {
            if let TaskChange::Open(task) = change
                && self.task_of(key, task.task).is_some()
            {
                return Err(CommitError::TaskExists { task: task.task });
            }
        }
        for change in &commit.changes().holds {
            if let HoldChange::Take(hold) = change
                && let Some(holder) = self.holds.get(&(key.namespace.clone(), hold.clone()))
                && *holder != key.run
            {
                return Err(CommitError::Conflict { key: hold.key.to_shared(), holder: *holder });
            }
        }
        Ok(())
    }

    fn judge_start(&self, commit: &Commit, run: Option<&Run>) -> Result<(), CommitError> {
        let (key, changes) = (commit.run(), commit.changes());
        if let Some(start) = &changes.idempotency
            && let Some((known, run)) = self.starts.get(&(key.namespace.clone(), start.key.clone()))
        {
            return Err(match known.digest == start.digest {
                true => CommitError::Started { run: *run },
                false => CommitError::KeyConflict { run: *run },
            });
        }
        if run.is_some() {
            return Err(CommitError::RunExists { run: key.clone() });
        }
        if changes.new_run.as_ref().is_none_or(|new| !self.plans.contains_key(&new.plan)) {
            return Err(CommitError::PlanMissing);
        }
        match &changes.floor {
            Some(floor) => rule::admit_floor(floor, self.floors.get(&floor_key(&key.namespace, floor)).copied()),
            None => Ok(()),
        }
    }

    fn task_of(&self, run: &RunKey, task: TaskId) -> Option<&TaskRow> {
        self.tasks.get(&(run.namespace.clone(), task))
    }

    /// Changes the run and every index of a commit that was judged.
    fn apply(&mut self, commit: &Commit, now: Timestamp) -> Result<Committed, CommitError> {
        let (key, changes) = (commit.run(), commit.changes());
        let State {
            runs, live, tasks, holds, starts, floors, blobs, outbox, feed, last_watermark, last_outbox, ..
        } = self;
        let run = match (runs.entry(key.clone()), &changes.new_run) {
            (Entry::Occupied(run), _) => run.into_mut(),
            (Entry::Vacant(place), Some(new)) => {
                live.insert(key.clone());
                place.insert(Run::new(key, new))
            }
            (Entry::Vacant(_), None) => return Err(CommitError::RunNotFound { run: key.clone() }),
        };
        // Facts from outside have the store's time, but never run backwards within a run.
        let at = run.frames.last().and_then(|frame| frame.records.last()).map_or(now, |last| last.at().max(now));
        let answer = run.append(commit, now, at);

        *last_watermark += 1;
        let watermark = Watermark(*last_watermark);
        feed.push(FeedItem { watermark, run: key.clone(), first: answer.first, last: answer.tail });
        if run.row.status.is_terminal() {
            live.remove(key);
        }
        for change in &changes.tasks {
            if let TaskChange::Open(task) = change {
                run.tasks.push(task.task);
                tasks.insert((key.namespace.clone(), task.task), (**task).clone());
            } else if let Some(task) = rule::task_of(change)
                && let Some(row) = tasks.get_mut(&(key.namespace.clone(), task)).filter(|row| row.run == *key)
            {
                rule::change_task(row, change, at);
            }
        }
        for change in &changes.holds {
            match change {
                HoldChange::Take(hold) => {
                    holds.insert((key.namespace.clone(), hold.clone()), key.run);
                    run.holds.insert(hold.clone());
                }
                HoldChange::ReleaseAll => {
                    for hold in std::mem::take(&mut run.holds) {
                        holds.remove(&(key.namespace.clone(), hold));
                    }
                }
                _ => {}
            }
        }
        if let Some(start) = &changes.idempotency {
            starts.insert((key.namespace.clone(), start.key.clone()), (start.clone(), key.run));
            run.start = Some(start.clone());
        }
        if let Some(floor) = &changes.floor {
            let least = floors.entry(floor_key(&key.namespace, floor)).or_default();
            *least = floor.sequence.max(*least);
        }
        for change in &changes.blobs {
            if run.blobs.insert(change.blob.digest()) {
                *blobs.entry(change.blob.digest()).or_default() += 1;
            }
        }
        for row in &changes.outbox {
            *last_outbox += 1;
            let (id, seq) = (OutboxId(*last_outbox), answer.first.plus(row.record.into()));
            outbox.insert(id, OutboxEntry { id, topic: row.topic, run: key.clone(), seq });
        }
        Ok(answer)
    }
}

impl Run {
    /// A run without records yet.
    fn new(key: &RunKey, new: &NewRun) -> Run {
        Run {
            row: rule::open(key, new),
            frames: Vec::new(),
            external: HashMap::new(),
            holds: BTreeSet::new(),
            start: None,
            blobs: BTreeSet::new(),
            tasks: Vec::new(),
            audit: Vec::new(),
        }
    }

    /// What the same commit answered the first time.
    ///
    /// A creator's and a holder's commit can only stand at the place that it was made for.
    fn answered(&self, commit: &Commit) -> Option<Committed> {
        let first = match commit.author() {
            Author::Creator => Seq::FIRST,
            Author::Holder { expected, .. } => expected.plus(1),
            Author::External => return self.external.get(&commit.id()).copied(),
        };
        let at = self.frames.binary_search_by_key(&first, |frame| frame.answer.first).ok()?;
        self.frames.get(at).filter(|frame| frame.commit == commit.id()).map(|frame| frame.answer)
    }

    /// Adds the records, those from outside with this time, and brings the row up to them.
    fn append(&mut self, commit: &Commit, now: Timestamp, at: Timestamp) -> Committed {
        let answer = rule::advance(&mut self.row, commit, now);
        let records = match commit.author() {
            Author::External => {
                self.external.insert(commit.id(), answer);
                stamped(commit.records(), at)
            }
            Author::Creator | Author::Holder { .. } => Arc::clone(commit.records()),
        };
        for entry in &commit.changes().audit {
            let at = usize::try_from(entry.record).ok().and_then(|place| records.get(place)).map_or(at, Record::at);
            let seq = answer.first.plus(entry.record.into());
            self.audit.push(AuditEntry { at, action: entry.action, actor: entry.actor.clone(), task: entry.task, seq });
        }
        self.frames.push(Frame { commit: commit.id(), answer, records });
        answer
    }
}

fn floor_key(namespace: &Namespace, floor: &Floor) -> (Namespace, Name, Option<Name>) {
    (namespace.clone(), floor.workflow.clone(), floor.environment.clone())
}

/// The records of an external author, with the time that the store gives them.
fn stamped(records: &[Record], at: Timestamp) -> Arc<[Record]> {
    let stamp = |record: &Record| {
        let mut record = record.clone();
        record.entry.at = at;
        record
    };
    records.iter().map(stamp).collect()
}
