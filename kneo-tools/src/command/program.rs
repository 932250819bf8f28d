//! Which file a command runs.

use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::Settings;
use super::error::CommandError;

/// Finds a program: a bare name on the host's search path, a path from the host's directory.
pub(super) fn find(name: &str, settings: &Settings) -> Result<PathBuf, CommandError> {
    if name.contains('/') {
        let path = settings.root.join(name);
        return if is_executable(&path) { Ok(path) } else { Err(CommandError::NotExecutable(path)) };
    }
    let mut candidates = settings.search.iter().map(|directory| directory.join(name));
    candidates.find(|path| is_executable(path)).ok_or_else(|| {
        let search = settings.search.iter().map(|directory| directory.display().to_string());
        CommandError::NotOnSearchPath(name.to_owned(), search.collect::<Vec<_>>().join(":"))
    })
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok()
}
