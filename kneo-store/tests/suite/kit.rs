//! Short words for commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use kneo_core::clock::Clock;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::event::{Entry, Event, RunStarted};
use kneo_core::record::Record;
use kneo_core::run::RunKey;
use kneo_core::seal::{Claim, Seal, SealKey};
use kneo_core::secret::Secret;
use kneo_core::store::{ClaimAsk, Claimed, CommitError, Committed, Store};
use kneo_core::{
    Actor, CommitId, Digest, Fence, Name, Namespace, Path, Payload, RunId, Seq, Timestamp, Value, WorkerId,
};
use kneo_store::SystemClock;

/// The plan of every run here.
pub(crate) const PLAN: &[u8] = b"a plan";

static IDS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn plan() -> Digest {
    Digest::of(PLAN)
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// Differs from call to call and from process to process.
fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[..4].copy_from_slice(&std::process::id().to_be_bytes());
    bytes[4..].copy_from_slice(&IDS.fetch_add(1, Ordering::SeqCst).to_be_bytes()[2..]);
    bytes
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::new(now(), random())
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn record(event: Event) -> Record {
    Record { revision: 1, actor: Actor::Host, trace: None, entry: Entry { at: now(), path: Path::root(), event } }
}

pub(crate) fn computed(text: &str) -> Event {
    Event::StepComputed { via: None, output: Payload::new(Value::text(text)).unwrap() }
}

pub(crate) async fn put_plan(store: &dyn Store) {
    store.put_plan(plan(), Bytes::from_static(PLAN)).await.unwrap();
}

/// A seal of a plan of the workflow `report`.
pub(crate) fn seal(plan: Digest, environment: Option<&str>, sequence: u64) -> Arc<Seal> {
    let claim = Claim {
        key: name("release"),
        workflow: name("report"),
        plan,
        sequence,
        environment: environment.map(name),
        approved_by: name("ana"),
        sealed_at: now(),
    };
    Arc::new(Seal::new(claim, &SealKey::new(&Secret::new("k".repeat(32))).unwrap()).unwrap())
}

/// A start under a seal for production that was verified.
pub(crate) fn sealed_start(sequence: u64) -> Commit {
    start_under(LeaseChange::Keep, Some(seal(plan(), Some("production"), sequence))).with_floor().unwrap()
}

pub(crate) fn start(lease: LeaseChange) -> Commit {
    start_under(lease, None)
}

fn start_under(lease: LeaseChange, seal: Option<Arc<Seal>>) -> Commit {
    let event = Event::RunStarted(Box::new(RunStarted {
        workflow: name("report"),
        plan: plan(),
        input: Payload::null(),
        labels: Vec::new(),
        idempotency: None,
        holds: Vec::new(),
        deadline: None,
        seal,
    }));
    let run = RunKey::new(Namespace::default(), RunId::new(now(), random()));
    Commit::new(CommitId::new(now(), random()), run, Author::Creator, lease, vec![record(event)]).unwrap()
}

pub(crate) fn step(run: &RunKey, worker: WorkerId, fence: Fence, expected: Seq, text: &str) -> Commit {
    let author = Author::Holder { worker, fence, expected };
    let (id, records) = (CommitId::new(now(), random()), vec![record(computed(text))]);
    Commit::new(id, run.clone(), author, LeaseChange::Keep, records).unwrap()
}

pub(crate) fn cancel(run: &RunKey) -> Commit {
    let (id, event) = (CommitId::new(now(), random()), Event::CancelRequested { reason: "enough".into() });
    Commit::new(id, run.clone(), Author::External, LeaseChange::Keep, vec![record(event)]).unwrap()
}

pub(crate) async fn commit(store: &dyn Store, commit: Commit) -> Result<Committed, CommitError> {
    store.commit(vec![commit]).await.remove(0)
}

pub(crate) async fn claim(store: &dyn Store, worker: WorkerId, run: &RunKey) -> Option<Claimed> {
    let (namespace, plans) = (&run.namespace, &[plan()]);
    let ask = ClaimAsk { worker, namespace, run: Some(run.run), plans, max: 1 };
    store.claim(ask).await.unwrap().pop()
}

/// A run in its first worker's hands.
pub(crate) struct Held {
    pub(crate) run: RunKey,
    pub(crate) worker: WorkerId,
    pub(crate) fence: Fence,
    pub(crate) tail: Seq,
}

impl Held {
    pub(crate) async fn new(store: &dyn Store) -> Held {
        let worker = worker();
        let start = start(LeaseChange::Take { worker });
        let run = start.run().clone();
        let made = commit(store, start).await.unwrap();
        Held { run, worker, fence: made.fence.unwrap(), tail: made.tail }
    }

    pub(crate) fn step(&self, text: &str) -> Commit {
        step(&self.run, self.worker, self.fence, self.tail, text)
    }

    pub(crate) async fn append(&mut self, store: &Arc<dyn Store>, text: &str) {
        self.tail = commit(&**store, self.step(text)).await.unwrap().tail;
    }
}
