//! Why something is not a bundle that may be used.

use kneo_core::plan::DecodePlanError;
use kneo_core::seal::{MAX_SEQUENCE, SealError};
use kneo_core::{Digest, Name};

use super::canonical::FlawKind;
use super::{BUNDLE_FORMAT, FileNameError, MAX_BUNDLE_BYTES};
use crate::compile::Report;

/// Why a file is not a bundle that may be used, or a spec cannot become one.
///
/// The first groups are about bytes that nobody has vouched for: they say nothing about what the file means.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file is larger than [`MAX_BUNDLE_BYTES`].
    #[error("the bundle has {bytes} bytes, and may have {MAX_BUNDLE_BYTES}")]
    TooLarge {
        /// Its size, or that of its part.
        bytes: u64,
    },
    /// The file is JSON, and no bundle.
    #[error("the file is not a bundle: it has not exactly a `body`, a `key` and a `mac`")]
    Malformed,
    /// The file ends too early.
    #[error("{}", if *at == 0 { "the bundle is empty".to_owned() } else { format!("the bundle is cut off after {at} bytes") })]
    Truncated {
        /// Its length.
        at: usize,
    },
    /// Something follows the bundle.
    #[error("something follows the bundle, from byte {at} on")]
    Trailing {
        /// The offset.
        at: usize,
    },
    /// The file is not JSON.
    #[error("the file is not a bundle: it is no JSON at byte {at}")]
    Syntax {
        /// The offset.
        at: usize,
    },
    /// The file is not UTF-8.
    #[error("the bundle is not UTF-8 at byte {at}")]
    NotUtf8 {
        /// The offset.
        at: usize,
    },
    /// It nests deeper than any bundle.
    #[error("the bundle nests too deep, at byte {at}")]
    TooDeep {
        /// The offset.
        at: usize,
    },
    /// An object has a key twice: two programs would read two things.
    #[error("the bundle has a key twice in one object, at byte {at}")]
    DuplicateKey {
        /// The offset.
        at: usize,
    },
    /// A number is beyond what a double holds.
    #[error("the bundle has a number that no double holds, at byte {at}")]
    Number {
        /// The offset.
        at: usize,
    },
    /// Half a surrogate pair stands alone.
    #[error("the bundle has half a character, a surrogate without its other half, at byte {at}")]
    Surrogate {
        /// The offset.
        at: usize,
    },
    /// The same JSON could be there, but not in the form that is signed.
    #[error("the bundle is not as it was signed: some program has written its JSON anew, as at byte {at}")]
    NotCanonical {
        /// The offset.
        at: usize,
    },
    /// No key of this id counts.
    #[error("the bundle is signed with key `{key}`, which does not count here; those that do: {known}")]
    UnknownKey {
        /// The id.
        key: String,
        /// Those that count, in words.
        known: String,
    },
    /// The code is not the key's.
    #[error("the bundle does not fit key `{key}`: it was changed, or signed with another key of that id")]
    Altered {
        /// The id.
        key: String,
    },
    /// The key is named in another way outside than inside.
    #[error("the bundle names key `{outside}` outside and `{inside}` inside what is signed")]
    KeyMismatch {
        /// The id in the envelope.
        outside: String,
        /// The id in the claim.
        inside: Name,
    },
    /// The body is of a format that this version does not read.
    #[error("the bundle has format {format}, and this version reads format {BUNDLE_FORMAT}")]
    Format {
        /// The format.
        format: u64,
    },
    /// The body lacks something, has something too many, or something cannot be read.
    #[error("what the bundle holds cannot be read: {reason}")]
    Body {
        /// What it is.
        reason: String,
    },
    /// The digest of the spec is another one than it says.
    #[error("the bundle says that its spec is `{said}`, and it is `{found}`")]
    SpecDigest {
        /// What it says.
        said: Digest,
        /// What was found.
        found: Digest,
    },
    /// The plan is another one than the seal is of.
    #[error("the seal in the bundle is of the plan `{sealed}`, and the plan in it is `{found}`")]
    PlanMismatch {
        /// What was sealed.
        sealed: Digest,
        /// What was found.
        found: Digest,
    },
    /// The plan is of another workflow than the seal says.
    #[error("the seal in the bundle is of the workflow `{sealed}`, and the plan in it is of `{found}`")]
    PlanName {
        /// What was sealed.
        sealed: Name,
        /// What was found.
        found: Name,
    },
    /// The seal is not the key's: such as a code that was made for something else.
    #[error("the seal in the bundle is not good: {0}")]
    Seal(#[source] SealError),
    /// The plan cannot be read.
    #[error("the plan in the bundle cannot be used: {0}")]
    Plan(#[source] DecodePlanError),
    /// The bundle is for another environment.
    #[error("the bundle is for `{bound}`, and this is `{here}`")]
    OtherEnvironment {
        /// What it is for.
        bound: Name,
        /// Where it was verified.
        here: Name,
    },
    /// The bundle is of another workflow than the one that is meant.
    #[error("the bundle is of the workflow `{workflow}`, and `{wanted}` is meant")]
    OtherWorkflow {
        /// What it is of.
        workflow: Name,
        /// What was meant.
        wanted: Name,
    },
    /// The bundle is older than what is taken.
    #[error("the bundle has sequence {sequence}, and the least that is taken is {least}")]
    RolledBack {
        /// Its sequence.
        sequence: u64,
        /// The least.
        least: u64,
    },
    /// The plan is not what the spec compiles to.
    #[error(
        "the plan in the bundle is `{held}`, made by version {compiler}, and its spec compiles to `{compiled}` with \
         version {}",
        env!("CARGO_PKG_VERSION")
    )]
    SpecMismatch {
        /// What the spec compiles to here.
        compiled: Digest,
        /// What the bundle holds.
        held: Digest,
        /// The version that compiled it.
        compiler: String,
    },
    /// The spec does not compile.
    #[error("the spec does not compile:\n{0}")]
    Spec(Box<Report>),
    /// A text cannot be the id of a key.
    #[error("`{key}` cannot be the id of a key: it has 1 to 64 ASCII letters, digits, `.`, `_` and `-`")]
    KeyId {
        /// The text.
        key: Name,
    },
    /// The sequence is too great.
    #[error("the sequence {sequence} is too great: the greatest is {MAX_SEQUENCE}")]
    Sequence {
        /// The sequence.
        sequence: u64,
    },
    /// A bundle cannot name the spec's file.
    #[error("the file of the spec cannot be named: {0}")]
    FileName(#[from] FileNameError),
}

impl BundleError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            BundleError::TooLarge { .. } => "bundle_too_large",
            BundleError::Malformed | BundleError::Syntax { .. } => "bundle_malformed",
            BundleError::Truncated { .. } => "bundle_truncated",
            BundleError::Trailing { .. } => "bundle_trailing",
            BundleError::NotUtf8 { .. } => "bundle_not_utf8",
            BundleError::TooDeep { .. } => "bundle_too_deep",
            BundleError::DuplicateKey { .. } => "bundle_duplicate_key",
            BundleError::Number { .. } => "bundle_number",
            BundleError::Surrogate { .. } => "bundle_surrogate",
            BundleError::NotCanonical { .. } => "bundle_not_canonical",
            BundleError::UnknownKey { .. } => "bundle_key_unknown",
            BundleError::Altered { .. } => "bundle_altered",
            BundleError::KeyMismatch { .. } => "bundle_key_mismatch",
            BundleError::Format { .. } => "bundle_format",
            BundleError::Body { .. } => "bundle_body",
            BundleError::SpecDigest { .. } => "bundle_spec_digest",
            BundleError::PlanMismatch { .. } | BundleError::PlanName { .. } => "bundle_plan_mismatch",
            BundleError::Seal(_) => "bundle_seal",
            BundleError::Plan(_) => "bundle_plan",
            BundleError::OtherEnvironment { .. } => "bundle_other_environment",
            BundleError::OtherWorkflow { .. } => "bundle_other_workflow",
            BundleError::RolledBack { .. } => "bundle_rolled_back",
            BundleError::SpecMismatch { .. } => "bundle_spec_mismatch",
            BundleError::Spec(_) => "spec_invalid",
            BundleError::KeyId { .. } => "bundle_key_id",
            BundleError::Sequence { .. } => "bundle_sequence",
            BundleError::FileName(_) => "bundle_file_name",
        }
    }

    pub(super) fn of_flaw(kind: FlawKind, at: usize) -> BundleError {
        match kind {
            FlawKind::Cut => BundleError::Truncated { at },
            FlawKind::Trailing => BundleError::Trailing { at },
            FlawKind::NotUtf8 => BundleError::NotUtf8 { at },
            FlawKind::Syntax => BundleError::Syntax { at },
            FlawKind::TooDeep => BundleError::TooDeep { at },
            FlawKind::DuplicateKey => BundleError::DuplicateKey { at },
            FlawKind::Number => BundleError::Number { at },
            FlawKind::Surrogate => BundleError::Surrogate { at },
            FlawKind::NotCanonical => BundleError::NotCanonical { at },
        }
    }
}
