//! Commits: judged whole, then applied.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kneo_core::commit::{Author, Commit, HoldChange, LeaseChange, NewRun, TaskChange};
use kneo_core::record::Record;
use kneo_core::run::RunKey;
use kneo_core::store::{AuditEntry, CommitError, Committed, FeedItem, LEASE, OutboxEntry, OutboxId, RunRow, Watermark};
use kneo_core::task::{DecisionView, TaskRow, TaskState};
use kneo_core::{Fence, RunStatus, Seq, TaskId, Timestamp};

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
                match decided_task(commit) {
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
        match &changes.new_run {
            Some(new) if self.plans.contains_key(&new.plan) => Ok(()),
            _ => Err(CommitError::PlanMissing),
        }
    }

    fn task_of(&self, run: &RunKey, task: TaskId) -> Option<&TaskRow> {
        self.tasks.get(&(run.namespace.clone(), task))
    }

    /// Changes the run and every index of a commit that was judged.
    fn apply(&mut self, commit: &Commit, now: Timestamp) -> Result<Committed, CommitError> {
        let (key, changes) = (commit.run(), commit.changes());
        let State { runs, live, tasks, holds, starts, blobs, outbox, feed, last_watermark, last_outbox, .. } = self;
        let run = match (runs.entry(key.clone()), &changes.new_run) {
            (Entry::Occupied(run), _) => run.into_mut(),
            (Entry::Vacant(place), Some(new)) => {
                live.insert(key.clone());
                place.insert(Run::new(key, new))
            }
            (Entry::Vacant(_), None) => return Err(CommitError::RunNotFound { run: key.clone() }),
        };
        let answer = run.append(commit, now);

        *last_watermark += 1;
        let watermark = Watermark(*last_watermark);
        feed.push(FeedItem { watermark, run: key.clone(), first: answer.first, last: answer.tail });
        if run.row.status.is_terminal() {
            live.remove(key);
        }
        for change in &changes.tasks {
            match change {
                TaskChange::Open(task) => {
                    run.tasks.push(task.task);
                    tasks.insert((key.namespace.clone(), task.task), (**task).clone());
                }
                other => change_task(|task| tasks.get_mut(&(key.namespace.clone(), task)), other, now),
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
        let row = RunRow {
            key: key.clone(),
            workflow: new.workflow.clone(),
            plan: new.plan,
            status: RunStatus::Queued,
            starter: new.starter.clone(),
            labels: new.labels.clone(),
            started_at: new.started_at,
            ended_at: None,
            deadline: new.deadline,
            ready_at: None,
            tail: Seq::FIRST,
            cancel_requested: false,
            fence: Fence::default(),
            holder: None,
            lease_until: None,
            fruitless: 0,
        };
        Run {
            row,
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

    /// Adds the records and brings the row up to them.
    fn append(&mut self, commit: &Commit, now: Timestamp) -> Committed {
        let (row, changes) = (&mut self.row, commit.changes());
        let first = self.frames.last().map_or(Seq::FIRST, |frame| frame.answer.tail.plus(1));
        let count = u64::try_from(commit.records().len()).unwrap_or(u64::MAX);
        row.tail = first.plus(count - 1);

        row.status = changes.status.unwrap_or(row.status);
        row.ready_at = changes.ready_at.unwrap_or(row.ready_at);
        row.ended_at = changes.ended_at.or(row.ended_at);
        row.cancel_requested |= changes.cancel_requested;
        match (commit.author(), commit.lease()) {
            (Author::Creator, LeaseChange::Take { worker }) => {
                row.fence = row.fence.next();
                row.fruitless = 1;
                (row.holder, row.lease_until) = (Some(worker), Some(now.after(LEASE)));
            }
            (Author::Holder { .. }, LeaseChange::Keep) => row.lease_until = Some(now.after(LEASE)),
            (Author::Holder { .. }, LeaseChange::Release) => (row.holder, row.lease_until) = (None, None),
            (Author::External, _) => row.ready_at = Some(now),
            (Author::Creator | Author::Holder { .. }, _) => {}
        }
        if changes.progress {
            row.fruitless = 0;
        }
        if row.status.is_terminal() {
            (row.holder, row.lease_until) = (None, None);
        }

        let leased = commit.author() != Author::External && row.holder.is_some();
        let answer = Committed {
            first,
            tail: row.tail,
            fence: leased.then_some(row.fence),
            lease_until: row.lease_until.filter(|_| leased),
        };
        let records = match commit.author() {
            Author::External => {
                self.external.insert(commit.id(), answer);
                stamped(commit.records(), now)
            }
            Author::Creator | Author::Holder { .. } => Arc::clone(commit.records()),
        };
        for entry in &changes.audit {
            let at = usize::try_from(entry.record).ok().and_then(|at| records.get(at)).map_or(now, Record::at);
            let seq = first.plus(entry.record.into());
            self.audit.push(AuditEntry { at, action: entry.action, actor: entry.actor.clone(), task: entry.task, seq });
        }
        self.frames.push(Frame { commit: commit.id(), answer, records });
        answer
    }
}

/// The task that an external commit needs open.
fn decided_task(commit: &Commit) -> Option<TaskId> {
    commit.changes().tasks.iter().find_map(|change| match change {
        TaskChange::Decide { task, .. } | TaskChange::Reassign { task, .. } => Some(*task),
        _ => None,
    })
}

/// The records of an external author, with the store's time.
fn stamped(records: &[Record], now: Timestamp) -> Arc<[Record]> {
    let stamp = |record: &Record| {
        let mut record = record.clone();
        record.entry.at = now;
        record
    };
    records.iter().map(stamp).collect()
}

/// Changes the row of a task that is open; a holder may close one that is closed already.
fn change_task<'a>(find: impl FnOnce(TaskId) -> Option<&'a mut TaskRow>, change: &TaskChange, now: Timestamp) {
    let id = match change {
        TaskChange::Decide { task, .. }
        | TaskChange::Reassign { task, .. }
        | TaskChange::Escalate { task, .. }
        | TaskChange::Expire { task }
        | TaskChange::Withdraw { task } => *task,
        _ => return,
    };
    let Some(row) = find(id).filter(|row| row.state == TaskState::Open) else { return };
    match change {
        TaskChange::Decide { by, decision, .. } => {
            row.state = TaskState::Decided(DecisionView::new(by.clone(), now, decision.kind()));
        }
        TaskChange::Reassign { to, .. } => row.assignees = to.clone(),
        TaskChange::Escalate { at, .. } => (row.escalated_at, row.deadline) = (Some(*at), None),
        TaskChange::Expire { .. } => row.state = TaskState::Expired,
        TaskChange::Withdraw { .. } => row.state = TaskState::Withdrawn,
        _ => {}
    }
}
