//! What cases are written with: a store, a clock, and short words for commits.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kneo_core::clock::Clock;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{Entry, Event, Hold, Parked, RunStarted, StartKey, TaskDecided, TaskOpened};
use kneo_core::plan::{NodeIx, OnTimeout, RequestType};
use kneo_core::record::{Record, Stored};
use kneo_core::run::RunKey;
use kneo_core::seal::{Claim, Seal, SealKey};
use kneo_core::secret::Secret;
use kneo_core::store::{ClaimAsk, Claimed, CommitError, Committed, Page, RunRow, Store, TaskQuery};
use kneo_core::task::{Decision, DecisionKind, Request, TaskCause, TaskRow};
use kneo_core::{
    Actor, CommitId, Digest, Fence, Name, Namespace, Path, Payload, RunId, RunOutcome, Seq, TaskId, Timestamp, Value,
    WorkerId,
};

use super::{StoreBuilder, Traits};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows a time.
    #[must_use]
    pub fn new(at: Timestamp) -> ManualClock {
        ManualClock(AtomicI64::new(at.as_unix_micros()))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let now = self.now().after(by);
        self.0.store(now.as_unix_micros(), Ordering::SeqCst);
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_unix_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A store of its own for one case, with a clock that the case moves.
#[derive(Clone)]
pub struct Kit {
    builder: Arc<dyn StoreBuilder>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<ManualClock>,
    /// A plan that the store has.
    pub(super) plan: Digest,
    ids: Arc<AtomicU64>,
}

/// How long a case waits for what must happen soon.
const SOON: Duration = Duration::from_secs(60);

impl Kit {
    /// Opens a store that has one plan.
    pub(super) async fn new(builder: Arc<dyn StoreBuilder>) -> Kit {
        let clock = Arc::new(ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap()));
        let store = builder.open(Arc::clone(&clock) as Arc<dyn Clock>).await;
        let kit = Kit { builder, store, clock, plan: Digest::of(b"a plan"), ids: Arc::default() };
        kit.keep_plan(b"a plan").await;
        kit
    }

    /// Closes the store and opens it again.
    pub(super) async fn reopened(self) -> Kit {
        let Kit { builder, store, clock, plan, ids } = self;
        drop(store);
        let store = builder.open(Arc::clone(&clock) as Arc<dyn Clock>).await;
        Kit { builder, store, clock, plan, ids }
    }

    pub(super) fn traits(&self) -> Traits {
        self.builder.traits()
    }

    pub(super) async fn keep_plan(&self, bytes: &'static [u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.store.put_plan(digest, Bytes::from_static(bytes)).await.unwrap();
        digest
    }

    fn random(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&self.ids.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        bytes
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn run_key(&self) -> RunKey {
        RunKey::new(Namespace::default(), RunId::new(self.now(), self.random()))
    }

    pub(super) fn worker(&self) -> WorkerId {
        WorkerId::new(self.now(), self.random())
    }

    pub(super) fn task_id(&self) -> TaskId {
        TaskId::new(self.now(), self.random())
    }

    pub(super) fn commit_id(&self) -> CommitId {
        CommitId::new(self.now(), self.random())
    }

    pub(super) fn record(&self, event: Event) -> Record {
        let entry = Entry { at: self.now(), path: Path::root(), event };
        Record { revision: 1, actor: Actor::Host, trace: None, entry }
    }

    /// A start that can still be changed.
    pub(super) fn start(&self) -> Start {
        let started = RunStarted {
            workflow: name("report"),
            plan: self.plan,
            input: payload("input"),
            labels: Vec::new(),
            idempotency: None,
            holds: Vec::new(),
            deadline: None,
            seal: None,
        };
        Start { run: self.run_key(), actor: Actor::Host, started, claimed: None, verified: false }
    }

    /// Makes a run that waits for a worker.
    pub(super) async fn make(&self, start: Start) -> RunKey {
        let run = start.run.clone();
        self.commit(start.commit(self)).await.unwrap();
        run
    }

    /// Makes a run that a new worker holds from its first commit on.
    pub(super) async fn hold(&self, start: Start) -> Held {
        let (run, worker) = (start.run.clone(), self.worker());
        let made = self.commit(start.leased(self, worker)).await.unwrap();
        Held { run, worker, fence: made.fence.unwrap(), tail: made.tail }
    }

    /// A run that a new worker holds.
    pub(super) async fn held(&self) -> Held {
        self.hold(self.start()).await
    }

    /// Commits one commit.
    pub(super) async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let mut answers = self.store.commit(vec![commit]).await;
        assert_eq!(answers.len(), 1, "one answer for one commit");
        answers.remove(0)
    }

    pub(super) fn external(&self, run: &RunKey, actor: Actor, event: Event) -> Commit {
        let mut record = self.record(event);
        record.actor = actor;
        Commit::new(self.commit_id(), run.clone(), Author::External, LeaseChange::Keep, vec![record]).unwrap()
    }

    pub(super) fn cancel(&self, run: &RunKey) -> Commit {
        self.external(run, Actor::Host, Event::CancelRequested { reason: "enough".into() })
    }

    pub(super) fn decide(&self, run: &RunKey, task: TaskId, by: &str, decision: Decision) -> Commit {
        let decided = TaskDecided { task, decision, digest: request().digest().unwrap() };
        self.external(run, Actor::trusted(name(by)), Event::TaskDecided(Box::new(decided)))
    }

    pub(super) fn reassign(&self, run: &RunKey, task: TaskId, to: &[&str]) -> Commit {
        let to = to.iter().map(|to| name(to)).collect();
        self.external(run, Actor::Host, Event::TaskReassigned { task, to })
    }

    /// The event that opens a task.
    pub(super) fn question(&self, task: TaskId, assignees: &[&str], deadline: Option<Timestamp>) -> Event {
        Event::TaskOpened(Box::new(TaskOpened {
            task,
            request: Arc::new(request()),
            digest: request().digest().unwrap(),
            assignees: assignees.iter().map(|of| name(of)).collect(),
            deadline,
            on_timeout: OnTimeout::Fail,
        }))
    }

    /// The floor of the workflow `report`, in the default namespace, for production.
    pub(super) async fn floor(&self) -> Option<u64> {
        self.floor_of("default", "report", Some("production")).await
    }

    pub(super) async fn floor_of(&self, of: &str, workflow: &str, environment: Option<&str>) -> Option<u64> {
        let environment = environment.map(name);
        self.store.floor(&namespace(of), &name(workflow), environment.as_ref()).await.unwrap()
    }

    pub(super) async fn row(&self, run: &RunKey) -> RunRow {
        self.store.run(run).await.unwrap().unwrap()
    }

    pub(super) async fn records(&self, run: &RunKey) -> Vec<Stored> {
        self.store.records(run, None, usize::MAX).await.unwrap()
    }

    pub(super) async fn task(&self, task: TaskId) -> TaskRow {
        self.store.task(&Namespace::default(), task).await.unwrap().unwrap()
    }

    pub(super) async fn open_tasks(&self) -> Vec<TaskId> {
        let query = TaskQuery::new(Namespace::default());
        let rows = self.store.tasks(&query, Page::default()).await.unwrap();
        rows.into_iter().map(|row| row.task).collect()
    }

    /// Claims in the default namespace with the kit's plan.
    pub(super) async fn claim(&self, worker: WorkerId, max: usize) -> Vec<Claimed> {
        self.claim_with(worker, &[self.plan], max).await
    }

    pub(super) async fn claim_with(&self, worker: WorkerId, plans: &[Digest], max: usize) -> Vec<Claimed> {
        let namespace = &Namespace::default();
        self.store.claim(ClaimAsk { worker, namespace, run: None, plans, max }).await.unwrap()
    }

    /// Claims one run and no other.
    pub(super) async fn claim_run(&self, worker: WorkerId, run: &RunKey) -> Option<Held> {
        let ask = ClaimAsk { worker, namespace: &run.namespace, run: Some(run.run), plans: &[self.plan], max: 10 };
        let mut claimed = self.store.claim(ask).await.unwrap();
        assert!(claimed.len() <= 1, "{claimed:?}");
        claimed.pop().map(|claimed| Held::of(worker, claimed))
    }

    /// Waits for what must become true without anybody doing more.
    pub(super) async fn eventually<F: Future<Output = bool>>(&self, what: &str, mut is_true: impl FnMut() -> F) {
        let started = Instant::now();
        while !is_true().await {
            assert!(started.elapsed() < SOON, "it never happened that {what}");
            tokio::task::yield_now().await;
        }
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit").field("store", &self.store).finish_non_exhaustive()
    }
}

/// A run that is about to be made.
pub(super) struct Start {
    pub(super) run: RunKey,
    pub(super) actor: Actor,
    pub(super) started: RunStarted,
    /// The environment and the sequence of its seal.
    claimed: Option<(Option<Name>, u64)>,
    /// Whether somebody has verified the seal.
    verified: bool,
}

impl Start {
    pub(super) fn in_namespace(mut self, namespace: &str) -> Start {
        self.run.namespace = Namespace::new(name(namespace));
        self
    }

    pub(super) fn key(mut self, key: &str, content: &str) -> Start {
        self.started.idempotency = Some(StartKey { key: name(key), digest: Digest::of(content.as_bytes()) });
        self
    }

    pub(super) fn holding(mut self, holds: &[(&str, &str, u32)]) -> Start {
        self.started.holds = holds.iter().map(|(scope, key, slot)| hold(scope, key, *slot)).collect();
        self.started.holds.sort();
        self
    }

    pub(super) fn labels(mut self, labels: &[(&str, &str)]) -> Start {
        self.started.labels = labels.iter().map(|(key, value)| (name(key), (*value).into())).collect();
        self
    }

    pub(super) fn deadline(mut self, deadline: Timestamp) -> Start {
        self.started.deadline = Some(deadline);
        self
    }

    pub(super) fn input(mut self, input: Payload) -> Start {
        self.started.input = input;
        self
    }

    pub(super) fn plan(mut self, plan: Digest) -> Start {
        self.started.plan = plan;
        self
    }

    pub(super) fn workflow(mut self, workflow: &str) -> Start {
        self.started.workflow = name(workflow);
        self
    }

    /// Under a seal for production that was verified.
    pub(super) fn sealed(self, sequence: u64) -> Start {
        self.sealed_for(Some("production"), sequence)
    }

    /// Under a seal that was verified; `None` is for any environment.
    pub(super) fn sealed_for(mut self, environment: Option<&str>, sequence: u64) -> Start {
        self.claimed = Some((environment.map(name), sequence));
        self.verified = true;
        self
    }

    /// Under a seal at which nobody has looked.
    pub(super) fn unverified(mut self) -> Start {
        self.verified = false;
        self
    }

    pub(super) fn commit(self, kit: &Kit) -> Commit {
        self.finish(kit, LeaseChange::Keep)
    }

    pub(super) fn leased(self, kit: &Kit, worker: WorkerId) -> Commit {
        self.finish(kit, LeaseChange::Take { worker })
    }

    fn finish(mut self, kit: &Kit, lease: LeaseChange) -> Commit {
        self.started.seal = self.claimed.map(|(environment, sequence)| {
            let claim = Claim {
                key: name("release"),
                workflow: self.started.workflow.clone(),
                plan: self.started.plan,
                sequence,
                environment,
                approved_by: name("ana"),
                sealed_at: kit.now(),
            };
            let key = SealKey::new(&Secret::new("a key for cases, and for nothing else".to_owned())).unwrap();
            Arc::new(Seal::new(claim, &key).unwrap())
        });
        let mut record = kit.record(Event::RunStarted(Box::new(self.started)));
        record.actor = self.actor;
        let commit = Commit::new(kit.commit_id(), self.run, Author::Creator, lease, vec![record]).unwrap();
        if self.verified { commit.with_floor().unwrap() } else { commit }
    }
}

/// A run in a worker's hands, as far as the worker knows it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) run: RunKey,
    pub(super) worker: WorkerId,
    pub(super) fence: Fence,
    pub(super) tail: Seq,
}

impl Held {
    pub(super) fn of(worker: WorkerId, claimed: Claimed) -> Held {
        Held { run: claimed.run, worker, fence: claimed.fence, tail: claimed.tail }
    }

    /// A commit that keeps the lease.
    pub(super) fn commit(&self, kit: &Kit, events: Vec<Event>) -> Commit {
        self.finish(kit, LeaseChange::Keep, events)
    }

    /// A commit that gives the lease back.
    pub(super) fn parting(&self, kit: &Kit, events: Vec<Event>) -> Commit {
        self.finish(kit, LeaseChange::Release, events)
    }

    fn finish(&self, kit: &Kit, lease: LeaseChange, events: Vec<Event>) -> Commit {
        let author = Author::Holder { worker: self.worker, fence: self.fence, expected: self.tail };
        let records: Vec<Record> = events.into_iter().map(|event| kit.record(event)).collect();
        Commit::new(kit.commit_id(), self.run.clone(), author, lease, records).unwrap()
    }

    /// Commits, and keeps the lease.
    pub(super) async fn append(&mut self, kit: &Kit, events: Vec<Event>) -> Committed {
        let answer = kit.commit(self.commit(kit, events)).await.unwrap();
        self.tail = answer.tail;
        answer
    }

    /// Parks the run and gives the lease back.
    pub(super) async fn park(mut self, kit: &Kit, ready_at: Option<Timestamp>) {
        let parked = Event::RunParked { status: Parked::Blocked, ready_at };
        self.tail = kit.commit(self.parting(kit, vec![parked])).await.unwrap().tail;
    }

    /// Ends the run.
    pub(super) async fn end(self, kit: &Kit) {
        kit.commit(self.parting(kit, vec![ended()])).await.unwrap();
    }
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(super) fn namespace(text: &str) -> Namespace {
    Namespace::new(name(text))
}

pub(super) fn hold(scope: &str, key: &str, slot: u32) -> Hold {
    Hold { scope: name(scope), key: name(key), slot }
}

pub(super) fn payload(text: &str) -> Payload {
    Payload::new(Value::text(text)).unwrap()
}

/// A value that is stored as a blob.
pub(super) fn large(seed: &str) -> Payload {
    let payload = payload(&seed.repeat(10_000 / seed.len() + 1));
    assert!(payload.blob().is_some());
    payload
}

/// The least that can happen.
pub(super) fn entered() -> Event {
    Event::StepEntered { via: None, input: None }
}

/// Something that gets the run on.
pub(super) fn computed(text: &str) -> Event {
    Event::StepComputed { via: None, output: payload(text) }
}

pub(super) fn ended() -> Event {
    Event::RunEnded(Box::new(RunOutcome::Completed(payload("done"))))
}

pub(super) fn claimed(held: &Held) -> Event {
    Event::RunClaimed { worker: held.worker, fence: held.fence }
}

pub(super) fn step_path(step: u32, visit: u32) -> Path {
    Path::root().step(NodeIx::new(step), visit)
}

pub(super) fn request() -> Request {
    let actions = vec![DecisionKind::Approve, DecisionKind::Reject];
    Request::new(TaskCause::Step(RequestType::Approval), "Publish?", Value::text("the draft"), actions)
}

/// Whether an answer fits a pattern; shows the answer if it does not.
macro_rules! assert_answer {
    ($answer:expr, $pattern:pat $(if $guard:expr)?) => {
        match $answer {
            answer => {
                let shown = format!("{answer:?}");
                assert!(matches!(answer, $pattern $(if $guard)?), "unexpected answer: {shown}");
            }
        }
    };
}
pub(super) use assert_answer;
