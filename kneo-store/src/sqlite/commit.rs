//! Commits: judged whole, then written, inside the leader's transaction.
//!
//! The plain step of a holder, which is nearly every commit, costs one guarded update and one insert: the guard of the
//! contract stands in the update, and only a commit that it turns away is looked at more closely.

mod judge;
mod write;

use std::sync::Arc;

use kneo_core::clock::Clock;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::record::{RECORD_VERSION, encode_frame};
use kneo_core::store::{CommitError, Committed, LEASE, StoreError};
use kneo_core::{Fence, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::chain;
use super::error::{Done, Fault};
use super::query;
use super::row::{self, RunAt, int};
use super::writer::{Desk, Known, Work};
use crate::hint::Hints;
use crate::rule;

pub(super) type Answers = Vec<Result<Committed, CommitError>>;

/// The answers of a call. Its commits go back with them, so that the leader spends no time on freeing their records.
pub(super) type Reply = (Answers, Vec<Prepared>);

/// The commits of one call, in the queue of the writer.
pub(super) struct Slice {
    pub(super) commits: Vec<Prepared>,
    pub(super) answers: Answers,
    pub(super) reply: oneshot::Sender<Reply>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hints: Arc<Hints>,
}

/// A commit with its records encoded, or the reason why it goes no further.
pub(super) struct Prepared {
    commit: Commit,
    body: Result<Vec<u8>, StoreError>,
}

impl Prepared {
    /// Encodes the records; done by the submitting task, so that the leader need not.
    pub(super) fn new(commit: Commit) -> Prepared {
        let body = encode_frame(commit.records()).map_err(|error| StoreError::damaged(error.to_string()));
        Prepared { commit, body }
    }

    /// A commit that is refused before it is submitted.
    pub(super) fn refused(commit: Commit, error: StoreError) -> Prepared {
        Prepared { commit, body: Err(error) }
    }
}

impl Work for Slice {
    fn run(&mut self, desk: &mut Desk) -> Done<()> {
        let now = self.clock.now();
        self.answers.clear();
        for Prepared { commit, body } in &self.commits {
            let answer = match body {
                Ok(body) => {
                    Transaction { connection: &desk.connection, known: &mut desk.known, now }.commit(commit, body)
                }
                Err(error) => Err(Stop::Refused(error.clone().into())),
            };
            self.answers.push(match answer {
                Ok(answer) => Ok(answer),
                Err(Stop::Refused(error)) => Err(error),
                Err(Stop::Failed(fault)) => return Err(fault),
            });
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Slice { commits, mut answers, reply, hints, .. } = *self;
        if let Err(error) = outcome {
            answers = commits.iter().map(|_| Err(error.clone().into())).collect();
        }
        if hints.any() {
            let done = commits.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
            done.for_each(|(prepared, _)| hints.tell_of(&prepared.commit));
        }
        // Whoever asked may be gone; the commits stand all the same.
        let _ = reply.send((answers, commits));
    }
}

/// Why a commit does not get on: it alone is refused, or the whole transaction failed.
pub(super) enum Stop {
    Refused(CommitError),
    Failed(Fault),
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Stop {
        Stop::Refused(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Failed(fault)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Stop {
        Stop::Failed(Fault::Sql(error))
    }
}

/// The leader's transaction, as commits see it.
struct Transaction<'desk> {
    connection: &'desk Connection,
    known: &'desk mut Known,
    now: Timestamp,
}

impl Transaction<'_> {
    fn commit(&mut self, commit: &Commit, body: &[u8]) -> Result<Committed, Stop> {
        if is_plain(commit)
            && let Some(answer) = self.step(commit, body)?
        {
            return Ok(answer);
        }
        let found = query::find_run(self.connection, commit.run())?;
        if let Some((at, _)) = &found
            && let Some(first_answer) = self.answered(*at, commit)?
        {
            return Ok(first_answer);
        }
        let (at, mut row) = match self.judge(commit, found)? {
            judge::Judged::New(row) => (None, row),
            judge::Judged::Existing(at, row) => (Some(at), row),
        };
        let answer = rule::advance(&mut row, commit, self.now);
        if let (Author::External, Some(at)) = (commit.author(), at) {
            self.now = self.not_before_the_last(at)?;
        }
        let frame = self.known.next_frame(self.connection)?;
        let id = match at {
            Some(at) => self.update_run(at.id, &row, frame)?,
            None => self.insert_run(&row, frame)?,
        };
        let link = Link { run: id, frame, prev: at.map(|at| at.last_frame) };
        self.insert_frame(link, commit, &answer, body)?;
        self.write_indexes(id, commit, &answer)?;
        match row.status.is_terminal() {
            true => drop(self.known.runs.remove(commit.run())),
            false => self.known.learn(commit.run(), RunAt { id, last_frame: frame }),
        }
        Ok(answer)
    }

    /// The plain step of a holder; `None` if it has to be looked at more closely.
    fn step(&mut self, commit: &Commit, body: &[u8]) -> Result<Option<Committed>, Stop> {
        let (Author::Holder { worker, fence, expected }, Some(RunAt { id, last_frame })) =
            (commit.author(), self.known.runs.get(commit.run()).copied())
        else {
            return Ok(None);
        };
        let frame = self.known.next_frame(self.connection)?;
        let first = expected.plus(1);
        let more = u64::try_from(commit.records().len()).unwrap_or(u64::MAX).saturating_sub(1);
        let (tail, lease_until) = (first.plus(more), self.now.after(LEASE));
        // The number may have gone to another run since it was learnt: the key is checked with the rest.
        let mut update = self.connection.prepare_cached(
            "update runs set tail = ?1, lease_until = ?2, fruitless = iif(?3, 0, fruitless), last_frame = ?10
             where id = ?4 and fence = ?5 and tail = ?6 and worker = ?7 and ended_at is null and run = ?8 and ns = ?9
               and last_frame = ?11",
        )?;
        let changed = update.execute(params![
            int(tail.as_u64()),
            lease_until.as_unix_micros(),
            commit.changes().progress,
            id,
            int(fence.as_u64()),
            int(expected.as_u64()),
            worker.as_bytes(),
            commit.run().run.as_bytes(),
            commit.run().namespace.as_str(),
            frame,
            last_frame,
        ])?;
        if changed == 0 {
            return Ok(None);
        }
        let answer = Committed { first, tail, fence: Some(fence), lease_until: Some(lease_until) };
        self.insert_frame(Link { run: id, frame, prev: Some(last_frame) }, commit, &answer, body)?;
        self.insert_blobs(id, commit)?;
        self.known.learn(commit.run(), RunAt { id, last_frame: frame });
        Ok(Some(answer))
    }

    fn insert_frame(&mut self, link: Link, commit: &Commit, answer: &Committed, body: &[u8]) -> Result<(), Stop> {
        let mut insert = self.connection.prepare_cached(
            "insert into frames (run, first, count, author, at, last_at, v, commit_id, body, id, prev)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        let last_at = match (commit.author(), commit.records().last()) {
            (Author::Creator | Author::Holder { .. }, Some(last)) => last.at(),
            _ => self.now,
        };
        insert.execute(params![
            link.run,
            int(answer.first.as_u64()),
            int(answer.tail.as_u64().saturating_sub(answer.first.as_u64()).saturating_add(1)),
            FrameAuthor::of(commit, answer) as u8,
            self.now.as_unix_micros(),
            last_at.as_unix_micros(),
            RECORD_VERSION,
            commit.id().as_bytes(),
            body,
            link.frame,
            link.prev,
        ])?;
        self.known.numbered(link.frame);
        Ok(())
    }

    /// The store's time, unless the run's last record is later: facts from outside never run backwards within a run.
    fn not_before_the_last(&self, at: RunAt) -> Result<Timestamp, Stop> {
        let last = "select last_at from frames where id = ?1";
        let last: Option<i64> =
            self.connection.prepare_cached(last)?.query_row([at.last_frame], row::only).optional()?;
        Ok(last.map_or(self.now, |last| row::time(last).max(self.now)))
    }

    /// What the same commit answered the first time.
    ///
    /// A creator's and a holder's commit can only stand at the place that it was made for; the rest of the answer is
    /// worked out from the frame.
    fn answered(&self, run: RunAt, commit: &Commit) -> Result<Option<Committed>, Stop> {
        let at_place = "select first, count, author, at from frames where id = ?1 and commit_id = ?2";
        let external = "select first, count, author, at from frames where run = ?1 and commit_id = ?2 and author = 4";
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, u8>(2)?, row.get::<_, i64>(3)?))
        };
        let place = match commit.author() {
            Author::Creator => Some(Seq::FIRST),
            Author::Holder { expected, .. } => Some(expected.plus(1)),
            Author::External => None,
        };
        let commit_id = commit.id();
        let found = match place {
            Some(first) => match chain::frame_at(self.connection, run, int(first.as_u64()))? {
                Some(frame) => {
                    let mut select = self.connection.prepare_cached(at_place)?;
                    select.query_row(params![frame, commit_id.as_bytes()], read).optional()?
                }
                None => None,
            },
            None => {
                let mut select = self.connection.prepare_cached(external)?;
                select.query_row(params![run.id, commit_id.as_bytes()], read).optional()?
            }
        };
        let Some((first, count, author, at)) = found else { return Ok(None) };
        let leased = [FrameAuthor::LeasedCreator, FrameAuthor::Holder].into_iter().any(|kind| kind as u8 == author);
        let fence = match commit.author() {
            Author::Holder { fence, .. } => fence,
            Author::Creator | Author::External => Fence::default().next(),
        };
        let tail = row::seq(first.saturating_add(count).saturating_sub(1))?;
        Ok(Some(Committed {
            first: row::seq(first)?,
            tail,
            fence: leased.then_some(fence),
            lease_until: leased.then(|| row::time(at).after(LEASE)),
        }))
    }
}

/// Where a new frame goes.
#[derive(Clone, Copy)]
struct Link {
    run: i64,
    frame: i64,
    prev: Option<i64>,
}

/// The author of a frame, as stored.
#[derive(Clone, Copy)]
#[repr(u8)]
enum FrameAuthor {
    Creator = 0,
    LeasedCreator = 1,
    Holder = 2,
    FormerHolder = 3,
    External = 4,
}

/// The author of a frame whose records have the store's time.
pub(super) const EXTERNAL: u8 = FrameAuthor::External as u8;

impl FrameAuthor {
    fn of(commit: &Commit, answer: &Committed) -> FrameAuthor {
        match (commit.author(), answer.fence.is_some()) {
            (Author::Creator, false) => FrameAuthor::Creator,
            (Author::Creator, true) => FrameAuthor::LeasedCreator,
            (Author::Holder { .. }, true) => FrameAuthor::Holder,
            (Author::Holder { .. }, false) => FrameAuthor::FormerHolder,
            (Author::External, _) => FrameAuthor::External,
        }
    }
}

/// Whether a commit only adds records, and perhaps blobs, under a lease that it keeps.
fn is_plain(commit: &Commit) -> bool {
    let changes = commit.changes();
    commit.lease() == LeaseChange::Keep
        && matches!(commit.author(), Author::Holder { .. })
        && changes.status.is_none()
        && changes.ready_at.is_none()
        && changes.ended_at.is_none()
        && !changes.cancel_requested
        && changes.tasks.is_empty()
        && changes.holds.is_empty()
        && changes.outbox.is_empty()
        && changes.audit.is_empty()
}
