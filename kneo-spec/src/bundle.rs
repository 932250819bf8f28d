//! Bundles: a spec, its plan and who vouches for them, in one file that is signed as a whole.
//!
//! Whoever releases a spec signs it ([`Bundle::sign`]); whoever runs it verifies the file ([`Bundle::verify`]) and gets a
//! plan under its seal. There is no third way to a [`Bundle`]: what has not been verified is bytes.
//!
//! # The file
//! One JSON object in RFC 8785 form, byte for byte, and at most one line end after it:
//!
//! ```text
//! {"body":{…},"key":"release-1","mac":"64 hexadecimal digits"}
//! ```
//!
//! `mac` is the HMAC-SHA256 of the body's bytes under the key, in the domain [`MacDomain::Bundle`]. The body holds
//! `format` (1), `compiler` (the version that compiled it), `spec` (the text), `spec_digest`, `files` (the digests of the
//! files that it was read from), `plan` (its canonical form, as it stands), and `seal`: the claim — key, workflow, digest
//! of the plan, sequence, environment, who approved it and when — with a code of its own, so that the plan stays vouched
//! for when it leaves the bundle for a store.
//!
//! # What is read when
//! Before the code has been checked, nothing is read but the outermost shape: fixed bytes at both ends, the key's id
//! and the code. The body is parsed only after that, strictly. A file that is not of the shape is refused without a look
//! at its code; one pass over it, which makes nothing of what it sees, then finds out what to tell. Nothing in a bundle
//! is ever executed, fetched or written here.
//!
//! ```
//! use kneo_core::seal::SealKey;
//! use kneo_core::secret::Secret;
//! use kneo_core::{Name, Timestamp};
//! use kneo_spec::bundle::{Bundle, Signing, Trust};
//! use kneo_spec::{CompileOptions, source::SourceMap};
//!
//! let mut sources = SourceMap::new();
//! let spec = "version: v1\nworkflow: {type: sequential, steps: [{id: a, kind: set, set: {x: 1}}]}\n";
//! let file = sources.add("flow.yaml", spec);
//! let key = || SealKey::new(&Secret::new("not a key to be used anywhere, this".to_owned()));
//! let signing = Signing {
//!     key: Name::new("release-1")?,
//!     environment: Name::new("production")?,
//!     approved_by: Name::new("ana")?,
//!     sequence: 7,
//!     signed_at: Timestamp::default(), // a program takes it from its clock
//! };
//! let signed = Bundle::sign(&sources, file, &CompileOptions::default(), signing, &key()?)?;
//!
//! // Elsewhere, of a file:
//! let trust = Trust::new().key(Name::new("release-1")?, key()?).environment(Name::new("production")?);
//! let bundle = Bundle::verify(signed.bytes(), &trust)?;
//! assert_eq!(bundle.plan().seal().unwrap().claim().sequence, 7);
//!
//! let mut altered = signed.bytes().to_vec();
//! altered[100] ^= 1;
//! assert_eq!(Bundle::verify(&altered, &trust).unwrap_err().code(), "bundle_altered");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
mod canonical;
mod envelope;
mod error;
mod files;
mod trust;

use std::sync::Arc;

use kneo_core::plan::CompiledPlan;
use kneo_core::seal::{Claim, MacDomain, Seal, SealError, SealKey};
use kneo_core::{Digest, Name, Timestamp};

use crate::compile::{CompileOptions, Report, compile};
use crate::source::{FileId, SourceMap};
use body::Body;
use envelope::Envelope;
pub use error::BundleError;
pub use files::{FileNameError, InputFiles};
pub use trust::Trust;

/// The version of the bundle format that this crate writes.
pub const BUNDLE_FORMAT: u16 = 1;

/// The largest bundle, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 32 * 1024 * 1024;

/// A spec, its plan and who vouches for them: signed here, or verified.
#[derive(Clone, Debug)]
pub struct Bundle {
    bytes: Arc<[u8]>,
    compiler: Arc<str>,
    spec: Arc<str>,
    files: InputFiles,
    claim: Claim,
    plan: Arc<CompiledPlan>,
}

/// What whoever signs a bundle says of it.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "all of it is signed, and none of it can be left out")]
pub struct Signing {
    /// The key's id: 1 to 64 ASCII letters, digits, `.`, `_` and `-`, and a letter or digit first.
    pub key: Name,
    /// The one environment where the plan may run.
    pub environment: Name,
    /// Who approved it.
    pub approved_by: Name,
    /// Its place in the sequence of the workflow's bundles: a lower one is older. At most 2^53 − 1.
    pub sequence: u64,
    /// When it is signed.
    pub signed_at: Timestamp,
}

impl Bundle {
    /// Compiles a spec and signs it together with its plan.
    ///
    /// Pure: the same text and the same words give the same bytes.
    ///
    /// # Errors
    /// [`BundleError::Spec`] if it does not compile; a key id, a sequence or the name of the file that a bundle cannot
    /// hold; a bundle larger than [`MAX_BUNDLE_BYTES`].
    pub fn sign(
        sources: &SourceMap,
        file: FileId,
        options: &CompileOptions,
        signing: Signing,
        key: &SealKey,
    ) -> Result<Bundle, BundleError> {
        let plan = compiled(sources, file, options)?;
        let (name, text) = sources.file(file).map_or(("", ""), |file| (file.name(), file.text()));
        if !envelope::is_key_id(signing.key.as_str()) {
            return Err(BundleError::KeyId { key: signing.key });
        }
        let claim = Claim {
            key: signing.key,
            workflow: plan.plan().name.clone(),
            plan: plan.digest(),
            sequence: signing.sequence,
            environment: Some(signing.environment),
            approved_by: signing.approved_by,
            sealed_at: signing.signed_at,
        };
        let trust_key = claim.key.clone();
        let seal = Seal::new(claim, key).map_err(|_| BundleError::Sequence { sequence: signing.sequence })?;
        let files = InputFiles::new([(name, Digest::of(text.as_bytes()))])?;
        let body = body::write(&plan, &seal, text, &files)?;
        let mac = key.mac(MacDomain::Bundle, &body);
        let bytes = envelope::write(&body, &trust_key, &mac);
        // Whatever is signed is what a verifier takes: its size, its depth, its form.
        let envelope = envelope::read(&bytes)?;
        opened(&bytes, &envelope, key)
    }

    /// Verifies a file, and gives what it holds.
    ///
    /// # Errors
    /// What is wrong with it, by a code of its own; see [`BundleError`].
    pub fn verify(bytes: &[u8], trust: &Trust) -> Result<Bundle, BundleError> {
        let envelope = envelope::read(bytes)?;
        let key = trust.find(envelope.key)?;
        if !key.is_mac(MacDomain::Bundle, envelope.body, &envelope.mac) {
            return Err(BundleError::Altered { key: envelope.key.to_owned() });
        }
        let bundle = opened(bytes, &envelope, key)?;
        trust.admits(&bundle.claim)?;
        Ok(bundle)
    }

    /// Whether the plan is what this version's compiler makes of the spec inside.
    ///
    /// Signing made sure of it. Verifying does not ask, since another version of the compiler may give another plan that
    /// does the same: what is vouched for is the plan. Whoever reviews a bundle by reading its spec asks here.
    ///
    /// # Errors
    /// [`BundleError::SpecMismatch`] if it is another plan, [`BundleError::Spec`] if the spec does not compile.
    pub fn check_spec(&self, options: &CompileOptions) -> Result<(), BundleError> {
        let mut sources = SourceMap::new();
        let file = sources.add(self.files.iter().next().map_or("spec", |(name, _)| name), Arc::clone(&self.spec));
        let plan = compiled(&sources, file, options)?;
        if plan.digest() == self.plan.digest() {
            return Ok(());
        }
        Err(BundleError::SpecMismatch {
            compiled: plan.digest(),
            held: self.plan.digest(),
            compiler: self.compiler.to_string(),
        })
    }

    /// The file's bytes, without a line end.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The plan, under its seal.
    #[must_use]
    pub fn plan(&self) -> &Arc<CompiledPlan> {
        &self.plan
    }

    /// What is vouched for: key, workflow, plan, sequence, environment, by whom and when.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The spec's text.
    #[must_use]
    pub fn spec(&self) -> &Arc<str> {
        &self.spec
    }

    /// The digest of the spec's text.
    #[must_use]
    pub fn spec_digest(&self) -> Digest {
        Digest::of(self.spec.as_bytes())
    }

    /// The files that the spec was read from, with the digests of their bytes.
    #[must_use]
    pub fn files(&self) -> &InputFiles {
        &self.files
    }

    /// The version of the compiler that made the plan.
    #[must_use]
    pub fn compiler(&self) -> &str {
        &self.compiler
    }
}

fn compiled(sources: &SourceMap, file: FileId, options: &CompileOptions) -> Result<Arc<CompiledPlan>, BundleError> {
    let compilation = compile(sources, file, options);
    compilation.plan.ok_or_else(|| {
        BundleError::Spec(Box::new(Report { sources: sources.clone(), diagnostics: compilation.diagnostics }))
    })
}

/// What an envelope holds whose code is the key's.
fn opened(bytes: &[u8], envelope: &Envelope<'_>, key: &SealKey) -> Result<Bundle, BundleError> {
    let Body { compiler, files, plan, seal, spec, spec_digest } = body::read(envelope.body)?;
    let claim = seal.claim().clone();
    if claim.key.as_str() != envelope.key {
        return Err(BundleError::KeyMismatch { outside: envelope.key.to_owned(), inside: claim.key });
    }
    if Digest::of(spec.as_bytes()) != spec_digest {
        return Err(BundleError::SpecDigest { said: spec_digest, found: Digest::of(spec.as_bytes()) });
    }
    if claim.environment.is_none() {
        return Err(BundleError::Body { reason: "its seal names no environment".to_owned() });
    }
    let found = Digest::of(plan.as_bytes());
    if found != claim.plan {
        return Err(BundleError::PlanMismatch { sealed: claim.plan, found });
    }
    let plan = CompiledPlan::decode(found, plan.as_bytes().to_vec().into()).map_err(BundleError::Plan)?;
    seal.verify(&plan, key).map_err(|error| match error {
        SealError::OtherPlan { .. } => {
            BundleError::PlanName { sealed: claim.workflow.clone(), found: plan.plan().name.clone() }
        }
        error => BundleError::Seal(error),
    })?;
    Ok(Bundle {
        bytes: envelope::trimmed(bytes).into(),
        compiler: compiler.into(),
        spec: spec.into(),
        files,
        claim,
        plan: Arc::new(plan.with_seal(seal)),
    })
}
