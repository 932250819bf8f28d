//! What a line of the log says.

use std::fmt::Display;
use std::str::FromStr;

use bytes::Bytes;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::record::{RECORD_VERSION, decode_frame, encode_frame};
use kneo_core::store::StoreError;
use kneo_core::{Digest, Fence, Name, Namespace, RunKey, Seq, Timestamp, WorkerId};
use serde::{Deserialize, Serialize};

/// A change of the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Change {
    Plan {
        digest: Digest,
        text: String,
    },
    Commit(MadeCommit),
    Claim {
        run: Key,
        worker: String,
        now: Timestamp,
    },
    Beat {
        run: Key,
        now: Timestamp,
    },
    Release {
        run: Key,
    },
    OutboxDone {
        namespace: String,
        ids: Vec<u64>,
    },
    /// The least sequence that may start, where the commits that raised it are gone.
    Floor {
        namespace: String,
        workflow: Name,
        environment: Option<Name>,
        sequence: u64,
    },
    /// The numbers that were given last, where the commits that show them are gone.
    Counters {
        watermark: u64,
        outbox: u64,
    },
}

/// A commit that was made, with the time by which it was judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MadeCommit {
    pub(crate) run: Key,
    id: String,
    by: By,
    lease: Lease,
    /// Whether its author had verified the seal, so that it raises a floor.
    #[serde(default)]
    floor: bool,
    pub(crate) now: Timestamp,
    version: u16,
    /// The records, in the stored form that is Kneo's.
    frame: String,
    /// The large values, which stand beside the frame.
    blobs: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Creator,
    Holder { worker: String, fence: u64, expected: u64 },
    External,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Lease {
    Keep,
    Take { worker: String },
    Release,
}

/// A run's key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Key {
    namespace: String,
    run: String,
}

impl Key {
    pub(crate) fn new(run: &RunKey) -> Key {
        Key { namespace: run.namespace.to_string(), run: run.run.to_string() }
    }

    pub(crate) fn read(&self) -> Result<RunKey, StoreError> {
        Ok(RunKey::new(namespace(&self.namespace)?, read(&self.run)?))
    }
}

impl Change {
    pub(crate) fn claim(run: &RunKey, worker: WorkerId, now: Timestamp) -> Change {
        Change::Claim { run: Key::new(run), worker: worker.to_string(), now }
    }

    pub(crate) fn beat(run: &RunKey, now: Timestamp) -> Change {
        Change::Beat { run: Key::new(run), now }
    }

    pub(crate) fn release(run: &RunKey) -> Change {
        Change::Release { run: Key::new(run) }
    }

    /// The run that it is about.
    pub(crate) fn run(&self) -> Option<&Key> {
        match self {
            Change::Commit(MadeCommit { run, .. })
            | Change::Claim { run, .. }
            | Change::Beat { run, .. }
            | Change::Release { run } => Some(run),
            Change::Plan { .. } | Change::OutboxDone { .. } | Change::Floor { .. } | Change::Counters { .. } => None,
        }
    }
}

impl MadeCommit {
    pub(crate) fn new(commit: &Commit, now: Timestamp) -> Result<MadeCommit, StoreError> {
        let frame = encode_frame(commit.records()).map_err(damaged)?;
        let blobs = commit.changes().blobs.iter().map(|change| text(change.blob.bytes().to_vec()));
        Ok(MadeCommit {
            run: Key::new(commit.run()),
            id: commit.id().to_string(),
            by: match commit.author() {
                Author::Creator => By::Creator,
                Author::Holder { worker, fence, expected } => {
                    By::Holder { worker: worker.to_string(), fence: fence.as_u64(), expected: expected.as_u64() }
                }
                Author::External => By::External,
            },
            lease: match commit.lease() {
                LeaseChange::Keep => Lease::Keep,
                LeaseChange::Take { worker } => Lease::Take { worker: worker.to_string() },
                LeaseChange::Release => Lease::Release,
            },
            floor: commit.changes().floor.is_some(),
            now,
            version: RECORD_VERSION,
            frame: text(frame)?,
            blobs: blobs.collect::<Result<_, _>>()?,
        })
    }

    /// The commit again: what it changes in the indexes is derived from its records, as it was the first time.
    pub(crate) fn commit(&self) -> Result<Commit, StoreError> {
        let blobs: Vec<(Digest, Bytes)> =
            self.blobs.iter().map(|text| (Digest::of(text.as_bytes()), Bytes::from(text.clone()))).collect();
        let blob = |wanted| blobs.iter().find(|(digest, _)| *digest == wanted).map(|(_, bytes)| bytes.clone());
        let records = decode_frame(self.version, self.frame.as_bytes(), &blob).map_err(damaged)?;
        let author = match &self.by {
            By::Creator => Author::Creator,
            By::Holder { worker, fence, expected } => Author::Holder {
                worker: read(worker)?,
                fence: Fence::new(*fence),
                expected: Seq::new(*expected).ok_or_else(|| damaged("a place is 0"))?,
            },
            By::External => Author::External,
        };
        let lease = match &self.lease {
            Lease::Keep => LeaseChange::Keep,
            Lease::Take { worker } => LeaseChange::Take { worker: read(worker)? },
            Lease::Release => LeaseChange::Release,
        };
        let commit = Commit::new(read(&self.id)?, self.run.read()?, author, lease, records).map_err(damaged)?;
        if self.floor { commit.with_floor().map_err(damaged) } else { Ok(commit) }
    }
}

/// Reads what was written by `Display`.
pub(crate) fn read<T: FromStr<Err: Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(damaged)
}

pub(crate) fn namespace(text: &str) -> Result<Namespace, StoreError> {
    Name::new(text).map(Namespace::new).map_err(damaged)
}

pub(crate) fn damaged(problem: impl Display) -> StoreError {
    StoreError::damaged(problem.to_string())
}

/// Frames and large values are JSON.
fn text(bytes: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(bytes).map_err(damaged)
}
