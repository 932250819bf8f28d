//! Deletes what is no longer wanted.

use kneo_core::Namespace;
use kneo_core::store::{OutboxId, Pruned, Retention};
use rusqlite::{Connection, params};

use super::chain;
use super::error::Done;
use super::query;
use super::row::{self, int};

/// Tables whose rows belong to one run.
const OF_A_RUN: [&str; 7] = [
    "delete from labels where run = ?1",
    "delete from tasks where run = ?1",
    "delete from holds where run = ?1",
    "delete from starts where run = ?1",
    "delete from outbox where run = ?1",
    "delete from audit where run = ?1",
    "delete from runs where id = ?1",
];

pub(super) fn prune(connection: &Connection, retention: &Retention) -> Done<Pruned> {
    let newest = newest_frame(connection)?;
    let old = "select id from runs where ns = ?1 and ended_at is not null and ended_at < ?2
               order by ended_at, run limit ?3";
    let before = retention.ended_before.as_unix_micros();
    let of = params![retention.namespace.as_str(), before, query::limit(retention.max)];
    let doomed: Vec<i64> = query::all(connection, old, of, |row| Ok(row.get(0)?))?;
    let mut pruned = Pruned::default();
    for run in doomed {
        pruned.blobs += forget_blobs(connection, run)?;
        chain::forget(connection, run)?;
        for sql in OF_A_RUN {
            connection.prepare_cached(sql)?.execute([run])?;
        }
        pruned.runs += 1;
    }
    if pruned.runs > 0 {
        keep_watermark(connection, newest)?;
    }
    Ok(pruned)
}

pub(super) fn outbox_done(connection: &Connection, namespace: &Namespace, done: &[OutboxId]) -> Done<()> {
    let mut delete = connection.prepare_cached("delete from outbox where ns = ?1 and id = ?2")?;
    for id in done {
        delete.execute(params![namespace.as_str(), int(id.0)])?;
    }
    Ok(())
}

/// Deletes the run's references, and the blobs to which they were the last.
fn forget_blobs(connection: &Connection, run: i64) -> Done<u64> {
    let of_run = "select digest from blob_refs where run = ?1";
    let digests: Vec<[u8; 32]> = query::all(connection, of_run, [run], |row| Ok(row.get(0)?))?;
    connection.prepare_cached("delete from blob_refs where run = ?1")?.execute([run])?;
    let mut blobs = 0;
    let mut delete = connection.prepare_cached(
        "delete from blobs where digest = ?1 and not exists (select 1 from blob_refs where digest = ?1)",
    )?;
    for digest in digests {
        blobs += u64::try_from(delete.execute([digest])?).unwrap_or(0);
    }
    Ok(blobs)
}

fn newest_frame(connection: &Connection) -> Done<i64> {
    Ok(connection.prepare_cached("select coalesce(max(id), 0) from frames")?.query_row([], row::only)?)
}

/// The newest frame's number must not be given again, or feeds would pass over the frame that gets it: an empty frame
/// of no run keeps it.
fn keep_watermark(connection: &Connection, newest: i64) -> Done<()> {
    connection.prepare_cached("delete from frames where run = 0 and id < (select max(id) from frames)")?.execute([])?;
    if newest_frame(connection)? < newest {
        connection.prepare_cached("delete from frames where run = 0")?.execute([])?;
        connection
            .prepare_cached(
                "insert into frames (id, run, first, count, author, at, last_at, v, commit_id, body)
                 values (?1, 0, 1, 0, 0, 0, 0, 0, x'', x'')",
            )?
            .execute([newest])?;
    }
    Ok(())
}
