//! One run in a memory store, and the outside: time, and what the run's functions do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use kneo_core::clock::Clock;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{Entry, Event, RunStarted};
use kneo_core::plan::CompiledPlan;
use kneo_core::record::{Record, Stored};
use kneo_core::store::{CommitError, Committed, RunRow, Store, TaskQuery};
use kneo_core::task::TaskRow;
use kneo_core::{Actor, Attempt, CommitId, Name, Namespace, Path, Payload, RunId, RunKey, Timestamp, Value};
use kneo_runtime::engine::{Input, InputKind, Program, REVISION, State, decide};
use kneo_store::MemoryStore;
use kneo_tests::schedule::{Schedule, pause};
use kneo_tests::seed::Rng;

/// More turns than any race takes.
const TURNS: usize = 100_000;

pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) plan: Arc<CompiledPlan>,
    pub(crate) program: Arc<Program>,
    pub(crate) key: RunKey,
    clock: Arc<HandClock>,
    rng: RefCell<Rng>,
    /// What the functions saw: every call that began.
    calls: RefCell<BTreeSet<(Path, Attempt)>>,
    /// How many commits were refused because the lease was another's.
    pub(crate) fenced: Cell<u32>,
    /// How many commits were decided again because others were faster.
    pub(crate) behind: Cell<u32>,
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::Relaxed))
    }
}

impl World {
    /// A queued run of a spec, on the input `x`.
    pub(crate) fn new(spec: &str, seed: u64) -> World {
        let plan = kneo_spec::compile_str("race.yaml", spec).unwrap();
        let clock = Arc::new(HandClock(AtomicI64::new(1_000_000_000_000_000)));
        let world = World {
            store: MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>),
            program: Arc::new(Program::unbound(Arc::clone(&plan)).unwrap()),
            key: RunKey::new(Namespace::default(), RunId::new(clock.now(), Rng::new(seed).bytes())),
            rng: RefCell::new(Rng::new(seed)),
            plan,
            clock,
            calls: RefCell::default(),
            fenced: Cell::default(),
            behind: Cell::default(),
        };
        world.store.put_plan(world.plan.digest(), world.plan.bytes().clone()).now_or_never().unwrap().unwrap();
        world.start();
        world
    }

    fn start(&self) {
        let started = RunStarted {
            workflow: self.plan.plan().name.clone(),
            plan: self.plan.digest(),
            input: Payload::new(Value::from("x")).unwrap(),
            labels: Vec::new(),
            idempotency: None,
            holds: Vec::new(),
            deadline: None,
            seal: None,
        };
        let entries = decide(&self.state(), &self.input(self.now(), InputKind::Start(Box::new(started))));
        let records: Vec<Record> = entries.into_iter().map(|entry| record(Actor::Host, entry)).collect();
        self.commit(Author::Creator, LeaseChange::Keep, records).unwrap();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.clock.0.store(self.now().after(time).as_unix_micros(), Ordering::Relaxed);
    }

    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.borrow_mut())
    }

    pub(crate) fn input(&self, now: Timestamp, kind: InputKind) -> Input {
        Input { now, entropy: self.draw(Rng::bytes), kind }
    }

    /// The state before the run's first record.
    pub(crate) fn state(&self) -> State {
        State::new(Arc::clone(&self.program), self.key.run)
    }

    pub(crate) fn row(&self) -> RunRow {
        self.store.run(&self.key).now_or_never().unwrap().unwrap().unwrap()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.row().status.is_terminal()
    }

    pub(crate) fn journal(&self) -> Vec<Stored> {
        self.store.records(&self.key, None, usize::MAX).now_or_never().unwrap().unwrap()
    }

    /// All tasks that the run has asked, the closed ones too.
    pub(crate) fn tasks(&self) -> Vec<TaskRow> {
        let mut query = TaskQuery::new(Namespace::default());
        query.include_closed = true;
        self.store.tasks(&query, kneo_core::store::Page::default()).now_or_never().unwrap().unwrap()
    }

    pub(crate) fn commit(
        &self,
        author: Author,
        lease: LeaseChange,
        records: impl Into<Arc<[Record]>>,
    ) -> Result<Committed, CommitError> {
        let id = CommitId::new(self.now(), self.draw(Rng::bytes));
        self.submit(Commit::new(id, self.key.clone(), author, lease, records).unwrap())
    }

    pub(crate) fn submit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.store.commit(vec![commit]).now_or_never().unwrap().remove(0)
    }

    /// A function is called: as a function of the outside would, this watches what it is asked.
    pub(crate) fn call(&self, path: &Path, attempt: Attempt) {
        assert!(self.calls.borrow_mut().insert((path.clone(), attempt)), "{path} attempt {attempt} began twice");
        let succeeded = |stored: &Stored| {
            matches!(stored.record.event(), Event::EffectSucceeded { .. }) && stored.record.path() == path
        };
        assert!(!self.journal().iter().any(succeeded), "{path} attempt {attempt} began after its result");
    }

    /// Every call that began.
    pub(crate) fn calls(&self) -> BTreeSet<(Path, Attempt)> {
        self.calls.borrow().clone()
    }

    /// Lets the actors take turns until the run and all of them have ended.
    pub(crate) fn run(&self, schedule: Schedule<'_>) {
        let end = schedule.run(TURNS);
        let journal = || self.journal().into_iter().map(|stored| stored.record.entry).collect::<Vec<_>>();
        assert!(end == Ok(()) && self.is_over(), "{end:?}: {:#?} {:#?}", self.row(), journal());
    }

    /// Waits until something is so, or the run is over.
    pub(crate) async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            pause().await;
            if let Some(found) = look() {
                return Some(found);
            }
            if self.is_over() {
                return None;
            }
        }
    }

    /// Waits a few turns.
    pub(crate) async fn dawdle(&self, at_most: u64) {
        for _ in 0..self.draw(|rng| rng.below(at_most)) {
            pause().await;
        }
    }
}

/// What a function gives, by definition.
pub(crate) fn applied(function: &str, input: &Value) -> Value {
    Value::from(format!("{function}({})", input.to_text()))
}

pub(crate) fn record(actor: Actor, entry: Entry) -> Record {
    Record { revision: REVISION, actor, trace: None, entry }
}

pub(crate) fn person(name: &str) -> Actor {
    Actor::trusted(Name::new(name).unwrap())
}
