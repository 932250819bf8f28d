//! Group commit by leader and follower.
//!
//! There is one writing connection and no thread of its own. Whoever finds it free leads: it does its own work and all
//! that waits in one transaction, with one wait for the disk. Whoever finds it taken leaves its work in the queue and
//! awaits the answer. Submitted work belongs to the queue, so dropping the future that waits neither aborts nor repeats
//! it.
//!
//! An idle store on a quick disk does the work in place, on the submitting task: a hop to another thread would cost more
//! than the wait. Work that queued up meanwhile, and every transaction on a disk that answers slowly or that another
//! process is writing to, is led from a thread where waiting holds up nobody.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kneo_core::Digest;
use kneo_core::run::RunKey;
use kneo_core::store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::{Done, Fault};
use super::row::{self, RunAt};

/// Work that belongs into a transaction.
pub(super) trait Work: Send {
    /// Does the work, inside a transaction that holds the write lock. Called again, in a transaction of its own, if the
    /// first one had to be rolled back.
    fn run(&mut self, desk: &mut Desk) -> Done<()>;

    /// Tells whether the transaction became durable.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// What the leader works with.
pub(super) struct Desk {
    pub(super) connection: Connection,
    pub(super) known: Known,
    /// How long to wait for other processes.
    patience: Duration,
    /// A write may not have reached the disk: nothing that is written now could be trusted.
    broken: bool,
}

/// What saves the leader a look into the database. Never relied on: whoever uses it has the database check it.
#[derive(Default)]
pub(super) struct Known {
    /// Where runs stand.
    pub(super) runs: HashMap<RunKey, RunAt>,
    /// Plans that are in the database; they are never deleted.
    pub(super) plans: HashSet<Digest>,
    /// The number of the next frame, once this transaction has looked; other processes write frames too.
    next_frame: Option<i64>,
}

impl Known {
    /// The most runs whose place is kept; they are few bytes each.
    const MAX_RUNS: usize = 100_000;

    pub(super) fn learn(&mut self, run: &RunKey, at: RunAt) {
        if self.runs.len() >= Known::MAX_RUNS {
            self.runs.clear();
        }
        self.runs.insert(run.clone(), at);
    }

    /// The number of the next frame, inside a transaction that holds the write lock.
    pub(super) fn next_frame(&mut self, connection: &Connection) -> Done<i64> {
        let next = match self.next_frame {
            Some(next) => next,
            None => {
                let newest = "select coalesce(max(id), 0) from frames";
                let newest: i64 = connection.prepare_cached(newest)?.query_row([], row::only)?;
                newest.saturating_add(1)
            }
        };
        self.next_frame = Some(next);
        Ok(next)
    }

    /// A frame has this number now.
    pub(super) fn numbered(&mut self, frame: i64) {
        self.next_frame = frame.checked_add(1);
    }

    /// What was learnt in a transaction that was rolled back never happened.
    fn forget(&mut self) {
        *self = Known::default();
    }
}

/// Work that is a function.
struct Job<F, T> {
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Work for Job<F, T>
where
    F: FnMut(&mut Desk) -> Done<T> + Send,
    T: Send,
{
    fn run(&mut self, desk: &mut Desk) -> Done<()> {
        self.result = Some((self.work)(desk)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Job { result, reply, .. } = *self;
        let answer = outcome.and_then(|()| result.ok_or_else(lost));
        // Whoever asked may be gone; the work is done all the same.
        let _ = reply.send(answer);
    }
}

/// The leader broke down before it could answer.
pub(super) fn lost() -> StoreError {
    StoreError::Unavailable {
        message: "its writer broke down: submit the same change again".into(),
        unknown: true,
        source: None,
    }
}

/// The queue before the writing connection.
pub(super) struct Writer {
    queue: Mutex<Queue>,
    desk: Mutex<Desk>,
    /// How long transactions took lately, in microseconds.
    pace: AtomicU64,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Box<dyn Work>>,
    led: bool,
}

/// The right and the duty to empty the queue. Dropped before that, it does so on the spot.
struct Leader(Option<Arc<Writer>>);

/// Transactions slower than this are led from a thread where waiting holds up nobody.
const SLOW: Duration = Duration::from_micros(1_000);

/// Waits between two tries for the write lock of another process: short, so that a busy process does not starve others.
const SHORTEST_NAP: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_micros(1_600);

impl Writer {
    pub(super) fn new(connection: Connection, patience: Duration) -> Arc<Writer> {
        let desk = Desk { connection, known: Known::default(), patience, broken: false };
        Arc::new(Writer { queue: Mutex::default(), desk: Mutex::new(desk), pace: AtomicU64::new(0) })
    }

    /// Does work in a transaction, once the future is polled.
    pub(super) async fn perform<T, F>(self: &Arc<Writer>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Desk) -> Done<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(Job { work, result: None, reply }));
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Hands work over. It is done whatever happens to the caller.
    pub(super) fn submit(self: &Arc<Writer>, work: Box<dyn Work>) {
        {
            let mut queue = lock(&self.queue);
            queue.waiting.push(work);
            if std::mem::replace(&mut queue.led, true) {
                return;
            }
        }
        let leader = Leader(Some(Arc::clone(self)));
        match tokio::runtime::Handle::try_current() {
            Err(_) => leader.lead(),
            Ok(runtime) => {
                if self.is_slow() || !self.round(Wait::No) {
                    // A runtime that shuts down drops the leader, which then leads here.
                    runtime.spawn_blocking(move || leader.lead());
                } else {
                    leader.retire();
                }
            }
        }
    }

    fn is_slow(&self) -> bool {
        self.pace.load(Ordering::Relaxed) > u64::try_from(SLOW.as_micros()).unwrap_or(u64::MAX)
    }

    /// Does what waits in one transaction, and tells whether the queue is empty now. If it is, nobody leads any more.
    fn round(&self, wait: Wait) -> bool {
        let batch = std::mem::take(&mut lock(&self.queue).waiting);
        let started = Instant::now();
        let undone = lock(&self.desk).group(batch, wait);
        self.note(started.elapsed());

        let mut queue = lock(&self.queue);
        if !undone.is_empty() {
            let later = std::mem::replace(&mut queue.waiting, undone);
            queue.waiting.extend(later);
        }
        queue.led = !queue.waiting.is_empty();
        !queue.led
    }

    /// Keeps a running mean of the last few transactions.
    fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mean = self.pace.load(Ordering::Relaxed);
        self.pace.store(mean - mean / 4 + took / 4, Ordering::Relaxed);
    }
}

/// What the leader does while another process writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Leaves the work in the queue.
    No,
    /// Waits, for as long as the store's patience lasts.
    Yes,
}

impl Leader {
    /// Empties the queue.
    fn lead(self) {
        while self.0.as_ref().is_some_and(|writer| !writer.round(Wait::Yes)) {}
        self.retire();
    }

    /// The queue is empty.
    fn retire(mut self) {
        self.0 = None;
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let Some(writer) = self.0.take() else { return };
        if thread::panicking() {
            // Whoever waits is told by its channel, and the next one leads.
            let mut queue = lock(&writer.queue);
            queue.led = false;
            queue.waiting.clear();
        } else {
            Leader(Some(writer)).lead();
        }
    }
}

impl Desk {
    /// Does a batch in one transaction and answers it. Gives back what it had to leave undone.
    fn group(&mut self, mut batch: Vec<Box<dyn Work>>, wait: Wait) -> Vec<Box<dyn Work>> {
        if batch.is_empty() {
            return batch;
        }
        match self.transact(&mut batch, wait) {
            Ok(()) => answer(batch, || Ok(())),
            Err(Failed { fault, .. }) if wait == Wait::No && fault.is_busy() => return batch,
            // Whatever failed must not fail the others: each gets a transaction of its own.
            Err(Failed { at: Stage::Work, .. }) if batch.len() > 1 && wait == Wait::No => return batch,
            Err(Failed { at: Stage::Work, .. }) if batch.len() > 1 => {
                for work in batch {
                    let mut alone = vec![work];
                    let outcome = self.transact(&mut alone, Wait::Yes);
                    self.conclude(alone, outcome);
                }
            }
            failed => self.conclude(batch, failed),
        }
        Vec::new()
    }

    fn conclude(&mut self, batch: Vec<Box<dyn Work>>, outcome: Result<(), Failed>) {
        match outcome {
            Ok(()) => answer(batch, || Ok(())),
            Err(Failed { fault, at }) => {
                // A failed wait for the disk leaves open what is on it, and asking again proves nothing.
                let unknown = at == Stage::Commit && fault.is_io();
                self.broken |= unknown;
                let error = fault.into_store(unknown);
                answer(batch, || Err(error.clone()));
            }
        }
    }

    fn transact(&mut self, batch: &mut [Box<dyn Work>], wait: Wait) -> Result<(), Failed> {
        let at = |at: Stage| move |fault: Fault| Failed { fault, at };
        self.begin(wait).map_err(at(Stage::Begin))?;
        self.known.next_frame = None;
        let mut work = || batch.iter_mut().try_for_each(|work| work.run(self));
        if let Err(fault) = work() {
            self.roll_back();
            return Err(at(Stage::Work)(fault));
        }
        let done = self.execute("commit");
        if done.is_err() {
            self.roll_back();
        }
        done.map_err(at(Stage::Commit))
    }

    #[expect(clippy::disallowed_methods, reason = "another process tells nobody when it has written")]
    fn begin(&mut self, wait: Wait) -> Done<()> {
        if self.broken {
            return Err(Fault::Store(StoreError::Unusable {
                message: "an earlier change may not have reached the disk: check the disk, then restart this process"
                    .into(),
                source: None,
            }));
        }
        if !self.connection.is_autocommit() {
            // The leader before panicked: what it learnt is not in the database.
            self.execute("rollback")?;
            self.known.forget();
        }
        let started = Instant::now();
        let mut nap = SHORTEST_NAP;
        loop {
            match self.execute("begin immediate") {
                Err(fault) if fault.is_busy() && wait == Wait::Yes && started.elapsed() < self.patience => {
                    thread::sleep(nap);
                    nap = if nap < LONGEST_NAP { nap * 2 } else { SHORTEST_NAP };
                }
                result => return result,
            }
        }
    }

    /// After some failures SQLite has rolled back by itself.
    fn roll_back(&mut self) {
        self.known.forget();
        if !self.connection.is_autocommit()
            && let Err(fault) = self.execute("rollback")
        {
            self.broken |= fault.is_io();
        }
    }

    fn execute(&self, sql: &str) -> Done<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

struct Failed {
    fault: Fault,
    at: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Work,
    Commit,
}

fn answer(batch: Vec<Box<dyn Work>>, outcome: impl Fn() -> Result<(), StoreError>) {
    batch.into_iter().for_each(|work| work.answer(outcome()));
}

/// INVARIANT: nothing that is done under these locks leaves them half changed when it panics: a transaction that was
/// begun is rolled back by the next one that finds it open.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tempfile::TempDir;

    use super::*;
    use crate::sqlite::open::{SqliteOptions, open};

    const PATIENCE: Duration = Duration::from_millis(50);

    fn writer(folder: &TempDir) -> Arc<Writer> {
        let connection = open(&folder.path().join("kneo.db"), &SqliteOptions::new()).unwrap();
        connection.execute_batch("create table notes (note text not null)").unwrap();
        Writer::new(connection, PATIENCE)
    }

    fn notes(folder: &TempDir) -> Vec<String> {
        let connection = Connection::open(folder.path().join("kneo.db")).unwrap();
        let mut statement = connection.prepare("select note from notes order by rowid").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Does something to the desk, and sends its answer.
    struct Note<F>(F, mpsc::Sender<Result<(), StoreError>>);

    impl<F: FnMut(&mut Desk) -> Done<()> + Send> Work for Note<F> {
        fn run(&mut self, desk: &mut Desk) -> Done<()> {
            (self.0)(desk)
        }

        fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
            let _ = self.1.send(outcome);
        }
    }

    type Answer = mpsc::Receiver<Result<(), StoreError>>;

    fn work(run: impl FnMut(&mut Desk) -> Done<()> + Send + 'static) -> (Box<dyn Work>, Answer) {
        let (sender, receiver) = mpsc::channel();
        (Box::new(Note(run, sender)), receiver)
    }

    fn note(text: &'static str) -> (Box<dyn Work>, Answer) {
        work(move |desk| {
            desk.connection.execute("insert into notes values (?1)", [text])?;
            Ok(())
        })
    }

    /// Puts work into one batch, and does it.
    fn batch(writer: &Arc<Writer>, works: Vec<Box<dyn Work>>) {
        lock(&writer.queue).waiting.extend(works);
        let (last, answer) = work(|_| Ok(()));
        writer.submit(last);
        answer.recv().unwrap().unwrap();
    }

    #[test]
    fn work_that_fails_fails_alone() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        let (one, first) = note("one");
        let (bad, second) = work(|desk| {
            desk.connection.execute("insert into notes values ('half')", [])?;
            desk.connection.execute("insert into notes values (null)", [])?;
            Ok(())
        });
        let (two, third) = note("two");
        batch(&writer, vec![one, bad, two]);
        assert!(first.recv().unwrap().is_ok());
        assert_eq!(second.recv().unwrap().unwrap_err().code(), "store_damaged");
        assert!(third.recv().unwrap().is_ok());
        assert_eq!(notes(&folder), ["one", "two"]);
    }

    #[test]
    fn a_full_disk_is_told_and_overcome() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        let pages = |limit: u32| {
            let (set, answer) = work(move |desk| {
                let pages: u32 = desk.connection.query_row("pragma page_count", [], |row| row.get(0))?;
                let limit = format!("pragma max_page_count = {}", pages.saturating_add(limit));
                desk.connection.query_row(&limit, [], |_| Ok(()))?;
                Ok(())
            });
            writer.submit(set);
            answer.recv().unwrap().unwrap();
        };
        let big = || {
            let (big, answer) = work(|desk| {
                desk.connection.execute("insert into notes values (?1)", ["x".repeat(1 << 20)])?;
                Ok(())
            });
            writer.submit(big);
            answer.recv().unwrap()
        };
        pages(2);
        let error = big().unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable { unknown: false, .. }), "{error:?}");
        assert!(error.to_string().contains("the disk is full: free some space"), "{error}");
        assert!(notes(&folder).is_empty());
        pages(1 << 16);
        big().unwrap();
        assert_eq!(notes(&folder).len(), 1);
    }

    #[test]
    fn another_writer_is_waited_for_as_long_as_patience_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        let other = Connection::open(folder.path().join("kneo.db")).unwrap();
        other.execute_batch("begin immediate").unwrap();
        let (late, answer) = note("late");
        writer.submit(late);
        let error = answer.recv().unwrap().unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable { unknown: false, .. }), "{error:?}");

        let (patient, answer) = note("patient");
        let submitted = {
            let writer = Arc::clone(&writer);
            thread::spawn(move || writer.submit(patient))
        };
        other.execute_batch("commit").unwrap();
        // Either it was quick enough, or it was told so: it never hangs and is never lost.
        match answer.recv().unwrap() {
            Ok(()) => assert_eq!(notes(&folder), ["patient"]),
            Err(error) => assert!(error.is_retryable() && notes(&folder).is_empty()),
        }
        submitted.join().unwrap();
    }

    #[test]
    fn work_that_panics_is_told_and_the_next_leader_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        let (bad, answer) = work(|desk| {
            desk.connection.execute("insert into notes values ('half')", [])?;
            panic!("as it should")
        });
        let leader = {
            let writer = Arc::clone(&writer);
            thread::spawn(move || writer.submit(bad))
        };
        assert!(leader.join().is_err());
        assert!(answer.recv().is_err());
        let (good, answer) = note("good");
        writer.submit(good);
        answer.recv().unwrap().unwrap();
        assert_eq!(notes(&folder), ["good"]);
    }

    #[test]
    fn what_was_learnt_before_a_panic_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        let digest = Digest::of(b"a plan that was never kept");
        let (bad, _answer) = work(move |desk| {
            desk.known.plans.insert(digest);
            panic!("as it should")
        });
        let leader = {
            let writer = Arc::clone(&writer);
            thread::spawn(move || writer.submit(bad))
        };
        assert!(leader.join().is_err());
        let (good, answer) = note("good");
        writer.submit(good);
        answer.recv().unwrap().unwrap();
        assert!(!lock(&writer.desk).known.plans.contains(&digest), "the plan is not in the database");
    }

    #[test]
    fn a_leader_that_is_dropped_leads_first() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        let (last, answer) = note("last");
        {
            let mut queue = lock(&writer.queue);
            queue.waiting.push(last);
            queue.led = true;
        }
        drop(Leader(Some(Arc::clone(&writer))));
        answer.try_recv().unwrap().unwrap();
        assert!(!lock(&writer.queue).led);
        assert_eq!(notes(&folder), ["last"]);
    }
}
