//! The words that the golden files use.

use std::sync::Arc;

use bytes::Bytes;
use kneo_core::event::{Entry, Event};
use kneo_core::plan::{EdgeIx, NodeIx};
use kneo_core::record::Record;
use kneo_core::seal::{Claim, Seal, SealKey};
use kneo_core::secret::Secret;
use kneo_core::trace::TraceContext;
use kneo_core::{
    Actor, Attempt, Digest, Failure, FailureKind, Name, Namespace, Payload, RunId, RunKey, TaskId, Timestamp, Value,
    WorkerId,
};

pub(super) const AT: Timestamp = Timestamp::from_unix_micros(1_800_000_000_000_000);
pub(super) const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

pub(super) fn later(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(AT.as_unix_micros() + seconds * 1_000_000)
}

pub(super) fn worker() -> WorkerId {
    "worker_0198f2a7c0de7f00a1b2c3d4e5f60718".parse().unwrap()
}

pub(super) fn task() -> TaskId {
    "task_0198f2a7c0de7f00a1b2c3d4e5f60719".parse().unwrap()
}

pub(super) fn run() -> RunKey {
    let run: RunId = "run_0198f2a7c0de7f00a1b2c3d4e5f60720".parse().unwrap();
    RunKey::new(Namespace::default(), run)
}

/// The digest of `11…11`, `22…22` and so on.
pub(super) fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte * 0x11; 32])
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(super) fn named(text: &str) -> Actor {
    Actor::trusted(name(text))
}

pub(super) fn text(text: &str) -> Arc<str> {
    Arc::from(text)
}

pub(super) fn value(json: &str) -> Value {
    Value::from_json_text(json).unwrap()
}

pub(super) fn payload(json: &str) -> Payload {
    Payload::new(value(json)).unwrap()
}

/// A value that is stored as a blob: 5,000 times `x`.
pub(super) fn large() -> Payload {
    Payload::new(Value::text("x".repeat(5_000))).unwrap()
}

/// The store of blobs that the golden files refer to.
pub(super) fn blob(digest: Digest) -> Option<Bytes> {
    let large = large();
    large.blob().filter(|blob| blob.digest() == digest).map(|blob| blob.bytes().clone())
}

pub(super) fn attempt(attempt: u32) -> Attempt {
    Attempt::new(attempt).unwrap()
}

pub(super) fn edge(at: u32) -> EdgeIx {
    EdgeIx::new(at)
}

pub(super) fn node(at: u32) -> NodeIx {
    NodeIx::new(at)
}

pub(super) fn failure(kind: FailureKind, message: &str) -> Failure {
    Failure::new(kind, message).with_retryable(false)
}

pub(super) fn trace() -> TraceContext {
    TRACE.parse().unwrap()
}

/// The key with which samples are sealed.
pub(super) fn seal_key() -> SealKey {
    SealKey::new(&Secret::new("k".repeat(32))).unwrap()
}

/// A claim about a plan of the workflow `report`.
pub(super) fn claim(plan: Digest) -> Claim {
    Claim {
        key: name("release-1"),
        workflow: name("report"),
        plan,
        sequence: 7,
        environment: Some(name("production")),
        approved_by: name("ana"),
        sealed_at: AT,
    }
}

pub(super) fn seal(plan: Digest) -> Seal {
    Seal::new(claim(plan), &seal_key()).unwrap()
}

/// A record of the worker at [`AT`], without a trace.
pub(super) fn record(path: &str, event: Event) -> Record {
    let entry = Entry { at: AT, path: path.parse().unwrap(), event };
    Record { revision: 1, actor: Actor::Worker(worker()), trace: None, entry }
}

/// A record of somebody else.
pub(super) fn record_of(actor: Actor, path: &str, event: Event) -> Record {
    let revision = if event.is_external() { 0 } else { 1 };
    Record { actor, revision, ..record(path, event) }
}
