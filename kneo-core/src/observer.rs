//! The contract of those who watch runs as they happen.

use std::fmt;
use std::sync::Arc;

use crate::plan::CompiledPlan;
use crate::record::Stored;
use crate::run::RunKey;

/// Sees what happens in the runs that a runtime advances: for telemetry, dashboards, notifications.
///
/// # Contract
/// - **After the commit.** What is told is durable; nothing is told that was not committed.
/// - **In order.** The records of a run come in the order of their numbers, each once for each worker that held the run.
///   Runs come interleaved.
/// - **At most once.** A worker that is lost between a commit and its telling has told nobody; who needs every record
///   follows the store instead.
/// - **The past.** Who takes over a run is told its records from the first on, those that another worker has told of
///   as [`News::past`]: enough to know when what ends now began.
/// - **Never in the way.** It is called on the task that advances the run: it must not block, and hands long work to
///   somebody else. A panic is logged and harms nothing.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Takes note of what happened.
    fn observe(&self, news: &News<'_>);
}

/// What happened in a run, in order.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by whoever tells, read by whoever is told")]
pub struct News<'a> {
    /// The run.
    pub run: &'a RunKey,
    /// Its plan.
    pub plan: &'a Arc<CompiledPlan>,
    /// The records; at least one.
    pub records: &'a [Stored],
    /// Whether another worker has told of them.
    pub past: bool,
}
