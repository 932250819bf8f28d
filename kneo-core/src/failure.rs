//! How work fails.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::Value;

macro_rules! failure_kinds {
    ($($(#[$doc:meta])* $variant:ident => $word:literal, $retryable:literal;)*) => {
        /// What kind of failure it is; the words stand in `retry.on` and in `steps.<id>.error.kind`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum FailureKind {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl FailureKind {
            /// Every kind, in the order of the reference.
            pub const ALL: &'static [FailureKind] = &[$(FailureKind::$variant,)*];

            /// The word in specs, records and reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(FailureKind::$variant => $word,)* }
            }

            /// Whether another attempt can help unless the failure itself says otherwise.
            #[must_use]
            pub fn is_retryable(self) -> bool {
                match self { $(FailureKind::$variant => $retryable,)* }
            }
        }
    };
}

failure_kinds! {
    /// An attempt took longer than it may.
    Timeout => "timeout", true;
    /// A model provider failed.
    Provider => "provider", true;
    /// A tool failed where nothing could take its error as a result.
    Tool => "tool", true;
    /// A function failed.
    Function => "function", true;
    /// A bound of the spec was reached: iterations, visits, steps.
    Limit => "limit", false;
    /// A value does not fit the schema or the size it must have.
    InvalidInput => "invalid_input", false;
    /// A result does not fit the schema or the size it must have.
    InvalidOutput => "invalid_output", false;
    /// A person said no.
    Rejected => "rejected", false;
    /// A person did not answer in time.
    Expired => "expired", false;
    /// An expression could not be evaluated.
    Expression => "expression", false;
    /// A write was in flight at a crash and may not run again.
    Uncertain => "uncertain", false;
    /// The run was claimed again and again without getting anywhere.
    DeadLetter => "dead_letter", false;
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no failure kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a failure kind")]
pub struct ParseFailureKindError(String);

impl FromStr for FailureKind {
    type Err = ParseFailureKindError;

    fn from_str(text: &str) -> Result<FailureKind, ParseFailureKindError> {
        let found = FailureKind::ALL.iter().find(|kind| kind.as_str() == text);
        found.copied().ok_or_else(|| ParseFailureKindError(text.to_owned()))
    }
}

/// One failure of an attempt, a step or a run.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The kind.
    pub kind: FailureKind,
    /// The code that the failing party gave, such as `provider_rate_limited`; stable, snake case.
    pub code: Option<Arc<str>>,
    /// What happened, for people; holds no secret.
    pub message: Arc<str>,
    /// Whether another attempt can help.
    pub retryable: bool,
    /// How long the failing party asks to wait before another attempt.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure of a kind, retryable if its kind is.
    pub fn new(kind: FailureKind, message: impl Into<Arc<str>>) -> Failure {
        Failure { kind, code: None, message: message.into(), retryable: kind.is_retryable(), retry_after: None }
    }

    /// The same failure with the code of the failing party.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Arc<str>>) -> Failure {
        self.code = Some(code.into());
        self
    }

    /// The same failure, where another attempt can or cannot help.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Failure {
        self.retryable = retryable;
        self
    }

    /// The same failure with the wait that the failing party asks for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Failure {
        self.retry_after = Some(wait);
        self
    }

    /// The value that expressions read as `steps.<id>.error`: `{kind, code, message, retryable}`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let code = self.code.as_ref().map_or(Value::Null, |code| Value::Str(Arc::clone(code)));
        let entries = [
            ("kind", Value::from(self.kind.as_str())),
            ("code", code),
            ("message", Value::Str(Arc::clone(&self.message))),
            ("retryable", Value::Bool(self.retryable)),
        ];
        // A flat map cannot nest too deep.
        Value::map(entries).unwrap_or_default()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} ({code}): {}", self.kind, self.message),
            None => write!(f, "{}: {}", self.kind, self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for kind in FailureKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
        }
        assert!("nope".parse::<FailureKind>().is_err());
    }
}
