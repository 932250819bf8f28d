//! `-` in the place of a file.

use std::io::{self, Read as _};
use std::path::Path;

/// What a spec from standard input is called.
pub(crate) const STDIN: &str = "<stdin>";

/// Whether standard input or output is meant.
pub(crate) fn is_meant(path: &Path) -> bool {
    path == Path::new("-")
}

/// The name of a file, for people.
pub(crate) fn name(path: &Path) -> String {
    if is_meant(path) { STDIN.to_owned() } else { path.display().to_string() }
}

/// Reads standard input, at most so many bytes.
pub(crate) fn read(most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
