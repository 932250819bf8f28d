//! The rules by which every store judges commits and claims, and what a commit makes of a row.
//!
//! They are pure: a store reads the rows that they ask for, and writes what they make of them, under one lock or in one
//! transaction. SQLite says the same again in SQL where that saves a read; the conformance suite and the differential
//! test keep the two together.

use kneo_core::commit::{Author, Commit, Floor, LeaseChange, NewRun, TaskChange};
use kneo_core::plan::OnTimeout;
use kneo_core::run::RunKey;
use kneo_core::store::{CommitError, Committed, HEARTBEAT, LEASE, RunRow};
use kneo_core::task::{DecisionView, TaskRow, TaskState};
use kneo_core::{Digest, Fence, RunStatus, Seq, TaskId, Timestamp, WorkerId};

/// The row of a run that has no records yet.
#[must_use]
pub fn open(key: &RunKey, new: &NewRun) -> RunRow {
    RunRow {
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
    }
}

/// Brings a run's row up to a commit that was admitted, and gives the commit's answer.
pub fn advance(row: &mut RunRow, commit: &Commit, now: Timestamp) -> Committed {
    let (author, changes) = (commit.author(), commit.changes());
    let first = match author {
        Author::Creator => Seq::FIRST,
        Author::Holder { .. } | Author::External => row.tail.plus(1),
    };
    let more = commit.records().len().saturating_sub(1);
    row.tail = first.plus(u64::try_from(more).unwrap_or(u64::MAX));

    row.status = changes.status.unwrap_or(row.status);
    row.ready_at = changes.ready_at.unwrap_or(row.ready_at);
    row.ended_at = changes.ended_at.or(row.ended_at);
    row.cancel_requested |= changes.cancel_requested;
    match (author, commit.lease()) {
        (Author::Creator, LeaseChange::Take { worker }) => lease(row, worker, now),
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

    let leased = author != Author::External && row.holder.is_some();
    Committed {
        first,
        tail: row.tail,
        fence: leased.then_some(row.fence),
        lease_until: row.lease_until.filter(|_| leased),
    }
}

/// Gives a run's lease to a worker, under a fence that was never used.
pub fn lease(row: &mut RunRow, worker: WorkerId, now: Timestamp) {
    row.fence = row.fence.next();
    row.fruitless = row.fruitless.saturating_add(1);
    (row.holder, row.lease_until) = (Some(worker), Some(now.after(LEASE)));
}

/// Whether a lease has so little left that a heartbeat must extend it.
#[must_use]
pub fn runs_low(lease_until: Option<Timestamp>, now: Timestamp) -> bool {
    lease_until.is_none_or(|until| until < now.after(LEASE.saturating_sub(HEARTBEAT)))
}

/// The task that an external commit needs open.
#[must_use]
pub fn decided_task(commit: &Commit) -> Option<TaskId> {
    commit.changes().tasks.iter().find_map(|change| match change {
        TaskChange::Decide { task, .. } | TaskChange::Reassign { task, .. } => Some(*task),
        _ => None,
    })
}

/// Changes the row of a task that is open; a closed one stays as it is.
pub fn change_task(row: &mut TaskRow, change: &TaskChange, now: Timestamp) {
    if row.state != TaskState::Open {
        return;
    }
    match change {
        TaskChange::Decide { by, decision, .. } => {
            row.state = TaskState::Decided(DecisionView::new(by.clone(), now, decision.kind()));
        }
        TaskChange::Reassign { to, .. } => row.assignees = to.clone(),
        TaskChange::Escalate { at, .. } => (row.escalated_at, row.deadline) = (Some(*at), None),
        TaskChange::Expire { .. } => row.state = TaskState::Expired,
        TaskChange::Withdraw { .. } => row.state = TaskState::Withdrawn,
        // Opening makes a row, and a change that this build does not know has no row to change.
        _ => {}
    }
}

/// The task that a change is about.
#[must_use]
pub fn task_of(change: &TaskChange) -> Option<TaskId> {
    match change {
        TaskChange::Open(row) => Some(row.task),
        TaskChange::Decide { task, .. }
        | TaskChange::Reassign { task, .. }
        | TaskChange::Escalate { task, .. }
        | TaskChange::Expire { task }
        | TaskChange::Withdraw { task } => Some(*task),
        _ => None,
    }
}

/// Whether a holder may append.
///
/// A lease that ran out and was not claimed is still the holder's: the fence alone decides.
///
/// # Errors
/// The run has ended, the lease is another's, or the holder does not know the run's last record.
pub fn admit_holder(row: &RunRow, worker: WorkerId, fence: Fence, expected: Seq) -> Result<(), CommitError> {
    admit_live(row)?;
    if row.fence != fence || row.holder != Some(worker) {
        return Err(CommitError::LeaseLost { holder: row.holder });
    }
    if row.tail != expected {
        return Err(CommitError::Behind { tail: row.tail });
    }
    Ok(())
}

/// Whether anybody may append.
///
/// # Errors
/// The run has ended.
pub fn admit_live(row: &RunRow) -> Result<(), CommitError> {
    match row.status.is_terminal() {
        true => Err(CommitError::Terminal { status: row.status }),
        false => Ok(()),
    }
}

/// Whether a task may be decided or reassigned.
///
/// Somebody who comes second is told who was first even if the run has ended since. A run that was asked to stop, or
/// whose own deadline has passed, waits for no answer any more: its tasks count as withdrawn before a worker says so, so
/// that of a decision and a cancel only the first one counts. A task that escalates stays open past its own deadline.
///
/// # Errors
/// Somebody decided it first, the run has ended, or the task is unknown, closed, or waits no more.
pub fn admit_decision(row: &RunRow, task: Option<&TaskRow>, now: Timestamp) -> Result<(), CommitError> {
    let task = task.filter(|task| task.run == row.key);
    if let Some(TaskState::Decided(decision)) = task.map(|task| &task.state) {
        return Err(CommitError::AlreadyDecided { decision: decision.clone() });
    }
    admit_live(row)?;
    let task = task.ok_or(CommitError::TaskUnknown)?;
    let closes = task.deadline.filter(|_| task.on_timeout != OnTimeout::Escalate);
    let stopping = row.cancel_requested || row.deadline.is_some_and(|at| at <= now);
    match &task.state {
        TaskState::Open if stopping => Err(CommitError::TaskClosed { state: TaskState::Withdrawn }),
        TaskState::Open if closes.is_some_and(|at| at <= now) => {
            Err(CommitError::TaskClosed { state: TaskState::Expired })
        }
        TaskState::Open => Ok(()),
        closed => Err(CommitError::TaskClosed { state: closed.clone() }),
    }
}

/// Whether a start that has a floor may make its run, where its namespace, workflow and environment have this one.
///
/// # Errors
/// A later plan has started.
pub fn admit_floor(floor: &Floor, least: Option<u64>) -> Result<(), CommitError> {
    match least {
        Some(least) if floor.sequence < least => Err(CommitError::RolledBack { sequence: floor.sequence, least }),
        _ => Ok(()),
    }
}

/// Whether a worker that knows these plans may claim the run; `None` knows every plan.
#[must_use]
pub fn claimable(row: &RunRow, now: Timestamp, plans: Option<&[Digest]>) -> bool {
    let leased = row.holder.is_some() && row.lease_until.is_some_and(|until| until > now);
    let to_end = row.cancel_requested || row.deadline.is_some_and(|deadline| deadline <= now);
    // A running run without a worker has lost it: somebody must get on with what was in flight.
    let due = row.status == RunStatus::Running || row.ready_at.is_some_and(|at| at <= now);
    let known = plans.is_none_or(|plans| plans.contains(&row.plan));
    !row.status.is_terminal() && !leased && (to_end || due && known)
}

/// Since when a run waits for a worker: claims serve the longest wait first.
#[must_use]
pub fn waits_since(row: &RunRow) -> Timestamp {
    let ready = row.ready_at.unwrap_or(Timestamp::MAX);
    ready.min(row.deadline.unwrap_or(Timestamp::MAX))
}
