//! Several processes on one SQLite file.
//!
//! The helper process is this test binary, told by an environment variable to play a part instead of testing.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kneo_core::commit::LeaseChange;
use kneo_core::event::Event;
use kneo_core::run::RunKey;
use kneo_core::store::{CommitError, HEARTBEAT, LEASE, Page, RunQuery, Store, Watermark};
use kneo_core::{Fence, Namespace, RunId, Seq, WorkerId};
use kneo_store::conformance::ManualClock;
use kneo_store::{SqliteOptions, SqliteStore, Synchronous};
use rusqlite::Connection;

use super::kit::{Held, cancel, claim, commit, name, now, put_plan, sealed_start, start, worker};

const PART: &str = "KNEO_STORE_TEST_PART";
const FILE: &str = "KNEO_STORE_TEST_FILE";
const RUN: &str = "KNEO_STORE_TEST_RUN";

/// The writers of one process, and the steps of each.
const WRITERS: usize = 8;
const STEPS: usize = 20;

/// How many sequences a helper starts, from 0 on.
const SEQUENCES: u64 = 100;

/// A helper process that is killed when the test is over, however it ends.
struct Helper {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Helper {
    fn spawn(part: &str, file: &Path, run: Option<&RunKey>) -> Helper {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "suite::process::a_part_that_nobody_knows_is_refused", "--nocapture"]);
        command.env(PART, part).env(FILE, file).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(run) = run {
            command.env(RUN, run.run.to_string());
        }
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Helper { process, lines }
    }

    /// Reads what the helper says until it says a word, and gives the rest of that line.
    fn heard(&mut self, word: &str) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        let said = lines.find_map(|line| line.split_once(word).map(|(_, rest)| rest.to_owned()));
        said.unwrap_or_else(|| panic!("the helper never said `{word}`"))
    }

    fn tell(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }

    #[cfg(unix)]
    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn succeeded(mut self) -> bool {
        self.process.wait().unwrap().success()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Plays a helper's part, if this process is one; as a test it sees that a part that nobody knows is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_nobody_knows_is_refused() {
    let Ok(part) = std::env::var(PART) else {
        assert!(!Helper::spawn("nobody knows", Path::new("none"), None).succeeded());
        return;
    };
    let file = std::env::var(FILE).unwrap();
    match part.as_str() {
        "write" => write(Path::new(&file)).await,
        "hold" => hold(Path::new(&file)).await,
        "raise" => raise(Path::new(&file)).await,
        other => panic!("no helper plays `{other}`"),
    }
}

/// Writes to runs of its own, and to one that all processes share.
async fn write(file: &Path) {
    let options = SqliteOptions::new().synchronous(Synchronous::Normal);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_with(file.to_owned(), options).await.unwrap());
    let shared = RunKey::new(Namespace::default(), std::env::var(RUN).unwrap().parse().unwrap());
    let writer = |_| {
        let (store, shared) = (Arc::clone(&store), shared.clone());
        tokio::spawn(async move {
            let mut held = Held::new(&*store).await;
            for step in 0..STEPS {
                held.append(&store, &step.to_string()).await;
                commit(&*store, cancel(&shared)).await.unwrap();
            }
        })
    };
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

/// Takes a run, says so, waits to be told, and takes one more step.
async fn hold(file: &Path) {
    let store = SqliteStore::open(file.to_owned()).await.unwrap();
    let held = Held::new(&store).await;
    println!("holds {} {} {}", held.run.run, held.worker, held.fence.as_u64());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    match commit(&store, held.step("late")).await {
        Ok(_) => println!("answer ok"),
        Err(error) => println!("answer {}", error.code()),
    }
}

/// Says that it is there, waits to be told, and starts plans of every sequence, each on its own.
async fn raise(file: &Path) {
    let options = SqliteOptions::new().synchronous(Synchronous::Normal);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_with(file.to_owned(), options).await.unwrap());
    println!("ready .");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    for sequence in 0..SEQUENCES {
        match commit(&*store, sealed_start(sequence)).await {
            Ok(_) => {}
            Err(CommitError::RolledBack { sequence: told, least }) => assert!(told == sequence && told < least),
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// What a holding helper said.
fn held(said: &str) -> Held {
    let words: Vec<&str> = said.split_whitespace().collect();
    let (run, worker): (RunId, WorkerId) = (words[0].parse().unwrap(), words[1].parse().unwrap());
    let fence = Fence::new(words[2].parse().unwrap());
    Held { run: RunKey::new(Namespace::default(), run), worker, fence, tail: Seq::FIRST }
}

/// Four processes with eight writers each: nobody is turned away, nothing is lost or doubled, the file is whole.
#[tokio::test]
async fn four_processes_write_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let store = SqliteStore::open(file.clone()).await.unwrap();
    put_plan(&store).await;
    let shared = start(LeaseChange::Keep);
    let run = shared.run().clone();
    commit(&store, shared).await.unwrap();
    let helpers: Vec<_> = (0..4).map(|_| Helper::spawn("write", &file, Some(&run))).collect();
    for helper in helpers {
        assert!(helper.succeeded());
    }
    let records = store.records(&run, None, usize::MAX).await.unwrap();
    let places: Vec<u64> = records.iter().map(|stored| stored.seq.as_u64()).collect();
    assert_eq!(places, (1..=(4 * WRITERS * STEPS + 1) as u64).collect::<Vec<_>>());
    let rows = store.runs(&RunQuery::default(), Page { offset: 0, limit: 1_000 }).await.unwrap();
    assert_eq!(rows.len(), 4 * WRITERS + 1);
    for row in rows.iter().filter(|row| row.key != run) {
        assert_eq!(row.tail.as_u64(), STEPS as u64 + 1);
    }
    let check: String =
        Connection::open(&file).unwrap().query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

/// Four processes start plans of all sequences: in the order of the commits no sequence is below one before it.
#[tokio::test]
async fn no_process_starts_an_older_plan_than_another_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let store = SqliteStore::open(file.clone()).await.unwrap();
    put_plan(&store).await;
    let mut helpers: Vec<_> = (0..4).map(|_| Helper::spawn("raise", &file, None)).collect();
    for helper in &mut helpers {
        helper.heard("ready ");
    }
    helpers.iter_mut().for_each(Helper::tell);
    for helper in helpers {
        assert!(helper.succeeded());
    }
    let feed = store.feed(&Namespace::default(), Watermark::default(), usize::MAX).await.unwrap();
    let mut order = Vec::new();
    for item in &feed {
        let first = store.records(&item.run, None, 1).await.unwrap().remove(0);
        match first.record.event() {
            Event::RunStarted(start) => order.push(start.seal.as_ref().unwrap().claim().sequence),
            other => panic!("{other:?}"),
        }
    }
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(order.last(), Some(&(SEQUENCES - 1)));
    // Without a floor each would have started all.
    assert!((order.len() as u64) < 4 * SEQUENCES, "{}", order.len());
    let environment = name("production");
    let floor = store.floor(&Namespace::default(), &name("report"), Some(&environment)).await.unwrap();
    assert_eq!(floor, Some(SEQUENCES - 1));
}

/// The run of a process that was killed is claimed at once, not when its lease runs out.
#[cfg(unix)]
#[tokio::test]
async fn the_runs_of_a_killed_process_are_claimed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let clock = Arc::new(ManualClock::new(now()));
    let store = SqliteStore::open_with(file.clone(), SqliteOptions::new().clock(clock.clone())).await.unwrap();
    put_plan(&store).await;
    let mut helper = Helper::spawn("hold", &file, None);
    let theirs = held(&helper.heard("holds "));
    // From here on time stands still: nothing can run out.
    clock.set(now());
    assert!(claim(&store, worker(), &theirs.run).await.is_none());
    assert!(store.ready_plans(&Namespace::default()).await.unwrap().is_empty());
    helper.signal("-KILL");
    assert!(!helper.succeeded());
    let killed = Instant::now();
    assert_eq!(store.ready_plans(&Namespace::default()).await.unwrap(), vec![super::kit::plan()]);
    let mine = claim(&store, worker(), &theirs.run).await.unwrap();
    assert!(mine.fence > theirs.fence);
    assert!(killed.elapsed() < HEARTBEAT);
}

/// A process that was stopped keeps its runs until the lease runs out; woken later, it is turned away.
#[cfg(unix)]
#[tokio::test]
async fn a_stopped_process_is_turned_away_when_it_wakes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let clock = Arc::new(ManualClock::new(now()));
    let store = SqliteStore::open_with(file.clone(), SqliteOptions::new().clock(clock.clone())).await.unwrap();
    put_plan(&store).await;
    let mut helper = Helper::spawn("hold", &file, None);
    let theirs = held(&helper.heard("holds "));
    helper.signal("-STOP");
    clock.set(now());
    assert!(claim(&store, worker(), &theirs.run).await.is_none());
    clock.advance(LEASE + Duration::from_secs(60));
    let mine = claim(&store, worker(), &theirs.run).await.unwrap();
    assert!(mine.fence > theirs.fence);
    helper.signal("-CONT");
    helper.tell();
    assert_eq!(helper.heard("answer "), "lease_lost");
    assert!(helper.succeeded());
    let beat = store.heartbeat(theirs.worker, &[(theirs.run.clone(), theirs.fence)]).await.unwrap();
    assert_eq!(beat, vec![kneo_core::store::Beat::Lost]);
    assert!(matches!(commit(&store, theirs.step("x")).await, Err(CommitError::LeaseLost { .. })));
}

/// A process that ends in good order leaves its runs to others at once, and no lock file behind.
#[tokio::test]
async fn a_process_that_ends_leaves_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kneo.db");
    let store = SqliteStore::open(file.clone()).await.unwrap();
    put_plan(&store).await;
    let mut helper = Helper::spawn("hold", &file, None);
    let theirs = held(&helper.heard("holds "));
    let locks = folder.path().join("kneo.db.locks");
    assert_eq!(std::fs::read_dir(&locks).unwrap().count(), 1);
    helper.tell();
    assert_eq!(helper.heard("answer "), "ok");
    assert!(helper.succeeded());
    assert_eq!(std::fs::read_dir(&locks).unwrap().count(), 0);
    assert!(claim(&store, worker(), &theirs.run).await.is_some());
}
