//! The codes of secrets.

use super::{Remedy, of};
use crate::exit::Exit::Unavailable;

/// Every code of a secret.
pub(super) const ALL: &[Remedy] = &[
    of(
        "secret_missing",
        Unavailable,
        "A secret that the spec refers to is not there",
        "set it where this host looks for secrets",
    ),
    of("secret_unavailable", Unavailable, "The source of secrets does not answer", "try again"),
];
