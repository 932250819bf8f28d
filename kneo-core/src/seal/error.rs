//! Why a plan is not vouched for.

use super::{MAX_SEQUENCE, MIN_KEY_BYTES};
use crate::digest::Digest;
use crate::name::Name;
use crate::secret::SecretError;

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
