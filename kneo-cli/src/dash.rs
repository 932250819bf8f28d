//! `-` in the place of a file.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Whether standard input was read: what follows its end is nothing, and would pass for an empty file.
static READ: AtomicBool = AtomicBool::new(false);

/// Reads standard input, at most so many bytes.
///
/// # Errors
/// It cannot be read, or was read before.
pub(crate) fn read(most: u64) -> io::Result<Vec<u8>> {
    if READ.swap(true, Ordering::Relaxed) {
        return Err(io::Error::other("it is read already, and `-` stands for one file only"));
    }
    let mut bytes = Vec::new();
    io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
