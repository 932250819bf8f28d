//! The codes of bundles.

use super::{Remedy, of};
use crate::exit::Exit::Failed;

/// Every code of a bundle.
pub(super) const ALL: &[Remedy] = &[
    of("bundle_malformed", Failed, "The file is not a bundle", "name a file that `kneo spec bundle sign` wrote"),
    of(
        "spec_expected",
        Failed,
        "The file is a bundle, and the command takes a spec",
        "give it the spec that was signed; bundles are for `kneo run`, `kneo doctor` and `kneo spec bundle verify`",
    ),
    of("bundle_truncated", Failed, "The end of the bundle is missing", "copy it again from where it was signed"),
    of(
        "bundle_trailing",
        Failed,
        "Something follows the bundle",
        "copy it again from where it was signed; a file holds one bundle and at most one line end after it",
    ),
    of(
        "bundle_not_canonical",
        Failed,
        "The bundle's JSON was written anew, and is no longer what was signed",
        "copy it byte for byte from where it was signed; formatters and templates must leave it alone",
    ),
    of("bundle_not_utf8", Failed, "The bundle is not UTF-8 text", "copy it again from where it was signed"),
    of("bundle_too_large", Failed, "The bundle is larger than 32 MiB", "split the spec"),
    of("bundle_too_deep", Failed, "The bundle nests deeper than any plan", "copy it again from where it was signed"),
    of(
        "bundle_duplicate_key",
        Failed,
        "The bundle has a key twice, so that two programs would read two things",
        "do not use it; find out who made it, and sign the spec again",
    ),
    of(
        "bundle_number",
        Failed,
        "The bundle has a number that no program holds",
        "do not use it; find out who made it, and sign the spec again",
    ),
    of(
        "bundle_surrogate",
        Failed,
        "The bundle has half a character",
        "do not use it; find out who made it, and sign the spec again",
    ),
    of(
        "bundle_key_unknown",
        Failed,
        "The bundle is signed with a key that does not count here",
        "give the key with `--key-id ID=env:VARIABLE` or `--key-id ID=file:PATH`, or sign with one that counts",
    ),
    of(
        "bundle_altered",
        Failed,
        "The bundle was changed after it was signed, or signed with another key of the same id",
        "do not use it; get it again from where it was signed, and check that both sides have the same key",
    ),
    of(
        "bundle_key_mismatch",
        Failed,
        "The bundle names two keys",
        "do not use it; find out who made it, and sign the spec again",
    ),
    of(
        "bundle_format",
        Failed,
        "The bundle is of a format that this version does not read",
        "upgrade this program, or sign the spec with this version",
    ),
    of(
        "bundle_body",
        Failed,
        "The bundle is signed, and lacks something or has something that none has",
        "do not use it; find out who made it, and sign the spec again",
    ),
    of(
        "bundle_spec_digest",
        Failed,
        "The bundle says something else of its spec than what is there",
        "do not use it; find out who made it, and sign the spec again",
    ),
    of(
        "bundle_plan_mismatch",
        Failed,
        "The seal in the bundle is of another plan than the one beside it",
        "do not use it; find out who made it, and sign the spec again",
    ),
    of(
        "bundle_seal",
        Failed,
        "The seal in the bundle was not made by the key, or was changed",
        "do not use it; find out who made it, and sign the spec again",
    ),
    of(
        "bundle_plan",
        Failed,
        "The plan in the bundle cannot be read",
        "upgrade this program if the plan is newer, else sign the spec again",
    ),
    of(
        "bundle_spec_mismatch",
        Failed,
        "The plan in the bundle is not what the spec in it compiles to here",
        "sign the spec again with this version; if both versions are the same, find out who made the bundle",
    ),
    of(
        "bundle_other_environment",
        Failed,
        "The bundle is for another environment",
        "sign the spec for this one, or say with `--env` where this is",
    ),
    of(
        "bundle_other_workflow",
        Failed,
        "The bundle is of another workflow than the one that is meant",
        "name the right file: what it is called says nothing of what it holds",
    ),
    of(
        "bundle_rolled_back",
        Failed,
        "The bundle is older than what is taken",
        "use the latest bundle; to go back on purpose, sign the old spec with a new sequence",
    ),
    of(
        "bundle_key_id",
        Failed,
        "A text cannot be the id of a key",
        "use 1 to 64 letters, digits, `.`, `_` and `-`, as in `release-1`",
    ),
    of(
        "bundle_sequence",
        Failed,
        "The sequence is beyond what JSON holds",
        "use a number that your pipeline counts up, such as that of its run",
    ),
    of(
        "bundle_file_name",
        Failed,
        "A bundle cannot name the spec's file",
        "name it as people will know it: a relative path without `..`",
    ),
    of(
        "bundle_environment_unsaid",
        Failed,
        "The bundle is for one environment, and nobody said where this is",
        "say it with `--env NAME`, or once and for all in `KNEO_ENVIRONMENT`",
    ),
    of(
        "bundle_key_unusable",
        Failed,
        "What was given as a key is shorter than 32 bytes, or is no text",
        "make a key with `openssl rand -hex 32`, and keep it where your secrets are kept",
    ),
];
