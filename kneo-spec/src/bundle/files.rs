//! The files that a spec was read from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kneo_core::Digest;
use serde::{Deserialize, Deserializer, Serialize};

/// The most files that a bundle names.
const MAX_FILES: usize = 10_000;

/// The longest name, in bytes.
const MAX_FILE_NAME: usize = 1_024;

/// The files that a spec was read from, with the digests of their bytes.
///
/// Names are relative paths of `/`, that lead nowhere but down, and of which no two differ in case alone: they mean the
/// same on every system. They are told to people and compared; nothing opens or writes a file by them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct InputFiles(BTreeMap<Arc<str>, Digest>);

/// Why a bundle cannot name a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileNameError {
    /// There is no file.
    #[error("it names no file")]
    None,
    /// There are more files than a bundle names.
    #[error("it names {count} files, and may name {MAX_FILES}")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// The name leads elsewhere on another system, or up.
    #[error("`{name}` is not a relative path of plain names and `/`")]
    Path {
        /// The name.
        name: String,
    },
    /// Two names are one where case does not count.
    #[error("`{name}` is the name of two files where case does not count")]
    Case {
        /// One of the names.
        name: String,
    },
}

impl InputFiles {
    /// Checks the names of some files.
    ///
    /// # Errors
    /// There is none, too many, or one with a name that a bundle cannot hold.
    pub fn new<N: Into<Arc<str>>>(files: impl IntoIterator<Item = (N, Digest)>) -> Result<InputFiles, FileNameError> {
        let files: BTreeMap<Arc<str>, Digest> = files.into_iter().map(|(name, digest)| (name.into(), digest)).collect();
        match files.len() {
            0 => return Err(FileNameError::None),
            count if count > MAX_FILES => return Err(FileNameError::TooMany { count }),
            _ => {}
        }
        let mut seen = BTreeSet::new();
        for name in files.keys() {
            if !is_plain(name) {
                return Err(FileNameError::Path { name: name.to_string() });
            }
            if !seen.insert(name.to_lowercase()) {
                return Err(FileNameError::Case { name: name.to_string() });
            }
        }
        Ok(InputFiles(files))
    }

    /// Names and digests, in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Digest)> {
        self.0.iter().map(|(name, digest)| (&**name, *digest))
    }
}

impl<'de> Deserialize<'de> for InputFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<InputFiles, D::Error> {
        let files = BTreeMap::<Arc<str>, Digest>::deserialize(deserializer)?;
        InputFiles::new(files).map_err(serde::de::Error::custom)
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && part.trim() == part && !part.ends_with('.');
    let barred = |c: char| c.is_control() || matches!(c, '\\' | ':');
    name.len() <= MAX_FILE_NAME && !name.chars().any(barred) && name.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_same_everywhere() {
        let digest = Digest::of(b"");
        for name in ["flow.yaml", "specs/report/flow.yaml", "größe 1.yaml", ".kneo/flow.yaml"] {
            assert!(InputFiles::new([(name, digest)]).is_ok(), "{name}");
        }
        let long = "x".repeat(MAX_FILE_NAME + 1);
        for name in [
            "",
            "/etc/passwd",
            "../flow.yaml",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "C:flow.yaml",
            "a\0b",
            "a\nb",
            " a",
            "a ",
            "a./b",
            &long,
        ] {
            assert!(matches!(InputFiles::new([(name, digest)]), Err(FileNameError::Path { .. })), "{name:?}");
        }
        for clash in [["Flow.yaml", "flow.yaml"], ["Größe", "größe"]] {
            assert!(matches!(InputFiles::new(clash.map(|name| (name, digest))), Err(FileNameError::Case { .. })));
        }
        assert_eq!(InputFiles::new::<&str>([]), Err(FileNameError::None));
        let many = (0..=MAX_FILES).map(|at| (format!("{at}"), digest));
        assert_eq!(InputFiles::new(many), Err(FileNameError::TooMany { count: MAX_FILES + 1 }));
    }
}
