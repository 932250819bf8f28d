//! Where a child runs: the host's directory, or one within it.

use std::path::{Component, Path, PathBuf};

/// Why a child cannot run in a directory.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "who asks for a directory gives each its own words")]
pub enum DirectoryError {
    /// It is absolute, climbs, or leads out of the host's directory by a link.
    #[error("the directory `{0}` leads out of the host's")]
    Outside(String),
    /// It is not there, or is no directory.
    #[error("the directory `{0}` does not exist")]
    Missing(String),
}

/// Joins a path within the host's directory to it.
///
/// # Errors
/// A path that is absolute or climbs.
pub fn within(root: &Path, path: Option<&str>) -> Result<PathBuf, DirectoryError> {
    let Some(path) = path else { return Ok(root.to_owned()) };
    let stays = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if stays && !path.contains('\0') { Ok(root.join(path)) } else { Err(DirectoryError::Outside(path.to_owned())) }
}

/// Follows a directory's links, and checks that it is there and still within the host's, whose path is canonical.
///
/// # Errors
/// It is not there, or not within.
pub fn enter(root: &Path, directory: &Path) -> Result<PathBuf, DirectoryError> {
    let shown = || directory.display().to_string();
    match directory.canonicalize() {
        Ok(real) if !real.starts_with(root) => Err(DirectoryError::Outside(shown())),
        Ok(real) if real.is_dir() => Ok(real),
        Ok(_) | Err(_) => Err(DirectoryError::Missing(shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_within_the_root() {
        let root = Path::new("/srv/work");
        for (path, inside) in [
            ("reports", true),
            ("./a/b", true),
            (".", true),
            ("..", false),
            ("a/../../b", false),
            ("a/..", false),
            ("/etc", false),
            ("a\0b", false),
        ] {
            assert_eq!(within(root, Some(path)).is_ok(), inside, "{path}");
        }
        assert_eq!(within(root, None).unwrap(), root);
    }
}
