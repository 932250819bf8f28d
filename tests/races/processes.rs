//! The same races between processes that share an SQLite file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kneo::event::{AfterExpiry, Event};
use kneo::plan::CompiledPlan;
use kneo::record::Stored;
use kneo::store::{SqliteStore, Store};
use kneo::task::TaskRow;
use kneo::{Cursor, Namespace, RunId, RunKey, RunOutcome, Runtime, Start};
use kneo_tests::seed::{self, Rng};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::racer::{Racer, release};

const ROUNDS: u64 = 50;

const GATE: &str = "
version: v1
inputs: {type: string}
workflow:
  type: sequential
  steps:
    - {id: ask, kind: human, ref: {request_type: approval}}
    - {id: work, kind: function, ref: {implementation: work}}
";

const DEADLINE: &str = "
version: v1
inputs: {type: string}
workflow:
  type: sequential
  steps:
    - {id: ask, kind: human, ref: {request_type: approval, timeout_seconds: 0.1}}
    - {id: work, kind: function, ref: {implementation: work}}
";

const CHAIN: &str = "
version: v1
inputs: {type: string}
workflow:
  type: sequential
  steps:
    - {id: one, kind: function, ref: {implementation: work}}
    - {id: two, kind: function, ref: {implementation: work}}
    - {id: three, kind: function, ref: {implementation: work}}
";

/// Two processes on one store, and a third that starts runs and looks.
struct Track {
    folder: TempDir,
    store: Arc<dyn Store>,
    host: Runtime,
    racers: [Racer; 2],
}

impl Track {
    async fn open() -> Track {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path().join("kneo.db")).await.unwrap());
        let host = Runtime::builder().store(Arc::clone(&store)).client_only().poll(Duration::from_millis(5)).build();
        let racers = [Racer::start(folder.path()), Racer::start(folder.path())];
        Track { store, host: host.unwrap(), racers, folder }
    }

    /// A run that waits for a worker.
    async fn queued(&self, spec: &str) -> RunId {
        let plan: Arc<CompiledPlan> = kneo::spec::compile_str("race.yaml", spec).unwrap();
        self.host.start(&plan, Start::new("")).await.unwrap().id()
    }

    /// A run that the second racer has brought to its question, and the question: both racers are free again.
    async fn asking(&mut self, spec: &str) -> (RunId, TaskRow) {
        let run = self.queued(spec).await;
        self.racers[1].tell(&format!("resume {run}"));
        let mut events = self.host.run(run).events_from(Cursor::START);
        loop {
            let event = events.next().await.expect("it asks before it ends").unwrap();
            if let Event::TaskOpened(opened) = event.event() {
                let task = self.host.task(opened.task).await.unwrap();
                assert_eq!(self.racers[1].hear()["status"], "blocked");
                return (run, task);
            }
        }
    }

    /// Releases both racers at once, in either order; what each was told.
    fn race(&mut self, rng: &mut Rng, lines: [&str; 2]) -> [Json; 2] {
        let later = Duration::from_micros(rng.below(1_500));
        let [one, other] = &mut self.racers;
        match rng.one_in(2) {
            true => release((one, lines[0]), (other, lines[1]), later),
            false => release((other, lines[1]), (one, lines[0]), later),
        }
        [one.hear(), other.hear()]
    }

    /// Waits for a run's end, and checks what must hold of every run.
    async fn end(&self, run: RunId) -> Ended {
        let limit = Duration::from_secs(14);
        let mut events = self.host.run(run).events_from(Cursor::START);
        let over = async { while events.next().await.transpose().unwrap().is_some() {} };
        tokio::time::timeout(limit, over).await.expect("it ends before a lease is over");
        let status = self.host.run(run).status().await.unwrap();
        let key = RunKey::new(Namespace::default(), run);
        let journal = self.store.records(&key, None, usize::MAX).await.unwrap();
        assert!(journal.iter().zip(1..).all(|(stored, seq)| stored.seq.as_u64() == seq), "the journal is not dense");
        assert!(journal.is_sorted_by_key(|stored| stored.record.at()), "time ran backwards");
        let Event::RunEnded(outcome) = journal.last().unwrap().record.event() else { panic!("{journal:#?}") };
        assert_eq!(outcome.status(), status);

        let intents: BTreeSet<String> = journal.iter().filter_map(|stored| intent(run, stored)).collect();
        let log = std::fs::read_to_string(self.folder.path().join("calls.log")).unwrap_or_default();
        let mut calls = BTreeSet::new();
        for line in log.lines().filter(|line| line.starts_with(&run.to_string())) {
            assert!(calls.insert(line.to_owned()), "`{line}` began twice");
            assert!(intents.contains(line), "`{line}` began without an intent");
        }
        let cancelled = |event: &Event| matches!(event, Event::CancelRequested { .. });
        let after = journal.iter().skip_while(|stored| !cancelled(stored.record.event()));
        assert_eq!(after.filter_map(|stored| intent(run, stored)).next(), None, "something started after a cancel");
        Ended { outcome: (**outcome).clone(), calls: calls.len(), journal }
    }
}

fn intent(run: RunId, stored: &Stored) -> Option<String> {
    match stored.record.event() {
        Event::EffectIntended { attempt, .. } => Some(format!("{run} {} {attempt}", stored.record.path())),
        _ => None,
    }
}

struct Ended {
    outcome: RunOutcome,
    calls: usize,
    journal: Vec<Stored>,
}

impl Ended {
    fn find(&self, fits: impl Fn(&Event) -> bool) -> Option<usize> {
        self.journal.iter().position(|stored| fits(stored.record.event()))
    }

    fn decided(&self) -> Option<usize> {
        self.find(|event| matches!(event, Event::TaskDecided(_)))
    }

    fn cancelled(&self) -> Option<usize> {
        self.find(|event| matches!(event, Event::CancelRequested { .. }))
    }
}

/// How often a race ended in each way; every way must come up.
#[derive(Default)]
struct Ends(BTreeMap<&'static str, u32>);

impl Ends {
    fn add(&mut self, end: &'static str) {
        *self.0.entry(end).or_default() += 1;
    }

    fn all_of(self, ways: usize) {
        println!("{:?}", self.0);
        assert_eq!(self.0.len(), ways, "{:?}", self.0);
    }
}

fn is_ok(told: &Json) -> bool {
    told["ok"] == true
}

fn code(told: &Json) -> &str {
    told["code"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_decisions_stands() {
    let (mut track, mut ends, mut rng) = (Track::open().await, Ends::default(), Rng::new(1));
    for _ in 0..seed::times(ROUNDS) {
        let (run, task) = track.asking(GATE).await;
        let [ana, ben] = [format!("decide {} ana approve", task.task), format!("decide {} ben reject", task.task)];
        let told = track.race(&mut rng, [&ana, &ben]);
        let ended = track.end(run).await;
        let decision = ended.journal[ended.decided().expect("somebody decided")].record.clone();
        let (loser, says) = match (is_ok(&told[0]), is_ok(&told[1])) {
            (true, false) => {
                assert_eq!(decision.actor, super::world::person("ana"));
                assert!(matches!(ended.outcome, RunOutcome::Completed(_)) && ended.calls == 1);
                ends.add("ana");
                (&told[1], format!("approved by ana at {}", decision.at()))
            }
            (false, true) => {
                assert!(matches!(ended.outcome, RunOutcome::Failed(_)) && ended.calls == 0);
                ends.add("ben");
                (&told[0], format!("rejected by ben at {}", decision.at()))
            }
            _ => panic!("{told:?}"),
        };
        assert_eq!(code(loser), "already_decided");
        assert!(loser["text"].as_str().unwrap().ends_with(&says), "{loser}, not {says}");
    }
    ends.all_of(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_counts_only_before_a_cancel() {
    let (mut track, mut ends, mut rng) = (Track::open().await, Ends::default(), Rng::new(2));
    for _ in 0..seed::times(ROUNDS) {
        let (run, task) = track.asking(GATE).await;
        let told =
            track.race(&mut rng, [&format!("decide {} ana approve", task.task), &format!("cancel {run} operator")]);
        let ended = track.end(run).await;
        match (is_ok(&told[0]), is_ok(&told[1])) {
            (true, true) => {
                assert!(ended.decided() < ended.cancelled(), "the decision came after the cancel");
                assert_eq!(ended.outcome, RunOutcome::Cancelled);
                ends.add("the decision, then the cancel");
            }
            (true, false) => {
                assert_eq!(code(&told[1]), "invalid_state");
                assert!(matches!(ended.outcome, RunOutcome::Completed(_)));
                ends.add("the decision");
            }
            (false, true) => {
                assert_eq!(code(&told[0]), "invalid_state");
                assert_eq!((&ended.outcome, ended.decided(), ended.calls), (&RunOutcome::Cancelled, None, 0));
                ends.add("the cancel");
            }
            (false, false) => panic!("nobody won: {told:?}"),
        }
    }
    println!("{:?}", ends.0);
    assert!(ends.0.contains_key("the cancel") && ends.0.len() > 1, "{:?}", ends.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_holds_or_is_too_late() {
    let (mut track, mut ends, mut rng) = (Track::open().await, Ends::default(), Rng::new(3));
    let (run, began) = (track.queued(CHAIN).await, Instant::now());
    track.racers[0].ask(&format!("resume {run}"));
    let undisturbed = began.elapsed();
    for _ in 0..seed::times(ROUNDS) {
        let run = track.queued(CHAIN).await;
        let [worker, operator] = &mut track.racers;
        // The cancel comes before the end or after it.
        let later = undisturbed.mul_f64(rng.below(200) as f64 / 100.0);
        release((worker, &format!("resume {run}")), (operator, &format!("cancel {run} operator")), later);
        let told = [worker.hear(), operator.hear()];
        let ended = track.end(run).await;
        if is_ok(&told[1]) {
            assert_eq!(ended.outcome, RunOutcome::Cancelled);
            assert!(told[0]["status"] == "cancelled" || code(&told[0]) == "invalid_state", "{told:?}");
            ends.add("cancelled");
        } else {
            assert_eq!(code(&told[1]), "invalid_state");
            assert!(matches!(ended.outcome, RunOutcome::Completed(_)) && ended.calls == 3);
            assert_eq!((&told[0]["status"], ended.cancelled()), (&Json::from("completed"), None));
            ends.add("completed");
        }
    }
    ends.all_of(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_decided_or_expires() {
    let (mut track, mut ends, mut rng) = (Track::open().await, Ends::default(), Rng::new(4));
    for _ in 0..seed::times(ROUNDS) {
        let (run, task) = track.asking(DEADLINE).await;
        // A little before the deadline, so that the decision arrives around it.
        let early = if rng.one_in(2) { rng.below(3_000) } else { rng.below(40_000) };
        let at = task.deadline.unwrap().as_unix_micros() + 1_000 - i64::try_from(early).unwrap();
        let told = track.racers[0].ask(&format!("decide {} ana approve {at}", task.task));
        let ended = track.end(run).await;
        let expired = ended.find(|event| matches!(event, Event::TaskExpired { then: AfterExpiry::Fail, .. }));
        if is_ok(&told) {
            assert!(matches!(ended.outcome, RunOutcome::Completed(_)) && expired.is_none());
            ends.add("decided");
        } else {
            assert_eq!(code(&told), "invalid_state");
            assert!(matches!(ended.outcome, RunOutcome::Expired(_)), "{:?}", ended.outcome);
            assert_eq!((ended.decided(), ended.calls), (None, 0));
            ends.add("expired");
        }
    }
    ends.all_of(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_workers_runs_a_run() {
    let (mut track, mut ends, mut rng) = (Track::open().await, Ends::default(), Rng::new(5));
    for _ in 0..seed::times(ROUNDS) {
        let run = track.queued(CHAIN).await;
        let line = format!("resume {run}");
        let told = track.race(&mut rng, [&line, &line]);
        let ended = track.end(run).await;
        assert!(matches!(ended.outcome, RunOutcome::Completed(_)) && ended.calls == 3);
        let claimed = |stored: &Stored| match stored.record.event() {
            Event::RunClaimed { worker, .. } => Some(worker.to_string()),
            _ => None,
        };
        let claims: Vec<String> = ended.journal.iter().filter_map(claimed).collect();
        let [winner] = claims.as_slice() else { panic!("{claims:?}") };
        let won = track.racers.iter().position(|racer| racer.worker == *winner).unwrap();
        assert_eq!((is_ok(&told[won]), &told[won]["waited"]), (true, &Json::from(false)));
        // The other has seen who holds the run, or comes when it is over.
        let other = &told[1 - won];
        assert!(other["status"] == "completed" || code(other) == "invalid_state", "{other}");
        ends.add(if won == 0 { "the one" } else { "the other" });
    }
    ends.all_of(2);
}
