//! What has happened in a run.

use kneo::{Cursor, RunEvent, RunId, Runtime, Seq};

use crate::problem::Problem;
use crate::refusal::runtime_problem;

/// Goes through the events up to one of them.
pub(crate) async fn read(
    runtime: &Runtime,
    run: RunId,
    to: Seq,
    mut take: impl FnMut(&RunEvent),
) -> Result<(), Problem> {
    let mut events = runtime.run(run).events_from(Cursor::START);
    while let Some(event) = events.next().await {
        let event = event.map_err(runtime_problem)?;
        take(&event);
        if event.seq >= to {
            break;
        }
    }
    Ok(())
}
