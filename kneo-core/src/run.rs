//! The small words around a run: keys, counters, status, outcome.

use std::fmt;
use std::fmt::Write as _;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::sync::Arc;

use crate::failure::Failure;
use crate::id::RunId;
use crate::name::{Name, Namespace};
use crate::path::Path;
use crate::payload::Payload;

/// Identifies a run in a store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RunKey {
    /// The namespace.
    pub namespace: Namespace,
    /// The run.
    pub run: RunId,
}

impl RunKey {
    /// The key of a run in a namespace.
    #[must_use]
    pub fn new(namespace: Namespace, run: RunId) -> RunKey {
        RunKey { namespace, run }
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.run)
    }
}

/// The place of a record in its run: dense, from 1, given by the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(NonZeroU64);

impl Seq {
    /// The first record of every run.
    pub const FIRST: Seq = Seq(NonZeroU64::MIN);

    /// Makes a sequence number; `None` for 0.
    #[must_use]
    pub const fn new(seq: u64) -> Option<Seq> {
        match NonZeroU64::new(seq) {
            Some(seq) => Some(Seq(seq)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0.get()
    }

    /// The number so many records later.
    #[must_use]
    pub const fn plus(self, count: u64) -> Seq {
        Seq(self.0.saturating_add(count))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The epoch of a lease: grows with every claim, so that a stale holder's commit is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Fence(u64);

impl Fence {
    /// Makes a fence of a number, as stores keep it.
    #[must_use]
    pub const fn new(fence: u64) -> Fence {
        Fence(fence)
    }

    /// The number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The fence of the next claim.
    #[must_use]
    pub const fn next(self) -> Fence {
        Fence(self.0.saturating_add(1))
    }
}

/// Counts the tries of one piece of work, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(NonZeroU32);

impl Attempt {
    /// The first try.
    pub const FIRST: Attempt = Attempt(NonZeroU32::MIN);

    /// Makes an attempt of a number; `None` for 0.
    #[must_use]
    pub const fn new(attempt: u32) -> Option<Attempt> {
        match NonZeroU32::new(attempt) {
            Some(attempt) => Some(Attempt(attempt)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0.get()
    }

    /// The try after this one.
    #[must_use]
    pub const fn next(self) -> Attempt {
        Attempt(self.0.saturating_add(1))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The same for every attempt of one piece of work: `run/path`, which is different for every iteration, or what the
/// author of the step says.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// The key of the work at a path.
    #[must_use]
    pub fn of(run: RunId, path: &Path) -> IdempotencyKey {
        let mut text = String::with_capacity(40 + 12 * path.depth());
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{run}/{path}");
        IdempotencyKey(Arc::from(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key in the author's words.
impl From<Name> for IdempotencyKey {
    fn from(name: Name) -> IdempotencyKey {
        IdempotencyKey(name.to_shared())
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a run stands.
///
/// ```text
/// queued → running ⇄ blocked → completed | failed | cancelled | timed_out | expired
/// ```
///
/// The last five are terminal: a run never leaves them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "hosts must notice a new way for runs to end")]
pub enum RunStatus {
    /// Admitted; no worker has claimed it yet.
    Queued,
    /// A worker advances it, or did until its lease ended.
    Running,
    /// Nothing can go on without a person or a timer.
    Blocked,
    /// It ended with an output.
    Completed,
    /// It ended with a failure.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// A time limit of its own ended it.
    TimedOut,
    /// A person's deadline passed and nothing handled it.
    Expired,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [RunStatus; 8] = [
        RunStatus::Queued,
        RunStatus::Running,
        RunStatus::Blocked,
        RunStatus::Completed,
        RunStatus::Failed,
        RunStatus::Cancelled,
        RunStatus::TimedOut,
        RunStatus::Expired,
    ];

    /// The word in records, columns and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            RunStatus::Queued => "queued",
            RunStatus::Running => "running",
            RunStatus::Blocked => "blocked",
            RunStatus::Completed => "completed",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
            RunStatus::TimedOut => "timed_out",
            RunStatus::Expired => "expired",
        }
    }

    /// Whether the run has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            RunStatus::Queued | RunStatus::Running | RunStatus::Blocked => false,
            RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled
            | RunStatus::TimedOut
            | RunStatus::Expired => true,
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no run status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a run status: it is one of queued, running, blocked, completed, failed, cancelled, timed_out, expired"
)]
pub struct ParseRunStatusError(String);

impl FromStr for RunStatus {
    type Err = ParseRunStatusError;

    fn from_str(text: &str) -> Result<RunStatus, ParseRunStatusError> {
        let found = RunStatus::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| ParseRunStatusError(text.to_owned()))
    }
}

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "hosts must notice a new way for runs to end")]
pub enum RunOutcome {
    /// With an output.
    Completed(Payload),
    /// With a failure that nothing handled.
    Failed(Failure),
    /// Because somebody asked for it.
    Cancelled,
    /// Because a time limit of its own passed.
    TimedOut(Failure),
    /// Because a person's deadline passed and nothing handled it.
    Expired(Failure),
}

impl RunOutcome {
    /// The status of a run with this outcome.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        match self {
            RunOutcome::Completed(_) => RunStatus::Completed,
            RunOutcome::Failed(_) => RunStatus::Failed,
            RunOutcome::Cancelled => RunStatus::Cancelled,
            RunOutcome::TimedOut(_) => RunStatus::TimedOut,
            RunOutcome::Expired(_) => RunStatus::Expired,
        }
    }
}
