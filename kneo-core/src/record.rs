//! Records: entries in the envelope and the form in which they are stored.
//!
//! The records of one commit are stored together as one *frame*: compact JSON with short fixed keys, written and read
//! by hand-written code for each version, never by deriving it on the domain types. Sequence numbers are not part of a
//! frame, because the store gives them.

mod v1;

use bytes::Bytes;

use crate::actor::Actor;
use crate::digest::Digest;
use crate::event::{Entry, Event};
use crate::path::Path;
use crate::payload::PayloadError;
use crate::run::Seq;
use crate::time::Timestamp;
use crate::trace::TraceContext;

/// The version of the frames that this crate writes.
pub const RECORD_VERSION: u16 = 1;

/// An entry in its envelope.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the envelope is fixed by the stored format")]
pub struct Record {
    /// The numbered behaviour of the engine that decided the entry.
    pub revision: u16,
    /// Who is behind it.
    pub actor: Actor,
    /// The trace that it belongs to.
    pub trace: Option<TraceContext>,
    /// What happened.
    pub entry: Entry,
}

/// A record with the place that the store gave it.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a record and its place")]
pub struct Stored {
    /// The place in the run.
    pub seq: Seq,
    /// The record.
    pub record: Record,
}

impl Record {
    /// What happened.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.entry.event
    }

    /// Where it happened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.entry.path
    }

    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.entry.at
    }
}

/// Why a frame cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the records have no stored form: {0}")]
pub struct EncodeError(String);

/// Why stored bytes are not records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The frame was written by a newer Kneo.
    #[error("the record has format version {version}; this build reads up to {RECORD_VERSION}: upgrade it")]
    TooNew {
        /// The version.
        version: u16,
    },
    /// The bytes are not a frame.
    #[error("the bytes are not a record: {0}")]
    Syntax(String),
    /// A kind, field or word is unknown or missing.
    #[error("the record `{kind}` is not whole: {problem}")]
    Record {
        /// The record's kind, as stored.
        kind: String,
        /// What is wrong.
        problem: String,
    },
    /// A blob is not in the store.
    #[error("blob `{digest}` is missing")]
    BlobMissing {
        /// The blob's digest.
        digest: Digest,
    },
    /// A blob is damaged.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// Writes the records of one commit as a frame of version [`RECORD_VERSION`].
///
/// # Errors
/// Never for records made by this crate; the error exists because the JSON writer has one.
pub fn encode_frame(records: &[Record]) -> Result<Vec<u8>, EncodeError> {
    v1::encode(records).map_err(|error| EncodeError(error.to_string()))
}

/// Reads a frame of any version up to [`RECORD_VERSION`]. `blob` gives the bytes of a blob by digest.
///
/// # Errors
/// A newer version, damage, or a missing blob.
pub fn decode_frame(
    version: u16,
    body: &[u8],
    blob: &dyn Fn(Digest) -> Option<Bytes>,
) -> Result<Vec<Record>, DecodeError> {
    match version {
        1 => v1::decode(body, blob),
        _ => Err(DecodeError::TooNew { version }),
    }
}
