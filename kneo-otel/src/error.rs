//! How the observer fails: when it is built, and when it does not end in time. Never while runs go on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why an observer cannot be built.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nobody wants to know anything.
    #[error("an observer needs somewhere to send to: call `exporter`, `processor` or `meter_provider` on the builder")]
    Nowhere,
    /// Two options exclude each other.
    #[error("`{option}` has no use beside `{beside}`: {help}")]
    Excluded {
        /// The option.
        option: &'static str,
        /// What it is given beside.
        beside: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// An option is out of its range.
    #[error("`{option}` cannot be {value}: {help}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        help: &'static str,
    },
    /// The system gives no thread for exporting.
    #[error("no thread for exporting can be started ({0}): look at the limits of the process")]
    Thread(#[source] std::io::Error),
}

impl BuildError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            BuildError::Nowhere => "telemetry_nowhere",
            BuildError::Excluded { .. } => "option_excluded",
            BuildError::Option { .. } => "option_invalid",
            BuildError::Thread(_) => "threads_unavailable",
        }
    }
}

impl fmt::Debug for BuildError {
    /// For whoever reads it: the code and the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.code())
    }
}

/// Not everything was exported that was there to be exported.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfinished {
    /// The time that was given was over. Its code is `telemetry_unfinished`.
    #[error(
        "not all telemetry was exported within {within:?}{}: look whether the collector can be reached, or give more time",
        last(.cause)
    )]
    TimeOver {
        /// The time that was given.
        within: Duration,
        /// What went wrong last, if anything did: what may pass is tried again.
        cause: Option<Arc<str>>,
    },
    /// It was refused, or could not be sent, and is dropped. Its code is `telemetry_refused`.
    #[error(
        "telemetry was refused or could not be sent, and is dropped: {cause}; see that it goes to a collector that takes it"
    )]
    Refused {
        /// What went wrong last.
        cause: Arc<str>,
    },
}

fn last(cause: &Option<Arc<str>>) -> String {
    cause.as_ref().map_or_else(String::new, |cause| format!(" (at last: {cause})"))
}

impl Unfinished {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Unfinished::TimeOver { .. } => "telemetry_unfinished",
            Unfinished::Refused { .. } => "telemetry_refused",
        }
    }
}

impl fmt::Debug for Unfinished {
    /// For whoever reads it: the code and the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.code())
    }
}
