use std::fmt;
use std::sync::{Arc, OnceLock};

use regex::{Regex, RegexBuilder};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The memory that one compiled pattern may take.
const MAX_COMPILED_BYTES: usize = 256 << 10;

/// The longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 2 << 10;

/// A regular expression that matches in linear time; compiled at first use, then kept.
#[derive(Clone)]
pub struct Pattern {
    source: Arc<str>,
    compiled: Arc<OnceLock<Result<Regex, PatternError>>>,
}

/// Why a text is not a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The pattern is not well formed, or uses look-around or back references.
    #[error("not a pattern: {0}")]
    Syntax(String),
    /// The pattern is longer, or compiles to more, than is allowed.
    #[error("the pattern is too large")]
    TooLarge,
}

impl Pattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn new(source: impl Into<Arc<str>>) -> Result<Pattern, PatternError> {
        let source = source.into();
        let compiled = compile(&source)?;
        Ok(Pattern { source, compiled: Arc::new(OnceLock::from(Ok(compiled))) })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the pattern matches somewhere in a text.
    ///
    /// # Errors
    /// What is wrong with the pattern, which only a pattern read from a damaged plan can give.
    pub fn is_match(&self, text: &str) -> Result<bool, PatternError> {
        match self.compiled.get_or_init(|| compile(&self.source)) {
            Ok(regex) => Ok(regex.is_match(text)),
            Err(error) => Err(error.clone()),
        }
    }
}

fn compile(source: &str) -> Result<Regex, PatternError> {
    if source.len() > MAX_PATTERN_BYTES {
        return Err(PatternError::TooLarge);
    }
    let built = RegexBuilder::new(source).size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
        other => PatternError::Syntax(last_line(&other.to_string())),
    })
}

/// The reason; the lines before it draw the place.
fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
        let source = String::deserialize(deserializer)?;
        if source.len() > MAX_PATTERN_BYTES {
            return Err(D::Error::custom(PatternError::TooLarge));
        }
        Ok(Pattern { source: source.into(), compiled: Arc::new(OnceLock::new()) })
    }
}
