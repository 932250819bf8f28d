//! The frames of a run: a chain from the last one back to the first.
//!
//! A step appends a frame and moves the run's pointer to it, so that it writes no index. Reading walks back from the
//! last frame or, in a long journal, from the next mark: a frame that holds a record whose number is a multiple of 256
//! has an entry in a small index.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::{Done, Fault};
use super::row::{self, RunAt};

/// How far a walk may go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// So many frames: more are worth a thread of their own.
    Frames(usize),
    /// To the beginning.
    All,
}

/// The numbers of the frames that hold the records after a place and up to another, in order; `None` if they are more
/// than can be reached.
pub(super) fn frames(
    connection: &Connection,
    at: RunAt,
    (after, to): (i64, i64),
    reach: Reach,
) -> Done<Option<Vec<i64>>> {
    let RunAt { id: run, last_frame: last } = at;
    let mark = "select id from frames where run = ?1 and first > ?2
                and (first + count - 1) / 256 > (first - 1) / 256 order by first limit 1";
    let behind: Option<i64> = connection.prepare_cached(mark)?.query_row(params![run, to], row::only).optional()?;
    let mut link = connection.prepare_cached("select prev, run, first, count from frames where id = ?1")?;
    let (mut found, mut walked, mut next) = (Vec::new(), 0usize, Some(behind.unwrap_or(last)));
    let mut begin: Option<i64> = None;
    while let Some(id) = next {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let (prev, of, first, count): (Option<i64>, i64, i64, i64) = link.query_row([id], read)?;
        // A chain only leads back, and only through its run.
        if of != run || prev.is_some_and(|prev| prev >= id) {
            return Err(Fault::damaged(format!("frame {id} is not of the run that leads to it")));
        }
        walked = walked.saturating_add(1);
        if matches!(reach, Reach::Frames(most) if walked > most) {
            return Ok(None);
        }
        let end = first.saturating_add(count).saturating_sub(1);
        let follows = begin.is_none_or(|begin| end.saturating_add(1) == begin);
        if !follows || prev.is_none() != (first == 1) {
            return Err(Fault::damaged(format!("the records around frame {id} do not follow each other")));
        }
        if end <= after {
            break;
        }
        begin = Some(first);
        if first <= to {
            found.push(id);
        }
        next = prev;
    }
    found.reverse();
    Ok(Some(found))
}

/// The frame that begins at a place.
pub(super) fn frame_at(connection: &Connection, at: RunAt, place: i64) -> Done<Option<i64>> {
    let mut link = connection.prepare_cached("select prev, first from frames where id = ?1")?;
    let mut next = Some(at.last_frame);
    while let Some(id) = next {
        let (prev, first): (Option<i64>, i64) = link.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if first <= place {
            return Ok((first == place).then_some(id));
        }
        next = prev;
    }
    Ok(None)
}

/// Deletes the frames of a run.
pub(super) fn forget(connection: &Connection, run: i64) -> Done<()> {
    let sql = "with recursive chain (id) as (
          select last_frame from runs where id = ?1
          union all
          select f.prev from chain c join frames f on f.id = c.id where f.prev is not null)
        delete from frames where id in (select id from chain)";
    connection.prepare_cached(sql)?.execute([run])?;
    Ok(())
}
