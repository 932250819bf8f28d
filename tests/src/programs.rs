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
    let set = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(path) = set(variable).map(PathBuf::from) {
        assert!(path.is_file(), "{variable} names `{}`, which is not there", path.display());
        return Some(path);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        let said = format!("`{name}` is not on the path, and {variable} names no other");
        assert!(set(REQUIRE).is_none(), "{said}, but {REQUIRE} is set");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Nobody is left to tell if this cannot be written.
        let _ = std::io::stderr().write_all(format!("\nSKIPPED: {test}: {said}\n").as_bytes());
    }
    found
}
