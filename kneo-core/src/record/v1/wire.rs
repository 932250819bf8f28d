//! The stored forms of what several kinds share.

use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
use crate::failure::{Failure, FailureKind};
use crate::payload::Payload;
use crate::usage::Usage;
use crate::value::Value;

/// `{"i": value}` or `{"b": digest, "n": bytes}`.
pub(super) struct PayloadOut<'a>(pub(super) &'a Payload);

impl Serialize for PayloadOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.blob() {
            None => {
                let mut out = serializer.serialize_struct("Payload", 1)?;
                out.serialize_field("i", self.0.value())?;
                out.end()
            }
            Some(blob) => {
                let mut out = serializer.serialize_struct("Payload", 2)?;
                out.serialize_field("b", &blob.digest())?;
                out.serialize_field("n", &blob.bytes().len())?;
                out.end()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PayloadIn {
    /// `null` is a value, and not the same as nothing.
    #[serde(default, deserialize_with = "given")]
    pub(super) i: Option<Value>,
    pub(super) b: Option<Digest>,
    pub(super) n: Option<usize>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// `{"k": kind, "c": code, "m": message, "y": retryable, "ra": µs}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailureWire {
    k: FailureKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<Arc<str>>,
    m: Arc<str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    y: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ra: Option<u64>,
}

impl From<&Failure> for FailureWire {
    fn from(failure: &Failure) -> FailureWire {
        FailureWire {
            k: failure.kind,
            c: failure.code.clone(),
            m: Arc::clone(&failure.message),
            y: failure.retryable,
            ra: failure.retry_after.map(|wait| u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)),
        }
    }
}

impl From<FailureWire> for Failure {
    fn from(wire: FailureWire) -> Failure {
        let mut failure = Failure::new(wire.k, wire.m).with_retryable(wire.y);
        failure.code = wire.c;
        failure.retry_after = wire.ra.map(Duration::from_micros);
        failure
    }
}

/// `[input tokens, output tokens]`.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct UsageWire(u64, u64);

impl UsageWire {
    pub(super) fn is_zero(&self) -> bool {
        self.0 == 0 && self.1 == 0
    }
}

impl From<Usage> for UsageWire {
    fn from(usage: Usage) -> UsageWire {
        UsageWire(usage.input, usage.output)
    }
}

impl From<UsageWire> for Usage {
    fn from(wire: UsageWire) -> Usage {
        Usage::new(wire.0, wire.1)
    }
}
