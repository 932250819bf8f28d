//! The codes of spec files.

use super::{Remedy, of};
use crate::exit::Exit::{Failed, Unavailable};

/// Every code of a file.
pub(super) const ALL: &[Remedy] = &[
    of(
        "spec_invalid",
        Failed,
        "The spec does not compile",
        "mend what the report underlines; `kneo explain CODE` tells more about each",
    ),
    of("file_not_found", Unavailable, "There is no such file", "check the path and the working directory"),
    of("file_not_utf8", Failed, "The file is not UTF-8 text", "save it as UTF-8"),
    of("file_too_large", Failed, "The file is larger than any spec may be", "split it"),
    of("file_unreadable", Unavailable, "The file cannot be read", "check that it is a file and that you may read it"),
];
