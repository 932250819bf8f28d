//! Values as records carry them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::digest::Digest;
use crate::value::Value;

/// The largest payload, in bytes of its compact JSON.
pub const MAX_PAYLOAD_BYTES: u64 = 16 * 1024 * 1024;

/// Above this many bytes of compact JSON, a payload is stored as a blob beside the record.
pub const MAX_INLINE_BYTES: u64 = 4 * 1024;

/// A value in a record.
///
/// In memory a payload always has its value. Stored, a small one stands in the record and a large one is a blob,
/// referred to by the digest of its compact JSON and kept once per store.
#[derive(Clone)]
pub struct Payload {
    value: Value,
    blob: Option<Arc<Blob>>,
}

/// The stored form of a large [`Payload`].
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    digest: Digest,
    bytes: Bytes,
}

/// Why a value cannot be a [`Payload`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The value is larger than [`MAX_PAYLOAD_BYTES`].
    #[error("the value has about {size} bytes, more than {MAX_PAYLOAD_BYTES}")]
    TooLarge {
        /// The approximate size in bytes.
        size: u64,
    },
    /// The value's stored bytes are not what their digest says.
    #[error("blob `{digest}` is damaged")]
    Damaged {
        /// The digest that the bytes should have.
        digest: Digest,
    },
}

impl Payload {
    /// Makes a payload; a large value is encoded and hashed here, once.
    ///
    /// # Errors
    /// [`PayloadError::TooLarge`] beyond [`MAX_PAYLOAD_BYTES`].
    pub fn new(value: Value) -> Result<Payload, PayloadError> {
        let size = value.size();
        if size > MAX_PAYLOAD_BYTES {
            return Err(PayloadError::TooLarge { size });
        }
        if size <= MAX_INLINE_BYTES {
            return Ok(Payload { value, blob: None });
        }
        let bytes = Bytes::from(value.to_string().into_bytes());
        let blob = Blob { digest: Digest::of(&bytes), bytes };
        Ok(Payload { value, blob: Some(Arc::new(blob)) })
    }

    /// Restores a payload from a blob.
    ///
    /// # Errors
    /// [`PayloadError::Damaged`] if the bytes do not have the digest or are not JSON.
    pub fn from_blob(digest: Digest, bytes: Bytes) -> Result<Payload, PayloadError> {
        let damaged = PayloadError::Damaged { digest };
        if Digest::of(&bytes) != digest {
            return Err(damaged);
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| damaged.clone())?;
        let value = Value::from_json_text(text).map_err(|_| damaged)?;
        Ok(Payload { value, blob: Some(Arc::new(Blob { digest, bytes })) })
    }

    /// The payload of `null`.
    #[must_use]
    pub fn null() -> Payload {
        Payload { value: Value::Null, blob: None }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The blob, if the payload is stored as one.
    #[must_use]
    pub fn blob(&self) -> Option<&Blob> {
        self.blob.as_deref()
    }

    /// The value, without the payload.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }
}

impl Blob {
    /// The SHA-256 digest of the bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The compact JSON of the value.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        self.value == other.value
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.value, f)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({}, {} bytes)", self.digest, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_values_become_blobs_and_come_back() {
        let small = Payload::new(Value::text("x")).unwrap();
        assert!(small.blob().is_none());
        let value = Value::text("x".repeat(5_000));
        let large = Payload::new(value.clone()).unwrap();
        let blob = large.blob().unwrap();
        let back = Payload::from_blob(blob.digest(), blob.bytes().clone()).unwrap();
        assert_eq!(back.value(), &value);
    }

    #[test]
    fn damage_and_size_are_refused() {
        let blob = Payload::new(Value::text("x".repeat(5_000))).unwrap();
        let digest = blob.blob().unwrap().digest();
        assert_eq!(Payload::from_blob(digest, Bytes::from_static(b"\"y\"")), Err(PayloadError::Damaged { digest }));
        let huge = Value::text("x".repeat(17 * 1024 * 1024));
        assert!(matches!(Payload::new(huge), Err(PayloadError::TooLarge { .. })));
    }
}
