//! The signed part of a bundle.

use kneo_core::Digest;
use kneo_core::plan::CompiledPlan;
use kneo_core::seal::Seal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::canonical::{self, Flaw};
use super::{BUNDLE_FORMAT, BundleError, InputFiles, MAX_BUNDLE_BYTES};

/// What the body holds.
pub(super) struct Body<'a> {
    pub(super) compiler: String,
    pub(super) files: InputFiles,
    /// The plan's bytes, as they stand.
    pub(super) plan: &'a str,
    pub(super) seal: Seal,
    pub(super) spec: String,
    pub(super) spec_digest: Digest,
}

/// The stored form of a body, of format 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    compiler: String,
    files: InputFiles,
    #[serde(rename = "format")]
    _format: u16,
    #[serde(borrow)]
    plan: &'a RawValue,
    seal: Seal,
    spec: String,
    spec_digest: Digest,
}

/// Writes a body in canonical form.
///
/// The canonical form of a whole is made of those of its parts, so the plan's bytes stand in it as they are.
///
/// # Errors
/// It would make the bundle too large.
pub(super) fn write(plan: &CompiledPlan, seal: &Seal, spec: &str, files: &InputFiles) -> Result<Vec<u8>, BundleError> {
    let parts = [
        ("compiler", part(&env!("CARGO_PKG_VERSION"))?),
        ("files", part(files)?),
        ("format", part(&BUNDLE_FORMAT)?),
        ("plan", plan.bytes().to_vec()),
        ("seal", part(seal)?),
        ("spec", part(&spec)?),
        ("spec_digest", part(&Digest::of(spec.as_bytes()))?),
    ];
    let mut body = Vec::new();
    for (at, (name, value)) in parts.iter().enumerate() {
        body.push(if at == 0 { b'{' } else { b',' });
        body.extend(format!("\"{name}\":").into_bytes());
        body.extend(value);
    }
    body.push(b'}');
    if body.len() > MAX_BUNDLE_BYTES {
        return Err(BundleError::TooLarge { bytes: body.len() as u64 });
    }
    Ok(body)
}

fn part(value: &impl Serialize) -> Result<Vec<u8>, BundleError> {
    serde_json_canonicalizer::to_vec(value).map_err(|error| BundleError::Body { reason: error.to_string() })
}

/// Reads a body that its key has signed: strictly, for a key may be in wrong hands.
///
/// # Errors
/// It is not canonical, of a newer format, or lacks something.
pub(super) fn read(bytes: &[u8]) -> Result<Body<'_>, BundleError> {
    canonical::check(bytes).map_err(|Flaw { kind, at }| BundleError::of_flaw(kind, at))?;
    #[derive(Deserialize)]
    struct Format {
        format: u64,
    }
    let invalid = |error: serde_json::Error| BundleError::Body { reason: error.to_string() };
    let Format { format } = serde_json::from_slice(bytes).map_err(invalid)?;
    if format != u64::from(BUNDLE_FORMAT) {
        return Err(BundleError::Format { format });
    }
    let Stored { compiler, files, _format, plan, seal, spec, spec_digest } =
        serde_json::from_slice(bytes).map_err(invalid)?;
    Ok(Body { compiler, files, plan: plan.get(), seal, spec, spec_digest })
}
