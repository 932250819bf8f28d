//! The raw limits: what SQLite itself gives on this disk for the same bytes.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

use crate::durable::WARM_STEPS;
use crate::figure::{Took, Watch};

/// About what a step's frame holds.
const FRAME_BYTES: usize = 480;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sync {
    Normal,
    Full,
}

fn open(path: &Path, sync: Sync) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(Duration::from_secs(5))?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", if sync == Sync::Full { "full" } else { "normal" })?;
    db.execute_batch(
        "create table if not exists step (run integer, seq integer, body blob, primary key (run, seq)) without rowid;
         create table if not exists run (id integer primary key, tail integer, status text);",
    )?;
    Ok(db)
}

/// One transaction per step: an append and an update.
pub(crate) fn one_run(dir: &Path, sync: Sync, steps: usize) -> Result<Took, String> {
    let inner = || -> rusqlite::Result<Took> {
        let mut db = open(&dir.join("raw-one.db"), sync)?;
        db.execute("delete from step", [])?;
        db.execute("insert or replace into run values (1, 0, 'running')", [])?;
        let body = vec![b'x'; FRAME_BYTES];
        let mut step = |seq: usize| {
            let tx = db.transaction()?;
            tx.prepare_cached("insert into step values (1, ?1, ?2)")?.execute(params![seq as i64, body])?;
            tx.prepare_cached("update run set tail = ?1 where id = 1")?.execute(params![seq as i64])?;
            tx.commit()
        };
        (0..WARM_STEPS).try_for_each(&mut step)?;
        let watch = Watch::start();
        (WARM_STEPS..WARM_STEPS + steps).try_for_each(&mut step)?;
        Ok(watch.stop())
    };
    inner().map_err(|error| error.to_string())
}

/// One transaction for a step of every run: the most that group commit can give.
pub(crate) fn many_runs(dir: &Path, runs: usize, steps: usize) -> Result<Took, String> {
    let inner = || -> rusqlite::Result<Took> {
        let mut db = open(&dir.join("raw-many.db"), Sync::Full)?;
        db.execute("delete from step", [])?;
        for run in 0..runs {
            db.execute("insert or replace into run values (?1, 0, 'running')", [run as i64])?;
        }
        let body = vec![b'x'; FRAME_BYTES];
        let watch = Watch::start();
        for seq in 0..steps {
            let tx = db.transaction()?;
            {
                let mut append = tx.prepare_cached("insert into step values (?1, ?2, ?3)")?;
                let mut update = tx.prepare_cached("update run set tail = ?2 where id = ?1")?;
                for run in 0..runs {
                    append.execute(params![run as i64, seq as i64, body])?;
                    update.execute(params![run as i64, seq as i64])?;
                }
            }
            tx.commit()?;
        }
        Ok(watch.stop())
    };
    inner().map_err(|error| error.to_string())
}
