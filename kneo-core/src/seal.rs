//! Seals: who vouches for a plan, and that it is the plan that was vouched for.
//!
//! A seal is a claim about a plan — its digest, its place in a sequence, who approved it, for which environment — with an
//! HMAC-SHA256 over the claim's RFC 8785 form. It proves that whoever made it had the key; who only verifies could make
//! one as well.

mod error;
mod mac;
mod verifier;

pub use error::SealError;
pub use mac::{MIN_KEY_BYTES, Mac, MacDomain, SealKey};
pub use verifier::{PlanVerifier, SealVerifier, Vouched};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::name::Name;
use crate::plan::CompiledPlan;
use crate::time::Timestamp;

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

/// Whether two seals are the same; how long that takes does not depend on the codes. It proves nothing:
/// [`Seal::verify`] does.
impl PartialEq for Seal {
    fn eq(&self, other: &Seal) -> bool {
        self.claim == other.claim && self.mac.is_same(&other.mac)
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
        self.is_of(plan)
    }

    /// Whether the claim is about this plan, whoever made it.
    ///
    /// # Errors
    /// [`SealError::OtherPlan`].
    pub fn is_of(&self, plan: &CompiledPlan) -> Result<(), SealError> {
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
