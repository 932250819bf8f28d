//! The rules by which every store judges commits and claims.
//!
//! SQLite says the same again in SQL where that saves a read; the conformance suite and the differential test keep the
//! two together.

use kneo_core::store::{CommitError, RunRow};
use kneo_core::task::{TaskRow, TaskState};
use kneo_core::{Digest, Fence, RunStatus, Seq, Timestamp, WorkerId};

/// Whether a holder may append.
///
/// A lease that ran out and was not claimed is still the holder's: the fence alone decides.
pub(crate) fn admit_holder(row: &RunRow, worker: WorkerId, fence: Fence, expected: Seq) -> Result<(), CommitError> {
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
pub(crate) fn admit_live(row: &RunRow) -> Result<(), CommitError> {
    match row.status.is_terminal() {
        true => Err(CommitError::Terminal { status: row.status }),
        false => Ok(()),
    }
}

/// Whether a task may be decided or reassigned.
///
/// Somebody who comes second is told who was first even if the run has ended since.
pub(crate) fn admit_decision(row: &RunRow, task: Option<&TaskRow>, now: Timestamp) -> Result<(), CommitError> {
    let task = task.filter(|task| task.run == row.key);
    if let Some(TaskState::Decided(decision)) = task.map(|task| &task.state) {
        return Err(CommitError::AlreadyDecided { decision: decision.clone() });
    }
    admit_live(row)?;
    let task = task.ok_or(CommitError::TaskUnknown)?;
    match &task.state {
        TaskState::Open if task.deadline.is_some_and(|deadline| deadline <= now) => {
            Err(CommitError::TaskClosed { state: TaskState::Expired })
        }
        TaskState::Open => Ok(()),
        closed => Err(CommitError::TaskClosed { state: closed.clone() }),
    }
}

/// Whether a worker that knows these plans may claim the run; `None` knows every plan.
pub(crate) fn claimable(row: &RunRow, now: Timestamp, plans: Option<&[Digest]>) -> bool {
    let leased = row.holder.is_some() && row.lease_until.is_some_and(|until| until > now);
    let to_end = row.cancel_requested || row.deadline.is_some_and(|deadline| deadline <= now);
    // A running run without a worker has lost it: somebody must get on with what was in flight.
    let due = row.status == RunStatus::Running || row.ready_at.is_some_and(|at| at <= now);
    let known = plans.is_none_or(|plans| plans.contains(&row.plan));
    !row.status.is_terminal() && !leased && (to_end || due && known)
}

/// Since when a run waits for a worker: claims serve the longest wait first.
pub(crate) fn waits_since(row: &RunRow) -> Timestamp {
    let ready = row.ready_at.unwrap_or(Timestamp::MAX);
    ready.min(row.deadline.unwrap_or(Timestamp::MAX))
}
