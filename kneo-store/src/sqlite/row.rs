//! Rows, from columns and back.

use std::sync::Arc;

use kneo_core::event::TaskOpened;
use kneo_core::run::RunKey;
use kneo_core::store::RunRow;
use kneo_core::task::{DecisionView, Request, TaskRow, TaskState};
use kneo_core::{Actor, Digest, Fence, Name, Namespace, RunId, Seq, TaskId, Timestamp, WorkerId};
use rusqlite::Row;
use rusqlite::types::FromSql;

use super::error::{Done, Fault};

/// The columns of a run's row, in the order in which [`run`] reads them.
pub(super) const RUN: &str = "r.id, r.ns, r.run, r.workflow, r.plan, r.status, r.starter, r.started_at, r.ended_at, \
    r.deadline, r.ready_at, r.tail, r.cancel_requested, r.fence, r.worker, r.lease_until, r.fruitless, r.last_frame";

/// The columns of a task's row, in the order in which [`task`] reads them.
pub(super) const TASK: &str = "t.task, r.ns, r.run, t.path, t.request, t.digest, t.assignees, t.opened_at, \
    t.deadline, t.on_timeout, t.escalated_at, t.state, t.decided_by, t.decided_at, t.decided_kind";

/// Where a run stands in the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct RunAt {
    /// Its number.
    pub(super) id: i64,
    /// The number of its last frame.
    pub(super) last_frame: i64,
}

/// A run's row and where it stands. Its labels are in a table of their own.
pub(super) fn run(row: &Row<'_>) -> Done<(RunAt, RunRow)> {
    let found = RunRow {
        key: RunKey::new(namespace(row, 1)?, RunId::from_bytes(row.get(2)?)),
        workflow: name(row, 3)?,
        plan: Digest::from_bytes(row.get(4)?),
        status: parsed(row, 5)?,
        starter: actor(text(row, 6)?)?,
        labels: Vec::new(),
        started_at: time(row.get(7)?),
        ended_at: row.get::<_, Option<i64>>(8)?.map(time),
        deadline: row.get::<_, Option<i64>>(9)?.map(time),
        ready_at: row.get::<_, Option<i64>>(10)?.map(time),
        tail: seq(row.get(11)?)?,
        cancel_requested: row.get(12)?,
        fence: fence(row.get(13)?),
        holder: row.get::<_, Option<[u8; 16]>>(14)?.map(WorkerId::from_bytes),
        lease_until: row.get::<_, Option<i64>>(15)?.map(time),
        fruitless: row.get(16)?,
    };
    Ok((RunAt { id: row.get(0)?, last_frame: row.get(17)? }, found))
}

/// A task's row.
pub(super) fn task(row: &Row<'_>) -> Done<TaskRow> {
    let key = RunKey::new(namespace(row, 1)?, RunId::from_bytes(row.get(2)?));
    let request: Arc<Request> = Arc::new(json(text(row, 4)?)?);
    let opened = TaskOpened {
        task: TaskId::from_bytes(row.get(0)?),
        request,
        digest: Digest::from_bytes(row.get(5)?),
        assignees: json(text(row, 6)?)?,
        deadline: row.get::<_, Option<i64>>(8)?.map(time),
        on_timeout: json(text(row, 9)?)?,
    };
    let mut found = TaskRow::open(key, parsed(row, 3)?, time(row.get(7)?), &opened);
    found.escalated_at = row.get::<_, Option<i64>>(10)?.map(time);
    found.state = match text(row, 11)? {
        "open" => TaskState::Open,
        "expired" => TaskState::Expired,
        "withdrawn" => TaskState::Withdrawn,
        "decided" => {
            let (by, at) = (actor(text(row, 12)?)?, time(row.get(13)?));
            TaskState::Decided(DecisionView::new(by, at, parsed(row, 14)?))
        }
        other => return Err(Fault::damaged(format!("a task is `{other}`"))),
    };
    Ok(found)
}

/// A text column, without copying it.
pub(super) fn text<'row>(row: &'row Row<'_>, at: usize) -> Done<&'row str> {
    row.get_ref(at)?.as_str().map_err(Fault::damaged)
}

/// A column of the words of an enumeration, or of any other text that its type parses.
pub(super) fn parsed<T>(row: &Row<'_>, at: usize) -> Done<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text(row, at)?.parse().map_err(Fault::damaged)
}

pub(super) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Done<T> {
    serde_json::from_str(text).map_err(Fault::damaged)
}

pub(super) fn name(row: &Row<'_>, at: usize) -> Done<Name> {
    Name::new(text(row, at)?).map_err(Fault::damaged)
}

pub(super) fn namespace(row: &Row<'_>, at: usize) -> Done<Namespace> {
    name(row, at).map(Namespace::new)
}

pub(super) fn actor(text: &str) -> Done<Actor> {
    Actor::from_stored(text).map_err(Fault::damaged)
}

pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(micros)
}

pub(super) fn fence(fence: i64) -> Fence {
    Fence::new(u64::try_from(fence).unwrap_or(0))
}

pub(super) fn seq(seq: i64) -> Done<Seq> {
    let found = u64::try_from(seq).ok().and_then(Seq::new);
    found.ok_or_else(|| Fault::damaged(format!("a record has the place {seq}")))
}

/// The number that a column holds for a count, a fence or a place; beyond its range lies nothing that exists.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The only column of a row.
pub(super) fn only<T: FromSql>(row: &Row<'_>) -> rusqlite::Result<T> {
    row.get(0)
}
