//! Where source texts come from.

use std::fmt;

#[cfg(feature = "fs")]
pub mod fs;

/// Reads a named source text.
///
/// The compiler's only way to the outside. It is called with the names the caller gave, never
/// with a name made up by a spec.
pub trait Loader: fmt::Debug {
    /// Reads the whole text called `name`.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] when the text is missing, unreadable, too large or not UTF-8.
    fn load(&self, name: &str) -> Result<String, LoadError>;
}

/// Why a source text could not be read.
#[derive(Debug)]
pub struct LoadError {
    name: String,
    kind: LoadErrorKind,
}

/// What went wrong while reading a source text.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// There is no text of this name.
    NotFound,
    /// The text is not UTF-8; the offset is that of the first wrong byte.
    NotUtf8 {
        /// The offset of the first byte that is not UTF-8.
        offset: usize,
    },
    /// The text is larger than any spec may be.
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The most a spec may have.
        limit: u64,
    },
    /// Reading failed; the text says how.
    Unreadable(String),
}

impl LoadError {
    /// Makes an error about the text called `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: LoadErrorKind) -> Self {
        Self { name: name.into(), kind }
    }

    /// The name of the text that could not be read.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &LoadErrorKind {
        &self.kind
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            LoadErrorKind::NotFound => "file_not_found",
            LoadErrorKind::NotUtf8 { .. } => "file_not_utf8",
            LoadErrorKind::TooLarge { .. } => "file_too_large",
            LoadErrorKind::Unreadable(_) => "file_unreadable",
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.kind {
            LoadErrorKind::NotFound => write!(f, "there is no file `{name}`; check the path and the working directory"),
            LoadErrorKind::NotUtf8 { offset } => write!(f, "`{name}` is not UTF-8 at byte {offset}; save it as UTF-8"),
            LoadErrorKind::TooLarge { bytes, limit } => {
                write!(f, "`{name}` has {bytes} bytes and a spec has at most {limit}; split it")
            }
            LoadErrorKind::Unreadable(why) => write!(f, "cannot read `{name}`: {why}"),
        }
    }
}

impl std::error::Error for LoadError {}
