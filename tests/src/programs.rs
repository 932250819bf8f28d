//! Programs that others have written, to which tests speak.

use std::io::Write as _;
use std::path::PathBuf;

/// Without it a test in front of a program that is not there is left out; set, it fails.
pub const REQUIRE: &str = "KNEO_REQUIRE_WIRE";

/// Finds a program: where a variable of the environment says, else on the path.
///
/// `None` is told on the error output itself, which no test harness holds back: nobody is to take a test that was left
/// out for one that passed.
///
/// # Panics
/// When the variable names a file that is not there, and when a program is not found and [`REQUIRE`] is set.
pub fn find(name: &str, variable: &str) -> Option<PathBuf> {
    found(lookup(name, variable))
}

/// A program, or why it is not found, as [`found`] takes it.
///
/// # Errors
/// It is not on the path, and the variable names no other.
///
/// # Panics
/// When the variable names a file that is not there.
pub fn lookup(name: &str, variable: &str) -> Result<PathBuf, String> {
    if let Some(path) = set(variable) {
        assert!(path.is_file(), "{variable} names `{}`, which is not there", path.display());
        return Ok(path);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| format!("`{name}` is not on the path, and {variable} names no other"))
}

/// What was found; `None` is told as [`find`] does.
///
/// # Panics
/// When nothing was found and [`REQUIRE`] is set.
pub fn found<T>(looked: Result<T, String>) -> Option<T> {
    looked
        .map_err(|why| {
            assert!(set(REQUIRE).is_none(), "{why}, but {REQUIRE} is set");
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            // Nobody is left to tell if this cannot be written.
            let _ = std::io::stderr().write_all(format!("\nSKIPPED: {test}: {why}\n").as_bytes());
        })
        .ok()
}

fn set(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
