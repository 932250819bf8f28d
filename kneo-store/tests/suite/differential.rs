//! Random sequences of calls have the same answers on the memory store and on SQLite.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kneo_core::clock::Clock;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{AfterExpiry, Entry, Event, Hold, Parked, RunStarted, StartKey, TaskDecided, TaskOpened};
use kneo_core::plan::{OnTimeout, RequestType};
use kneo_core::record::Record;
use kneo_core::run::RunKey;
use kneo_core::store::{ClaimAsk, Page, Retention, RunQuery, Store, TaskQuery, Watermark};
use kneo_core::task::{Decision, DecisionKind, Request, TaskCause};
use kneo_core::{
    Actor, CommitId, Digest, Fence, Namespace, Path, Payload, RunId, RunOutcome, Seq, TaskId, Timestamp, Value,
    WorkerId,
};
use kneo_store::conformance::ManualClock;
use kneo_store::{MemoryStore, SqliteOptions, SqliteStore, Synchronous};
use proptest::prelude::*;

use super::kit::name;

/// One call, in small numbers that often meet.
#[derive(Debug, Clone)]
enum Call {
    Start {
        run: u8,
        plan: u8,
        lease: Option<u8>,
        key: Option<(u8, u8)>,
        hold: Option<u8>,
        deadline: Option<u8>,
        seal: Option<SealOf>,
    },
    Step {
        run: u8,
        worker: Option<u8>,
        fence: i8,
        expected: i8,
        events: Vec<Step>,
        release: bool,
    },
    Cancel {
        run: u8,
    },
    Decide {
        run: u8,
        task: u8,
    },
    Reassign {
        run: u8,
        task: u8,
    },
    /// An earlier commit comes again.
    Again {
        nth: usize,
    },
    /// Several commits in one call.
    Slice {
        runs: Vec<u8>,
    },
    Claim {
        worker: u8,
        plans: u8,
        run: Option<u8>,
        max: usize,
    },
    Beat {
        run: u8,
        worker: Option<u8>,
        fence: i8,
    },
    Release {
        run: u8,
        fence: i8,
    },
    Advance {
        seconds: u8,
    },
    Outbox {
        nth: usize,
    },
    Prune {
        seconds_ago: u8,
        max: usize,
    },
}

/// The seal of a start.
#[derive(Debug, Clone)]
struct SealOf {
    environment: Option<u8>,
    sequence: u8,
    verified: bool,
}

fn seal_of() -> impl Strategy<Value = SealOf> {
    (prop::option::of(0..2u8), 0..4u8, prop::bool::weighted(0.8)).prop_map(|(environment, sequence, verified)| SealOf {
        environment,
        sequence,
        verified,
    })
}

fn environment(of: u8) -> String {
    format!("e{of}")
}

/// What a holder's commit holds.
#[derive(Debug, Clone)]
enum Step {
    Entered,
    Computed,
    Large(u8),
    Claimed,
    Parked(u8, Option<u8>),
    Open { task: u8, deadline: Option<u8> },
    Withdraw(u8),
    Expire(u8),
    Escalate(u8),
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Entered),
        3 => Just(Step::Computed),
        1 => (0..3u8).prop_map(Step::Large),
        2 => Just(Step::Claimed),
        2 => (0..3u8, prop::option::of(0..30u8)).prop_map(|(status, ready)| Step::Parked(status, ready)),
        3 => (0..4u8, prop::option::of(0..30u8)).prop_map(|(task, deadline)| Step::Open { task, deadline }),
        1 => (0..4u8).prop_map(Step::Withdraw),
        1 => (0..4u8).prop_map(Step::Expire),
        1 => (0..4u8).prop_map(Step::Escalate),
        1 => Just(Step::End),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let run = 0..5u8;
    let worker = 0..3u8;
    // Mostly right, so that sequences get somewhere.
    let off = || prop_oneof![8 => Just(0i8), 1 => -2..3i8];
    let start = (
        run.clone(),
        0..3u8,
        prop::option::of(worker.clone()),
        prop::option::of((0..2u8, 0..2u8)),
        prop::option::of(0..2u8),
        prop::option::of(0..60u8),
        prop::option::of(seal_of()),
    );
    let holder = (
        run.clone(),
        prop_oneof![6 => Just(None), 1 => worker.clone().prop_map(Some)],
        off(),
        off(),
        prop::collection::vec(step(), 1..4),
        prop::bool::weighted(0.25),
    );
    let claim = (worker.clone(), 0..4u8, prop_oneof![3 => Just(None), 1 => run.clone().prop_map(Some)], 0..4usize);
    prop_oneof![
        4 => start.prop_map(|(run, plan, lease, key, hold, deadline, seal)| {
            Call::Start { run, plan, lease, key, hold, deadline, seal }
        }),
        12 => holder.prop_map(|(run, worker, fence, expected, events, release)| {
            Call::Step { run, worker, fence, expected, events, release }
        }),
        1 => run.clone().prop_map(|run| Call::Cancel { run }),
        4 => (run.clone(), 0..4u8).prop_map(|(run, task)| Call::Decide { run, task }),
        1 => (run.clone(), 0..4u8).prop_map(|(run, task)| Call::Reassign { run, task }),
        2 => (0..64usize).prop_map(|nth| Call::Again { nth }),
        1 => prop::collection::vec(run.clone(), 0..4).prop_map(|runs| Call::Slice { runs }),
        6 => claim.prop_map(|(worker, plans, run, max)| Call::Claim { worker, plans, run, max }),
        2 => (run.clone(), prop::option::of(worker), off()).prop_map(|(run, worker, fence)| Call::Beat { run, worker, fence }),
        2 => (run, off()).prop_map(|(run, fence)| Call::Release { run, fence }),
        4 => (0..20u8).prop_map(|seconds| Call::Advance { seconds }),
        1 => (0..8usize).prop_map(|nth| Call::Outbox { nth }),
        1 => (0..60u8, 0..3usize).prop_map(|(seconds_ago, max)| Call::Prune { seconds_ago, max }),
    ]
}

/// Both stores, and what the calls so far have made.
struct Pair {
    memory: Arc<dyn Store>,
    sqlite: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    commits: Vec<Commit>,
}

fn key(run: u8) -> RunKey {
    RunKey::new(Namespace::default(), RunId::from_bytes([run + 1; 16]))
}

fn worker(worker: u8) -> WorkerId {
    WorkerId::from_bytes([worker + 1; 16])
}

fn task(task: u8) -> TaskId {
    TaskId::from_bytes([task + 1; 16])
}

fn plan(plan: u8) -> Digest {
    Digest::of(&[plan])
}

fn large(of: u8) -> Payload {
    Payload::new(Value::text(of.to_string().repeat(6_000))).unwrap()
}

impl Pair {
    async fn new(folder: &std::path::Path) -> Pair {
        let clock = Arc::new(ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap()));
        let options = SqliteOptions::new().clock(clock.clone()).synchronous(Synchronous::Normal);
        let sqlite = SqliteStore::open_with(folder.join("kneo.db"), options).await.unwrap();
        let (memory, sqlite): (Arc<dyn Store>, Arc<dyn Store>) =
            (Arc::new(MemoryStore::new(clock.clone())), Arc::new(sqlite));
        for store in [&memory, &sqlite] {
            for known in 0..2 {
                store.put_plan(plan(known), Bytes::from_static(b"plan")).await.unwrap();
            }
        }
        Pair { memory, sqlite, clock, commits: Vec::new() }
    }

    fn in_seconds(&self, seconds: u8) -> Timestamp {
        self.clock.now().after(Duration::from_secs(seconds.into()))
    }

    fn commit(&mut self, run: RunKey, author: Author, lease: LeaseChange, events: Vec<Event>) -> Commit {
        let id = CommitId::new(self.clock.now(), {
            let mut random = [0; 10];
            random[2..].copy_from_slice(&(self.commits.len() as u64).to_be_bytes());
            random
        });
        let record = |event| Record {
            revision: 1,
            actor: Actor::trusted(name("ana")),
            trace: None,
            entry: Entry { at: self.clock.now(), path: Path::root(), event },
        };
        let records: Vec<Record> = events.into_iter().map(record).collect();
        let commit = Commit::new(id, run, author, lease, records).unwrap();
        self.commits.push(commit.clone());
        commit
    }

    /// Submits to both, and compares the answers.
    async fn submit(&self, commits: Vec<Commit>) {
        let (one, other) = (self.memory.commit(commits.clone()).await, self.sqlite.commit(commits).await);
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }

    /// The present fence and last record of a run, and its holder.
    async fn present(&self, run: u8) -> (u64, u64, WorkerId) {
        let row = self.memory.run(&key(run)).await.unwrap();
        row.map_or((1, 1, worker(0)), |row| (row.fence.as_u64(), row.tail.as_u64(), row.holder.unwrap_or(worker(0))))
    }

    async fn holder(&mut self, run: u8, by: Option<u8>, fence: i8, expected: i8, events: &[Step], end: bool) -> Commit {
        let (now_fence, tail, holder) = self.present(run).await;
        let (by, fence) = (by.map_or(holder, worker), Fence::new(now_fence.saturating_add_signed(fence.into())));
        let expected = Seq::new(tail.saturating_add_signed(expected.into())).unwrap_or(Seq::FIRST);
        let author = Author::Holder { worker: by, fence, expected };
        let lease = if end { LeaseChange::Release } else { LeaseChange::Keep };
        let mut opened = Vec::new();
        let events = events.iter().filter(|step| match step {
            // A commit opens a task once: the engine gives every task an id of its own.
            Step::Open { task, .. } => {
                let fresh = !opened.contains(task);
                opened.push(*task);
                fresh
            }
            _ => true,
        });
        let mut events: Vec<Event> = events.map(|step| self.event(step, by, fence)).collect();
        // Nothing follows the end.
        if let Some(end) = events.iter().position(|event| matches!(event, Event::RunEnded(_))) {
            events.truncate(end + 1);
        }
        self.commit(key(run), author, lease, events)
    }

    fn event(&self, step: &Step, by: WorkerId, fence: Fence) -> Event {
        match step {
            Step::Entered => Event::StepEntered { via: None, input: None },
            Step::Computed => Event::StepComputed { via: None, output: Payload::null() },
            Step::Large(of) => Event::StepComputed { via: None, output: large(*of) },
            Step::Claimed => Event::RunClaimed { worker: by, fence },
            Step::Parked(status, ready) => Event::RunParked {
                status: [Parked::Queued, Parked::Running, Parked::Blocked][usize::from(*status)],
                ready_at: ready.map(|seconds| self.in_seconds(seconds)),
            },
            Step::Open { task: of, deadline } => {
                let cause = TaskCause::Step(RequestType::Approval);
                let request = Request::new(cause, "Publish?", Value::Null, vec![DecisionKind::Approve]);
                Event::TaskOpened(Box::new(TaskOpened {
                    task: task(*of),
                    digest: request.digest().unwrap(),
                    request: Arc::new(request),
                    assignees: vec![name("ana")],
                    deadline: deadline.map(|seconds| self.in_seconds(seconds)),
                    on_timeout: OnTimeout::Fail,
                }))
            }
            Step::Withdraw(of) => Event::TaskWithdrawn { task: task(*of) },
            Step::Expire(of) => Event::TaskExpired { task: task(*of), then: AfterExpiry::Fail },
            Step::Escalate(of) => Event::TaskEscalated { task: task(*of) },
            Step::End => Event::RunEnded(Box::new(RunOutcome::Completed(large(0)))),
        }
    }

    async fn call(&mut self, call: Call) {
        let external = (Author::External, LeaseChange::Keep);
        match call {
            Call::Start { run, plan: of, lease, key: start, hold, deadline, seal } => {
                let verified = seal.as_ref().is_some_and(|seal| seal.verified);
                let started = Event::RunStarted(Box::new(RunStarted {
                    workflow: name("report"),
                    plan: plan(of),
                    input: large(of),
                    labels: vec![(name("run"), run.to_string().into())],
                    idempotency: start
                        .map(|(key, content)| StartKey { key: name(&format!("k{key}")), digest: plan(content) }),
                    holds: hold
                        .map(|slot| Hold { scope: name("pool"), key: name("a"), slot: slot.into() })
                        .into_iter()
                        .collect(),
                    deadline: deadline.map(|seconds| self.in_seconds(seconds)),
                    seal: seal.map(|SealOf { environment: at, sequence, .. }| {
                        super::kit::seal(plan(of), at.map(environment).as_deref(), sequence.into())
                    }),
                }));
                let lease = lease.map_or(LeaseChange::Keep, |by| LeaseChange::Take { worker: worker(by) });
                let mut commit = self.commit(key(run), Author::Creator, lease, vec![started]);
                if verified {
                    commit = commit.with_floor().unwrap();
                    // Also when it comes again.
                    *self.commits.last_mut().unwrap() = commit.clone();
                }
                self.submit(vec![commit]).await;
            }
            Call::Step { run, worker, fence, expected, events, release } => {
                let commit = self.holder(run, worker, fence, expected, &events, release).await;
                self.submit(vec![commit]).await;
            }
            Call::Cancel { run } => {
                let event = Event::CancelRequested { reason: "enough".into() };
                let commit = self.commit(key(run), external.0, external.1, vec![event]);
                self.submit(vec![commit]).await;
            }
            Call::Decide { run, task: of } => {
                let decided = TaskDecided { task: task(of), decision: Decision::approve(), digest: plan(0) };
                let event = Event::TaskDecided(Box::new(decided));
                let commit = self.commit(key(run), external.0, external.1, vec![event]);
                self.submit(vec![commit]).await;
            }
            Call::Reassign { run, task: of } => {
                let event = Event::TaskReassigned { task: task(of), to: vec![name("bo")] };
                let commit = self.commit(key(run), external.0, external.1, vec![event]);
                self.submit(vec![commit]).await;
            }
            Call::Again { nth } => {
                let Some(commit) = self.commits.iter().rev().nth(nth % 8).cloned() else { return };
                self.submit(vec![commit]).await;
            }
            Call::Slice { mut runs } => {
                runs.sort_unstable();
                runs.dedup();
                let mut slice = Vec::new();
                for run in runs {
                    slice.push(self.holder(run, None, 0, 0, &[Step::Computed], false).await);
                }
                self.submit(slice).await;
            }
            Call::Claim { worker: by, plans, run, max } => {
                let plans: Vec<Digest> = (0..2).filter(|of| plans & (1 << of) != 0).map(plan).collect();
                let (namespace, run) = (&Namespace::default(), run.map(|run| key(run).run));
                let ask = ClaimAsk { worker: worker(by), namespace, run, plans: &plans, max };
                let (one, other) = (self.memory.claim(ask).await, self.sqlite.claim(ask).await);
                assert_eq!(one.unwrap(), other.unwrap());
            }
            Call::Beat { run, worker: by, fence } => {
                let (now_fence, _, holder) = self.present(run).await;
                let held = [(key(run), Fence::new(now_fence.saturating_add_signed(fence.into())))];
                let by = by.map_or(holder, worker);
                let (one, other) = (self.memory.heartbeat(by, &held).await, self.sqlite.heartbeat(by, &held).await);
                assert_eq!(one.unwrap(), other.unwrap());
            }
            Call::Release { run, fence } => {
                let fence = Fence::new(self.present(run).await.0.saturating_add_signed(fence.into()));
                self.memory.release(&key(run), fence).await.unwrap();
                self.sqlite.release(&key(run), fence).await.unwrap();
            }
            Call::Advance { seconds } => self.clock.advance(Duration::from_secs(seconds.into())),
            Call::Outbox { nth } => {
                let entries = self.memory.outbox(&Namespace::default(), 100).await.unwrap();
                let done: Vec<_> = entries.get(nth).map(|entry| entry.id).into_iter().collect();
                self.memory.outbox_done(&Namespace::default(), &done).await.unwrap();
                self.sqlite.outbox_done(&Namespace::default(), &done).await.unwrap();
            }
            Call::Prune { seconds_ago, max } => {
                let now = self.clock.now().as_unix_micros();
                let ended_before = Timestamp::from_unix_micros(now - i64::from(seconds_ago) * 1_000_000);
                let retention = Retention { namespace: Namespace::default(), ended_before, max };
                let (one, other) = (self.memory.prune(&retention).await, self.sqlite.prune(&retention).await);
                assert_eq!(one.unwrap(), other.unwrap());
            }
        }
    }

    /// Compares everything that can be asked.
    async fn compare(&self) {
        let namespace = Namespace::default();
        let (runs, tasks) = (RunQuery::default(), {
            let mut tasks = TaskQuery::default();
            tasks.include_closed = true;
            tasks
        });
        macro_rules! same {
            ($($call:tt)*) => {
                assert_eq!(self.memory.$($call)*.await.unwrap(), self.sqlite.$($call)*.await.unwrap());
            };
        }
        same!(runs(&runs, Page::default()));
        same!(tasks(&tasks, Page::default()));
        same!(ready_plans(&namespace));
        same!(outbox(&namespace, 1_000));
        same!(feed(&namespace, Watermark::default(), 1_000));
        for at in [None, Some(0), Some(1)] {
            let at = at.map(|of| name(&environment(of)));
            same!(floor(&namespace, &name("report"), at.as_ref()));
        }
        for run in 0..5 {
            same!(run(&key(run)));
            same!(audit(&key(run)));
            same!(records(&key(run), None, 1_000));
            same!(records(&key(run), Seq::new(3), 2));
        }
        for of in 0..4 {
            same!(task(&namespace, task(of)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_answer_alike(calls in prop::collection::vec(call(), 1..120)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new(folder.path()).await;
            for (at, call) in calls.into_iter().enumerate() {
                pair.call(call).await;
                if at % 10 == 9 {
                    pair.compare().await;
                }
            }
            pair.compare().await;
        });
    }
}
