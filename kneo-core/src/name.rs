//! Names that people write.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// A name that a person wrote: of a step, tool, workflow, person, key.
///
/// Holds 1 to [`MAX_NAME_BYTES`] bytes without control characters and without white space at its ends. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty.
    #[error("a name cannot be empty")]
    Empty,
    /// The text is longer than [`MAX_NAME_BYTES`].
    #[error("a name has at most {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// The text holds a control character, or white space at an end.
    #[error("a name holds no control character and no white space at its ends")]
    Character,
}

impl Name {
    /// Checks a text.
    ///
    /// # Errors
    /// What keeps the text from being a name.
    pub fn new(text: impl AsRef<str>) -> Result<Name, NameError> {
        let text = text.as_ref();
        if text.is_empty() {
            Err(NameError::Empty)
        } else if text.len() > MAX_NAME_BYTES {
            Err(NameError::TooLong)
        } else if text.trim() != text || text.chars().any(char::is_control) {
            Err(NameError::Character)
        } else {
            Ok(Name(Arc::from(text)))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Name, NameError> {
        Name::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        let text = String::deserialize(deserializer)?;
        Name::new(text).map_err(serde::de::Error::custom)
    }
}

/// A namespace: the outermost key of every run, query and index.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Namespace(Name);

impl Namespace {
    /// Makes a namespace of a name.
    #[must_use]
    pub fn new(name: Name) -> Namespace {
        Namespace(name)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The namespace `default`.
impl Default for Namespace {
    fn default() -> Namespace {
        static DEFAULT: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| Arc::from("default"));
        Namespace(Name(Arc::clone(&DEFAULT)))
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_once() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert_eq!(Name::new(" a"), Err(NameError::Character));
        assert_eq!(Name::new("a\nb"), Err(NameError::Character));
        assert_eq!(Name::new("x".repeat(257)), Err(NameError::TooLong));
        assert_eq!(Name::new("größe 1").unwrap().as_str(), "größe 1");
        assert!(serde_json::from_str::<Name>("\"\"").is_err());
    }
}
