//! Seals: who vouches for a plan, and that it is the plan that was vouched for.
//!
//! A seal is a claim about a plan — its digest, its place in a sequence, who approved it, for which environment — with an
//! HMAC-SHA256 over the claim's RFC 8785 form. It proves that whoever made it had the key; who only verifies could make
//! one as well.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::digest::{Digest, ParseDigestError};
use crate::name::Name;
use crate::plan::CompiledPlan;
use crate::secret::{Secret, SecretError, Secrets};
use crate::time::Timestamp;

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
/// There is no equality: codes are compared by [`SealKey::is_mac`] alone, which takes as long whatever the answer.
///
/// ```compile_fail,E0369
/// fn equal(one: kneo_core::seal::Mac, other: kneo_core::seal::Mac) -> bool {
///     one == other
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Mac([u8; 32]);

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

/// What is said of a plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "the signed form holds exactly these")]
pub struct Claim {
    /// The key that seals it, by its id.
    pub key: Name,
    /// The workflow's name.
    pub workflow: Name,
    /// The plan.
    pub plan: Digest,
    /// Its place in the sequence of the workflow's plans: a lower one is older. At most 2^53 − 1.
    pub sequence: u64,
    /// Where it may run; `None` is anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// Who approved it.
    pub approved_by: Name,
    /// When it was sealed.
    pub sealed_at: Timestamp,
}

/// The greatest [`Claim::sequence`]: the greatest integer that every reader of JSON takes as it is.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;

/// A claim with its code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    claim: Claim,
    mac: Mac,
}

/// For tests and records: the code is compared in the clear, which proves nothing.
impl PartialEq for Seal {
    fn eq(&self, other: &Seal) -> bool {
        self.claim == other.claim && self.mac.0 == other.mac.0
    }
}

impl Seal {
    /// Seals a claim.
    ///
    /// # Errors
    /// [`SealError::Sequence`] for a sequence that JSON cannot hold.
    pub fn new(claim: Claim, key: &SealKey) -> Result<Seal, SealError> {
        let mac = key.mac(MacDomain::Plan, &canonical(&claim)?);
        Ok(Seal { claim, mac })
    }

    /// What is said; worth nothing before [`Seal::verify`].
    #[must_use]
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Whether the seal is this key's, and of this plan.
    ///
    /// # Errors
    /// [`SealError::Altered`] if it is not the key's, [`SealError::OtherPlan`] if it is of another plan.
    pub fn verify(&self, plan: &CompiledPlan, key: &SealKey) -> Result<(), SealError> {
        if !key.is_mac(MacDomain::Plan, &canonical(&self.claim)?, &self.mac) {
            return Err(SealError::Altered { key: self.claim.key.clone() });
        }
        if self.claim.plan != plan.digest() || self.claim.workflow != plan.plan().name {
            return Err(SealError::OtherPlan { sealed: self.claim.plan, found: plan.digest() });
        }
        Ok(())
    }
}

fn canonical(claim: &Claim) -> Result<Vec<u8>, SealError> {
    if claim.sequence > MAX_SEQUENCE {
        return Err(SealError::Sequence);
    }
    // Names, digests, times and an integer in range always have a canonical form.
    serde_json_canonicalizer::to_vec(claim).map_err(|_| SealError::Sequence)
}

/// Why a plan is not vouched for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It has no seal.
    #[error("it is not sealed: start what a signed bundle holds")]
    Missing,
    /// The key of the seal is not one that counts here.
    #[error("its seal is of key `{key}`, which does not count here: sign it with one of {known}")]
    UnknownKey {
        /// The id in the seal.
        key: Name,
        /// The ids that count, in words.
        known: String,
    },
    /// The seal was not made by the key that it names, or was changed.
    #[error("its seal does not fit key `{key}`: it was changed, or made with another key of that name")]
    Altered {
        /// The id in the seal.
        key: Name,
    },
    /// The seal is of another plan.
    #[error("its seal is of the plan `{sealed}`, and it is `{found}`")]
    OtherPlan {
        /// What was sealed.
        sealed: Digest,
        /// What was found.
        found: Digest,
    },
    /// The seal is for another environment.
    #[error("its seal is for {sealed}, and this is `{here}`")]
    OtherEnvironment {
        /// What the seal is for, in words.
        sealed: String,
        /// Where it was found.
        here: Name,
    },
    /// A later plan of the workflow is known.
    #[error("its sequence is {sequence}, and a later plan, {least}, is known: start that one")]
    RolledBack {
        /// The seal's sequence.
        sequence: u64,
        /// The least that counts.
        least: u64,
    },
    /// The sequence is greater than [`MAX_SEQUENCE`].
    #[error("its sequence is too great: the greatest is {MAX_SEQUENCE}")]
    Sequence,
    /// The key is too short.
    #[error("the key has {bytes} bytes: it needs at least {MIN_KEY_BYTES}")]
    WeakKey {
        /// Its length.
        bytes: usize,
    },
    /// The key is not to be had.
    #[error("the key is not to be had: {0}")]
    Key(#[from] SecretError),
}

/// Decides whether a plan may run.
///
/// # Contract
/// - **Before anything runs.** The runtime asks before it starts a run, and before it goes on with one that it takes up:
///   a refused plan has no effect here.
/// - **The plan as it is.** The digest of what is asked about was computed from the bytes at hand.
/// - **No side effect.** It may be asked many times.
///
/// # Implementing
/// [`SealVerifier`] is what most hosts need.
///
/// # Cancel safety
/// Dropping the future forgets the question.
#[async_trait]
pub trait PlanVerifier: fmt::Debug + Send + Sync + 'static {
    /// Whether a plan may run under this seal.
    ///
    /// # Errors
    /// Why it may not; or that this cannot be told at the moment, which refuses it as well.
    async fn verify(&self, plan: &CompiledPlan, seal: Option<&Seal>) -> Result<(), SealError>;
}

/// Lets plans run that one of some keys has sealed.
///
/// Keys rotate by id: seal with a new id, let both count until no run of the old one is left, then drop the old.
#[derive(Debug)]
pub struct SealVerifier {
    secrets: Secrets,
    /// Key ids, and the secrets that they stand for.
    keys: BTreeMap<Name, Name>,
    environment: Option<Name>,
    least: BTreeMap<Name, u64>,
}

impl SealVerifier {
    /// A verifier for which no key counts yet.
    #[must_use]
    pub fn new(secrets: Secrets) -> SealVerifier {
        SealVerifier { secrets, keys: BTreeMap::new(), environment: None, least: BTreeMap::new() }
    }

    /// Lets a key count: its id in seals, and the secret that it is.
    #[must_use]
    pub fn key(mut self, id: Name, secret: Name) -> SealVerifier {
        self.keys.insert(id, secret);
        self
    }

    /// Where this is: seals for another environment, or for none, are refused.
    #[must_use]
    pub fn environment(mut self, here: Name) -> SealVerifier {
        self.environment = Some(here);
        self
    }

    /// The least sequence of a workflow that counts, for runs that start and for those that go on.
    #[must_use]
    pub fn least(mut self, workflow: Name, sequence: u64) -> SealVerifier {
        self.least.insert(workflow, sequence);
        self
    }
}

#[async_trait]
impl PlanVerifier for SealVerifier {
    async fn verify(&self, plan: &CompiledPlan, seal: Option<&Seal>) -> Result<(), SealError> {
        let seal = seal.ok_or(SealError::Missing)?;
        let Claim { key, sequence, environment, .. } = seal.claim();
        let secret = self
            .keys
            .get(key)
            .ok_or_else(|| SealError::UnknownKey { key: key.clone(), known: words(self.keys.keys()) })?;
        let secret = self.secrets.secret(secret).await?;
        seal.verify(plan, &SealKey::new(&secret)?)?;
        if let Some(here) = &self.environment
            && environment.as_ref() != Some(here)
        {
            let sealed = environment.as_ref().map_or("any environment".to_owned(), |name| format!("`{name}`"));
            return Err(SealError::OtherEnvironment { sealed, here: here.clone() });
        }
        match self.least.get(&plan.plan().name) {
            Some(least) if sequence < least => Err(SealError::RolledBack { sequence: *sequence, least: *least }),
            _ => Ok(()),
        }
    }
}

fn words<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
