//! Identifiers.
//!
//! Every id is a newtype over a UUID v7, made from an injected clock and entropy: ids made later sort later, and
//! nothing here reads a clock of its own. The text form is a prefix and 32 hexadecimal digits, as in
//! `run_0198f2a7c0de7f00a1b2c3d4e5f60718`.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::time::Timestamp;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id: it looks like `{prefix}0198f2a7c0de7f00a1b2c3d4e5f60718`")]
pub struct ParseIdError {
    text: String,
    kind: &'static str,
    prefix: &'static str,
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from a time and 10 random bytes (RFC 9562, version 7).
            #[must_use]
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(at.as_unix_millis(), &random).into_uuid())
            }

            /// Restores an id from its 16 bytes, as stores keep it.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Reads 32 hexadecimal digits without a prefix.
            pub(crate) fn from_digits(digits: &str) -> Option<Self> {
                Some(digits).filter(|digits| digits.len() == 32).and_then(|digits| Uuid::try_parse(digits).ok()).map(Self)
            }

            /// The 16 bytes of the id.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = Uuid::encode_buffer();
                f.write_str($prefix)?;
                f.write_str(self.0.as_simple().encode_lower(&mut digits))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix($prefix)
                    .and_then(Self::from_digits)
                    .ok_or_else(|| ParseIdError { text: text.to_owned(), kind: $kind, prefix: $prefix })
            }
        }
    };
}

id_type! {
    /// Identifies one execution of one plan.
    RunId, "run", "run_"
}
id_type! {
    /// Identifies one human task: a question that a person decides once.
    TaskId, "task", "task_"
}
id_type! {
    /// Identifies one worker, that is, one runtime in one process.
    WorkerId, "worker", "worker_"
}
impl WorkerId {
    /// The 32 hexadecimal digits, without the prefix.
    pub(crate) fn digits(&self) -> impl fmt::Display {
        self.0.simple()
    }
}

id_type! {
    /// Identifies one commit; submitting the same id again returns the first result.
    CommitId, "commit", "commit_"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_round_trips_and_sorts_by_time() {
        let early = RunId::new(Timestamp::from_unix_millis(1_000), [7; 10]);
        let late = RunId::new(Timestamp::from_unix_millis(2_000), [1; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse::<RunId>(), Ok(early));
        assert_eq!(RunId::from_bytes(*late.as_bytes()), late);
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let task = TaskId::new(Timestamp::from_unix_millis(1), [0; 10]).to_string();
        assert!(task.parse::<RunId>().unwrap_err().to_string().contains("is not a run id"));
        assert!("run_xyz".parse::<RunId>().is_err());
        assert!("run_0198f2a7-c0de-7f00-a1b2-c3d4e5f60718".parse::<RunId>().is_err());
    }
}
