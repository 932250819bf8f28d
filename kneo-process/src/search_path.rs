//! Which file a program's name means.

use std::fmt;
use std::path::{Path, PathBuf};

/// The directories in which programs are looked up, in order: the host's choice, never what this process inherited.
///
/// Its text is that of the variable `PATH`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchPath(Vec<PathBuf>);

/// Why a program is not to be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "who asks for a program gives each its own code")]
pub enum SearchPathError {
    /// A bare name that no directory of the search path has as a program.
    #[error("the program `{name}` is not on the search path `{path}`")]
    NotFound {
        /// The name.
        name: String,
        /// The search path.
        path: String,
    },
    /// A file that is not there, or may not be executed.
    #[error("`{}` cannot be executed", .0.display())]
    NotExecutable(PathBuf),
}

impl SearchPath {
    /// A search path of some directories.
    ///
    /// # Errors
    /// The first directory that is relative or cannot stand in `PATH`.
    pub fn new<P: Into<PathBuf>>(directories: impl IntoIterator<Item = P>) -> Result<SearchPath, PathBuf> {
        let directories: Vec<PathBuf> = directories.into_iter().map(Into::into).collect();
        let usable = |directory: &&PathBuf| {
            directory.is_absolute() && directory.to_str().is_some_and(|text| !text.contains([':', '\0']))
        };
        match directories.iter().find(|directory| !usable(directory)) {
            Some(bad) => Err(bad.clone()),
            None => Ok(SearchPath(directories)),
        }
    }

    /// The file that a name means: a bare name is looked up here, a path counts from `root`.
    ///
    /// # Errors
    /// There is no such file, or it may not be executed.
    #[cfg(unix)]
    pub fn find(&self, name: &str, root: &Path) -> Result<PathBuf, SearchPathError> {
        if name.contains('/') {
            let path = root.join(name);
            return if is_executable(&path) { Ok(path) } else { Err(SearchPathError::NotExecutable(path)) };
        }
        let mut candidates = self.0.iter().map(|directory| directory.join(name));
        candidates
            .find(|path| is_executable(path))
            .ok_or_else(|| SearchPathError::NotFound { name: name.to_owned(), path: self.to_string() })
    }
}

/// `/usr/local/bin`, `/usr/bin` and `/bin`.
impl Default for SearchPath {
    fn default() -> SearchPath {
        SearchPath(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from).into())
    }
}

impl fmt::Display for SearchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .enumerate()
            .try_for_each(|(at, directory)| write!(f, "{}{}", if at == 0 { "" } else { ":" }, directory.display()))
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_stand_in_a_path_variable_is_a_search_path() {
        let path = SearchPath::new(["/usr/bin", "/bin"]).unwrap();
        assert_eq!(path.to_string(), "/usr/bin:/bin");
        for bad in ["bin", "", "/a:/b", "/a\0"] {
            assert_eq!(SearchPath::new(["/bin", bad]), Err(PathBuf::from(bad)), "{bad:?}");
        }
        assert_eq!(SearchPath::default().to_string(), "/usr/local/bin:/usr/bin:/bin");
    }

    #[test]
    fn names_are_looked_up_and_paths_are_not() {
        let path = SearchPath::new(["/nowhere", "/bin"]).unwrap();
        assert_eq!(path.find("sh", Path::new("/")), Ok(PathBuf::from("/bin/sh")));
        assert_eq!(path.find("./sh", Path::new("/bin")), Ok(PathBuf::from("/bin/./sh")));
        let missing = SearchPathError::NotFound { name: "no-such-program".into(), path: "/nowhere:/bin".into() };
        assert_eq!(path.find("no-such-program", Path::new("/bin")), Err(missing));
        for bad in ["./no-such-program", "/etc/passwd", "/etc"] {
            assert!(matches!(path.find(bad, Path::new("/")), Err(SearchPathError::NotExecutable(_))), "{bad}");
        }
    }
}
