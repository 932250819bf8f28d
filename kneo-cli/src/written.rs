//! Files that a command writes.

use std::path::Path;

use crate::dash;
use crate::problem::Problem;

/// The file that is meant; none is where `-` stands.
pub(crate) fn to_file(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !dash::is_meant(path))
}

/// Writes a file, in the place of one that is there.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    std::fs::write(path, bytes)
        .map_err(|error| Problem::new("output_unwritable", format!("cannot write `{}`: {error}", path.display())))
}
