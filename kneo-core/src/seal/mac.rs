//! Codes, and the keys that make and check them. No other file gets at the bytes of a code, to compare them.

use std::fmt;
use std::str::FromStr;

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::SealError;
use crate::digest::{Digest, ParseDigestError};
use crate::secret::Secret;

/// The least length of a key, in bytes: that of the digest.
pub const MIN_KEY_BYTES: usize = 32;

/// What a message authentication code is for: a code for one purpose is worth nothing for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MacDomain {
    /// A claim about a plan.
    Plan,
    /// A whole bundle file.
    Bundle,
}

impl MacDomain {
    const fn tag(self) -> &'static [u8] {
        match self {
            MacDomain::Plan => b"kneo/plan/1\0",
            MacDomain::Bundle => b"kneo/bundle/1\0",
        }
    }
}

/// A key with which plans are sealed: a secret of at least [`MIN_KEY_BYTES`] bytes.
pub struct SealKey(Hmac<Sha256>);

impl SealKey {
    /// Takes a secret's bytes as a key.
    ///
    /// # Errors
    /// [`SealError::WeakKey`] for a short one.
    pub fn new(secret: &Secret) -> Result<SealKey, SealError> {
        let bytes = secret.reveal().as_bytes();
        if bytes.len() < MIN_KEY_BYTES {
            return Err(SealError::WeakKey { bytes: bytes.len() });
        }
        // Every length is a key; the length was checked for strength.
        Hmac::new_from_slice(bytes).map(SealKey).map_err(|_| SealError::WeakKey { bytes: bytes.len() })
    }

    /// The code of some bytes.
    #[must_use]
    pub fn mac(&self, domain: MacDomain, bytes: &[u8]) -> Mac {
        Mac(self.over(domain, bytes).finalize().into_bytes().into())
    }

    /// Whether a code is that of some bytes; takes as long whatever the answer.
    #[must_use]
    pub fn is_mac(&self, domain: MacDomain, bytes: &[u8], mac: &Mac) -> bool {
        self.over(domain, bytes).verify_slice(&mac.0).is_ok()
    }

    fn over(&self, domain: MacDomain, bytes: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(domain.tag()).chain_update(bytes)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

/// A message authentication code; its text form is 64 hexadecimal digits.
///
/// There is no equality: a code is held against what it is of by [`SealKey::is_mac`], and against another only where whole
/// seals are compared, both in a time that does not depend on the codes.
///
/// ```compile_fail,E0369
/// fn equal(one: kneo_core::seal::Mac, other: kneo_core::seal::Mac) -> bool {
///     one == other
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Mac([u8; 32]);

impl Mac {
    /// Whether both are the same code; takes as long whatever the answer.
    pub(super) fn is_same(&self, other: &Mac) -> bool {
        let whole = |mac: &Mac| CtOutput::<Hmac<Sha256>>::new(mac.0.into());
        whole(self) == whole(other)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Digest::from_bytes(self.0), f)
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Mac, ParseDigestError> {
        Ok(Mac(*text.parse::<Digest>()?.as_bytes()))
    }
}

impl Serialize for Mac {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Mac, D::Error> {
        Ok(Mac(*Digest::deserialize(deserializer)?.as_bytes()))
    }
}
