//! Every way in which a commit can be refused. Reads, and changes nothing.

use kneo_core::commit::{Author, Commit, Floor, HoldChange, TaskChange};
use kneo_core::digest::Digest;
use kneo_core::store::{CommitError, RunRow};
use kneo_core::{RunId, TaskId};
use rusqlite::{OptionalExtension, params};

use super::{Stop, Transaction};
use crate::rule;
use crate::sqlite::query;
use crate::sqlite::row::{self, RunAt};

/// A commit that may be written.
pub(super) enum Judged {
    /// To a run that it makes.
    New(RunRow),
    /// To a run that is there.
    Existing(RunAt, RunRow),
}

impl Transaction<'_> {
    pub(super) fn judge(&mut self, commit: &Commit, found: Option<(RunAt, RunRow)>) -> Result<Judged, Stop> {
        let key = commit.run();
        let judged = match commit.author() {
            Author::Creator => Judged::New(self.judge_start(commit, found.is_some())?),
            Author::Holder { .. } | Author::External => {
                let (at, row) = found.ok_or_else(|| CommitError::RunNotFound { run: key.clone() })?;
                match (commit.author(), rule::decided_task(commit)) {
                    (Author::Holder { worker, fence, expected }, _) => {
                        rule::admit_holder(&row, worker, fence, expected)?;
                    }
                    (_, Some(task)) => {
                        let task = query::task(self.connection, &key.namespace, task)?;
                        rule::admit_decision(&row, task.as_ref(), self.now)?;
                    }
                    (_, None) => rule::admit_live(&row)?,
                }
                Judged::Existing(at, row)
            }
        };
        for change in &commit.changes().tasks {
            if let TaskChange::Open(task) = change {
                self.admit_task(commit, task.task)?;
            }
        }
        for change in &commit.changes().holds {
            if let HoldChange::Take(hold) = change {
                self.admit_hold(commit, hold)?;
            }
        }
        Ok(judged)
    }

    fn judge_start(&mut self, commit: &Commit, exists: bool) -> Result<RunRow, Stop> {
        let (key, changes) = (commit.run(), commit.changes());
        if let Some(start) = &changes.idempotency {
            let mut select = self.connection.prepare_cached(
                "select s.digest, r.run from starts s join runs r on r.id = s.run where s.ns = ?1 and s.key = ?2",
            )?;
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let known: Option<([u8; 32], [u8; 16])> =
                select.query_row(params![key.namespace.as_str(), start.key.as_str()], read).optional()?;
            if let Some((digest, run)) = known {
                let run = RunId::from_bytes(run);
                return Err(Stop::Refused(match digest == *start.digest.as_bytes() {
                    true => CommitError::Started { run },
                    false => CommitError::KeyConflict { run },
                }));
            }
        }
        if exists {
            return Err(CommitError::RunExists { run: key.clone() }.into());
        }
        let row = match &changes.new_run {
            Some(new) if self.has_plan(new.plan)? => rule::open(key, new),
            _ => return Err(CommitError::PlanMissing.into()),
        };
        if let Some(floor) = &changes.floor {
            let Floor { workflow, environment, .. } = floor;
            let least = query::floor(self.connection, &key.namespace, workflow, environment.as_ref())?;
            rule::admit_floor(floor, least)?;
        }
        Ok(row)
    }

    fn has_plan(&mut self, plan: Digest) -> Result<bool, Stop> {
        if self.known.plans.contains(&plan) {
            return Ok(true);
        }
        let mut select = self.connection.prepare_cached("select 1 from plans where digest = ?1")?;
        let found: Option<i64> = select.query_row([plan.as_bytes()], row::only).optional()?;
        if found.is_some() {
            self.known.plans.insert(plan);
        }
        Ok(found.is_some())
    }

    fn admit_task(&self, commit: &Commit, task: TaskId) -> Result<(), Stop> {
        let mut select = self.connection.prepare_cached("select 1 from tasks where ns = ?1 and task = ?2")?;
        let found: Option<i64> =
            select.query_row(params![commit.run().namespace.as_str(), task.as_bytes()], row::only).optional()?;
        match found {
            Some(_) => Err(CommitError::TaskExists { task }.into()),
            None => Ok(()),
        }
    }

    fn admit_hold(&self, commit: &Commit, hold: &kneo_core::event::Hold) -> Result<(), Stop> {
        let mut select = self.connection.prepare_cached(
            "select r.run from holds h join runs r on r.id = h.run
             where h.ns = ?1 and h.scope = ?2 and h.key = ?3 and h.slot = ?4",
        )?;
        let of = params![commit.run().namespace.as_str(), hold.scope.as_str(), hold.key.as_str(), hold.slot];
        let holder: Option<[u8; 16]> = select.query_row(of, row::only).optional()?;
        match holder.map(RunId::from_bytes) {
            Some(holder) if holder != commit.run().run => {
                Err(CommitError::Conflict { key: hold.key.to_shared(), holder }.into())
            }
            Some(_) | None => Ok(()),
        }
    }
}
