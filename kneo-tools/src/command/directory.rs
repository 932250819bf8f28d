//! Where a command runs.

use std::path::{Component, Path, PathBuf};

use super::error::CommandError;

/// Joins a spec's `cwd` to the host's directory.
///
/// # Errors
/// A `cwd` that is absolute or climbs.
pub(super) fn within(root: &Path, cwd: Option<&str>) -> Result<PathBuf, CommandError> {
    let Some(cwd) = cwd else { return Ok(root.to_owned()) };
    let stays = Path::new(cwd).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if stays && !cwd.contains('\0') { Ok(root.join(cwd)) } else { Err(CommandError::DirectoryOutside(cwd.to_owned())) }
}

/// Follows a directory's links, and checks that it is there and still within the host's.
pub(super) fn enter(root: &Path, directory: &Path) -> Result<PathBuf, CommandError> {
    let shown = || directory.display().to_string();
    match directory.canonicalize() {
        Ok(real) if !real.starts_with(root) => Err(CommandError::DirectoryOutside(shown())),
        Ok(real) if real.is_dir() => Ok(real),
        Ok(_) | Err(_) => Err(CommandError::NoDirectory(shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_directory_stays_within_the_root() {
        let root = Path::new("/srv/work");
        for (cwd, inside) in [
            ("reports", true),
            ("./a/b", true),
            (".", true),
            ("..", false),
            ("a/../../b", false),
            ("a/..", false),
            ("/etc", false),
            ("a\0b", false),
        ] {
            assert_eq!(within(root, Some(cwd)).is_ok(), inside, "{cwd}");
        }
        assert_eq!(within(root, None).unwrap(), root);
    }
}
