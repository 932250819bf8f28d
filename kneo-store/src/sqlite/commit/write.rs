//! What an admitted commit writes.

use kneo_core::commit::{Commit, Floor, HoldChange, TaskChange};
use kneo_core::record::Record;
use kneo_core::store::{Committed, RunRow};
use kneo_core::task::TaskRow;
use kneo_core::{Actor, Name, Timestamp};
use rusqlite::params;
use serde::Serialize;

use super::{Stop, Transaction};
use crate::sqlite::error::Fault;
use crate::sqlite::row::int;

impl Transaction<'_> {
    pub(super) fn insert_run(&self, row: &RunRow, frame: i64) -> Result<i64, Stop> {
        let mut insert = self.connection.prepare_cached(
            "insert into runs (ns, run, workflow, plan, status, starter, started_at, ended_at, deadline, ready_at,
               tail, cancel_requested, fence, worker, lease_until, fruitless, last_frame)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?;
        let id = insert.insert(params![
            row.key.namespace.as_str(),
            row.key.run.as_bytes(),
            row.workflow.as_str(),
            row.plan.as_bytes(),
            row.status.as_str(),
            row.starter.to_stored(),
            row.started_at.as_unix_micros(),
            micros(row.ended_at),
            micros(row.deadline),
            micros(row.ready_at),
            int(row.tail.as_u64()),
            row.cancel_requested,
            int(row.fence.as_u64()),
            row.holder.map(|worker| *worker.as_bytes()),
            micros(row.lease_until),
            row.fruitless,
            frame,
        ])?;
        for (place, (name, value)) in (0i64..).zip(&row.labels) {
            let mut insert = self
                .connection
                .prepare_cached("insert into labels (run, place, name, value) values (?1, ?2, ?3, ?4)")?;
            insert.execute(params![id, place, name.as_str(), &**value])?;
        }
        Ok(id)
    }

    pub(super) fn update_run(&self, id: i64, row: &RunRow, frame: i64) -> Result<i64, Stop> {
        let mut update = self.connection.prepare_cached(
            "update runs set tail = ?2, lease_until = ?3, fruitless = ?4, fence = ?5, worker = ?6, status = ?7,
               ready_at = ?8, cancel_requested = ?9, ended_at = ?10, last_frame = ?11 where id = ?1",
        )?;
        update.execute(params![
            id,
            int(row.tail.as_u64()),
            micros(row.lease_until),
            row.fruitless,
            int(row.fence.as_u64()),
            row.holder.map(|worker| *worker.as_bytes()),
            row.status.as_str(),
            micros(row.ready_at),
            row.cancel_requested,
            micros(row.ended_at),
            frame,
        ])?;
        Ok(id)
    }

    pub(super) fn write_indexes(&self, id: i64, commit: &Commit, answer: &Committed) -> Result<(), Stop> {
        let (ns, changes) = (commit.run().namespace.as_str(), commit.changes());
        for change in &changes.tasks {
            self.write_task(id, ns, change)?;
        }
        for change in &changes.holds {
            self.write_hold(id, ns, change)?;
        }
        if let Some(start) = &changes.idempotency {
            let mut insert =
                self.connection.prepare_cached("insert into starts (ns, key, digest, run) values (?1, ?2, ?3, ?4)")?;
            insert.execute(params![ns, start.key.as_str(), start.digest.as_bytes(), id])?;
        }
        if let Some(floor) = &changes.floor {
            self.raise_floor(ns, floor)?;
        }
        self.insert_blobs(id, commit)?;
        for row in &changes.outbox {
            let mut insert =
                self.connection.prepare_cached("insert into outbox (ns, topic, run, seq) values (?1, ?2, ?3, ?4)")?;
            let seq = answer.first.plus(row.record.into());
            insert.execute(params![ns, row.topic.as_str(), id, int(seq.as_u64())])?;
        }
        for row in &changes.audit {
            let mut insert = self.connection.prepare_cached(
                "insert into audit (run, seq, at, action, actor, task) values (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            insert.execute(params![
                id,
                int(answer.first.plus(row.record.into()).as_u64()),
                self.time_of(commit, row.record).as_unix_micros(),
                row.action.as_str(),
                row.actor.to_stored(),
                row.task.map(|task| *task.as_bytes()),
            ])?;
        }
        Ok(())
    }

    /// A floor only rises; one that stands already is not written again.
    fn raise_floor(&self, ns: &str, floor: &Floor) -> Result<(), Stop> {
        let mut raise = self.connection.prepare_cached(
            "insert into floors (ns, workflow, environment, sequence) values (?1, ?2, ?3, ?4)
             on conflict do update set sequence = excluded.sequence where excluded.sequence > sequence",
        )?;
        let environment = floor.environment.as_ref().map_or("", Name::as_str);
        raise.execute(params![ns, floor.workflow.as_str(), environment, int(floor.sequence)])?;
        Ok(())
    }

    pub(super) fn insert_blobs(&self, id: i64, commit: &Commit) -> Result<(), Stop> {
        for change in &commit.changes().blobs {
            let digest = change.blob.digest();
            let mut keep = self
                .connection
                .prepare_cached("insert into blobs (digest, bytes) values (?1, ?2) on conflict do nothing")?;
            keep.execute(params![digest.as_bytes(), &change.blob.bytes()[..]])?;
            let mut refer = self
                .connection
                .prepare_cached("insert into blob_refs (run, digest) values (?1, ?2) on conflict do nothing")?;
            refer.execute(params![id, digest.as_bytes()])?;
        }
        Ok(())
    }

    /// A record's time: the store's if it came from outside.
    fn time_of(&self, commit: &Commit, record: u32) -> Timestamp {
        let record = usize::try_from(record).ok().and_then(|at| commit.records().get(at));
        record.filter(|record| !record.event().is_external()).map_or(self.now, Record::at)
    }

    fn write_task(&self, run: i64, ns: &str, change: &TaskChange) -> Result<(), Stop> {
        let open = "where ns = ?1 and task = ?2 and run = ?3 and state = 'open'";
        let prepare = |set: &str| self.connection.prepare_cached(&format!("update tasks set {set} {open}"));
        match change {
            TaskChange::Open(row) => self.insert_task(run, ns, row)?,
            TaskChange::Decide { task, by, decision } => {
                let set = "state = 'decided', decided_by = ?4, decided_at = ?5, decided_kind = ?6";
                let (by, at) = (Actor::to_stored(by), self.now.as_unix_micros());
                prepare(set)?.execute(params![ns, task.as_bytes(), run, by, at, decision.kind().as_str()])?;
            }
            TaskChange::Reassign { task, to } => {
                prepare("assignees = ?4")?.execute(params![ns, task.as_bytes(), run, json(to)?])?;
            }
            TaskChange::Escalate { task, at } => {
                let set = "escalated_at = ?4, deadline = null";
                prepare(set)?.execute(params![ns, task.as_bytes(), run, at.as_unix_micros()])?;
            }
            TaskChange::Expire { task } => {
                prepare("state = 'expired'")?.execute(params![ns, task.as_bytes(), run])?;
            }
            TaskChange::Withdraw { task } => {
                prepare("state = 'withdrawn'")?.execute(params![ns, task.as_bytes(), run])?;
            }
            other => return Err(unknown(other)),
        }
        Ok(())
    }

    fn insert_task(&self, run: i64, ns: &str, row: &TaskRow) -> Result<(), Stop> {
        let mut insert = self.connection.prepare_cached(
            "insert into tasks (ns, task, run, path, request, digest, assignees, opened_at, deadline, on_timeout, state)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'open')",
        )?;
        insert.execute(params![
            ns,
            row.task.as_bytes(),
            run,
            row.path.to_string(),
            json(&*row.request)?,
            row.digest.as_bytes(),
            json(&row.assignees)?,
            row.opened_at.as_unix_micros(),
            micros(row.deadline),
            json(&row.on_timeout)?,
        ])?;
        Ok(())
    }

    fn write_hold(&self, run: i64, ns: &str, change: &HoldChange) -> Result<(), Stop> {
        match change {
            HoldChange::Take(hold) => {
                let mut insert = self.connection.prepare_cached(
                    "insert into holds (ns, scope, key, slot, run) values (?1, ?2, ?3, ?4, ?5) on conflict do nothing",
                )?;
                insert.execute(params![ns, hold.scope.as_str(), hold.key.as_str(), hold.slot, run])?;
            }
            HoldChange::ReleaseAll => {
                self.connection.prepare_cached("delete from holds where run = ?1")?.execute([run])?;
            }
            other => return Err(unknown(other)),
        }
        Ok(())
    }
}

fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_unix_micros)
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::damaged)
}

/// A change that this store cannot keep must not be dropped.
fn unknown(change: &dyn std::fmt::Debug) -> Stop {
    Stop::Failed(Fault::damaged(format!("this store has no row for {change:?}: upgrade it")))
}
