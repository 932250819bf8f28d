//! Reads the trace of a run.

use kneo::plan::Plan;
use kneo::store::RunRow;
use kneo::{Runtime, Timestamp};

use super::{Fold, Trace};
use crate::journal;
use crate::problem::Problem;

/// Folds the events of a run; what has not ended is seen up to `now`.
pub(crate) async fn read(
    runtime: &Runtime,
    row: &RunRow,
    plan: &Plan,
    with_values: bool,
    now: Timestamp,
) -> Result<Trace, Problem> {
    let mut fold = Fold::new(plan, with_values);
    journal::read(runtime, row.key.run, row.tail, |event| fold.take(&event.record)).await?;
    Ok(fold.finish(row.key.run, row.status, now))
}
