//! Leases.

use std::collections::{BTreeMap, BTreeSet};

use kneo_core::run::RunKey;
use kneo_core::store::{Beat, Claimed, LEASE, RunRow};
use kneo_core::{Digest, Fence, Namespace, RunId, Timestamp, WorkerId};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::error::Done;
use super::lock::WorkerLocks;
use super::query;
use super::row::{self, RunAt, int};
use super::writer::Desk;
use crate::rule;

/// A [`ClaimAsk`](kneo_core::store::ClaimAsk) that can wait in a queue.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) worker: WorkerId,
    pub(super) namespace: Namespace,
    pub(super) run: Option<RunId>,
    pub(super) plans: Vec<Digest>,
    pub(super) max: usize,
}

/// The runs that a worker may claim, those that wait longest first.
pub(super) fn claimable(
    connection: &Connection,
    ask: &Ask,
    locks: &WorkerLocks,
    now: Timestamp,
) -> Done<Vec<(RunAt, RunRow)>> {
    let mut found = match ask.run {
        Some(run) => query::find_run(connection, &RunKey::new(ask.namespace.clone(), run))?.into_iter().collect(),
        None => {
            let mut found = unusual(connection, &ask.namespace, locks, now)?;
            for plan in &ask.plans {
                let free = "r.ns = ?1 and r.plan = ?2 and r.ended_at is null and r.worker is null
                    and r.ready_at <= ?3 order by r.ready_at, r.run limit ?4";
                let max = query::limit(ask.max);
                let of = params![ask.namespace.as_str(), plan.as_bytes(), now.as_unix_micros(), max];
                found.extend(select(connection, free, of)?);
            }
            found
        }
    };
    let mut dead = Dead::new(locks);
    found.retain(|_, row| rule::claimable(&dead.unleased(row), now, Some(&ask.plans)));
    let mut found: Vec<(RunAt, RunRow)> = found.into_iter().collect();
    found.sort_by_key(|(_, row)| (rule::waits_since(row), row.key.run));
    found.truncate(ask.max);
    Ok(found)
}

/// Leases what may be claimed, inside the leader's transaction.
pub(super) fn claim(desk: &mut Desk, ask: &Ask, locks: &WorkerLocks, now: Timestamp) -> Done<Vec<Claimed>> {
    let found = claimable(&desk.connection, ask, locks, now)?;
    let mut claimed = Vec::with_capacity(found.len());
    for (at, mut row) in found {
        rule::lease(&mut row, ask.worker, now);
        let mut update = desk.connection.prepare_cached(
            "update runs set fence = ?2, fruitless = ?3, worker = ?4, lease_until = ?5 where id = ?1",
        )?;
        let until = now.after(LEASE).as_unix_micros();
        update.execute(params![at.id, int(row.fence.as_u64()), row.fruitless, ask.worker.as_bytes(), until])?;
        desk.known.learn(&row.key, at);
        let RunRow { key, plan, fence, tail, fruitless, .. } = row;
        claimed.push(Claimed { run: key, plan, fence, tail, fruitless });
    }
    Ok(claimed)
}

/// The plans of runs that somebody could claim.
pub(super) fn ready_plans(
    connection: &Connection,
    namespace: &Namespace,
    locks: &WorkerLocks,
    now: Timestamp,
) -> Done<Vec<Digest>> {
    // Goes from plan to plan through the index, however many runs of each are waiting.
    let free = "with recursive p (plan) as (
          select min(plan) from runs where ns = ?1 and ended_at is null and worker is null
          union all
          select (select min(r.plan) from runs r
                  where r.ns = ?1 and r.ended_at is null and r.worker is null and r.plan > p.plan)
          from p where p.plan is not null)
        select plan from p where plan is not null and exists (
          select 1 from runs r where r.ns = ?1 and r.plan = p.plan and r.ended_at is null and r.worker is null
            and r.ready_at <= ?2)";
    let of = params![namespace.as_str(), now.as_unix_micros()];
    let mut plans: BTreeSet<Digest> =
        query::all(connection, free, of, |row| Ok(Digest::from_bytes(row.get(0)?)))?.into_iter().collect();
    let mut dead = Dead::new(locks);
    let rest = unusual(connection, namespace, locks, now)?.into_values();
    plans.extend(rest.filter(|row| rule::claimable(&dead.unleased(row), now, None)).map(|row| row.plan));
    Ok(plans.into_iter().collect())
}

/// Runs that may be claimable for another reason than being free and due. Few at any time.
fn unusual(
    connection: &Connection,
    namespace: &Namespace,
    locks: &WorkerLocks,
    now: Timestamp,
) -> Done<BTreeMap<RunAt, RunRow>> {
    let (ns, at) = (namespace.as_str(), now.as_unix_micros());
    let lost = "r.ns = ?1 and r.ended_at is null and r.worker is null and r.status = 'running'";
    let stopping = "r.ns = ?1 and r.ended_at is null and r.cancel_requested";
    let bounded = "r.ns = ?1 and r.ended_at is null and r.deadline is not null and r.deadline <= ?2";
    let lapsed = "r.ns = ?1 and r.worker is not null and r.lease_until <= ?2";
    let mut found = select(connection, lost, [ns])?;
    found.extend(select(connection, stopping, [ns])?);
    found.extend(select(connection, bounded, params![ns, at])?);
    found.extend(select(connection, lapsed, params![ns, at])?);
    for worker in holders(connection, namespace)?.into_iter().filter(|worker| locks.is_dead(*worker)) {
        let held = "r.ns = ?1 and r.worker is not null and r.worker = ?2";
        found.extend(select(connection, held, params![ns, worker.as_bytes()])?);
    }
    Ok(found)
}

fn select(connection: &Connection, condition: &str, of: impl Params) -> Done<BTreeMap<RunAt, RunRow>> {
    let sql = format!("select {} from runs r where {condition}", row::RUN);
    Ok(query::all(connection, &sql, of, row::run)?.into_iter().collect())
}

/// The workers that hold leases.
fn holders(connection: &Connection, namespace: &Namespace) -> Done<Vec<WorkerId>> {
    let sql = "select distinct worker from runs where ns = ?1 and worker is not null";
    query::all(connection, sql, [namespace.as_str()], |row| Ok(WorkerId::from_bytes(row.get(0)?)))
}

/// Which workers are gone, each looked at once.
struct Dead<'a> {
    locks: &'a WorkerLocks,
    known: BTreeMap<WorkerId, bool>,
}

impl Dead<'_> {
    fn new(locks: &WorkerLocks) -> Dead<'_> {
        Dead { locks, known: BTreeMap::new() }
    }

    /// The row as it stands once the lease of a dead worker is taken away.
    fn unleased(&mut self, row: &RunRow) -> RunRow {
        let mut row = row.clone();
        let locks = self.locks;
        if let Some(worker) = row.holder
            && *self.known.entry(worker).or_insert_with(|| locks.is_dead(worker))
        {
            row.lease_until = None;
        }
        row
    }
}

/// Answers a heartbeat, and extends a lease of which little is left.
pub(super) fn beat(
    connection: &Connection,
    worker: WorkerId,
    run: &RunKey,
    fence: Fence,
    now: Timestamp,
) -> Done<Beat> {
    match listen(connection, worker, run, fence, now)? {
        Some(beat) => Ok(beat),
        None => extend(connection, worker, run, fence, now),
    }
}

/// What a heartbeat answers without extending the lease; `None` if it has to.
pub(super) fn listen(
    connection: &Connection,
    worker: WorkerId,
    run: &RunKey,
    fence: Fence,
    now: Timestamp,
) -> Done<Option<Beat>> {
    let mut select = connection.prepare_cached(
        "select tail, cancel_requested, lease_until from runs where ns = ?1 and run = ?2 and fence = ?3 and worker = ?4",
    )?;
    let of = params![run.namespace.as_str(), run.run.as_bytes(), int(fence.as_u64()), worker.as_bytes()];
    let found: Option<(i64, bool, Option<i64>)> =
        select.query_row(of, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    match found {
        None => Ok(Some(Beat::Lost)),
        Some((_, _, until)) if rule::runs_low(until.map(row::time), now) => Ok(None),
        Some((tail, cancel_requested, _)) => Ok(Some(Beat::Held { tail: row::seq(tail)?, cancel_requested })),
    }
}

fn extend(connection: &Connection, worker: WorkerId, run: &RunKey, fence: Fence, now: Timestamp) -> Done<Beat> {
    let mut update = connection.prepare_cached(
        "update runs set lease_until = ?1 where ns = ?2 and run = ?3 and fence = ?4 and worker = ?5
         returning tail, cancel_requested",
    )?;
    let until = now.after(LEASE).as_unix_micros();
    let of = params![until, run.namespace.as_str(), run.run.as_bytes(), int(fence.as_u64()), worker.as_bytes()];
    let found: Option<(i64, bool)> = update.query_row(of, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    found.map_or(Ok(Beat::Lost), |(tail, cancel_requested)| Ok(Beat::Held { tail: row::seq(tail)?, cancel_requested }))
}

/// Gives a lease back, and tells whether it was held.
pub(super) fn release(connection: &Connection, run: &RunKey, fence: Fence) -> Done<bool> {
    let mut update = connection.prepare_cached(
        "update runs set worker = null, lease_until = null
         where ns = ?1 and run = ?2 and fence = ?3 and worker is not null",
    )?;
    Ok(update.execute(params![run.namespace.as_str(), run.run.as_bytes(), int(fence.as_u64())])? > 0)
}
