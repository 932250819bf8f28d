//! How a run stands, in words, as an object, and as an exit code.

use kneo::{RunStatus, RunView};

use crate::exit::Exit;
use crate::output::Output;
use crate::places::Places;
use crate::problem::Stop;
use crate::view;

/// Writes how a run stands: its output, what went wrong, or what it waits for.
pub(crate) fn report(view: &RunView, places: &Places, store_again: &str, output: Output) -> Result<(), Stop> {
    if output.json {
        output.object(&view::run(view, places))?;
        return Ok(());
    }
    if let Some(value) = &view.output {
        output.text(&view::readable(value))?;
    }
    match &view.error {
        Some(failure) => output.note(&format!("{} {}: {failure}", view.run, view.status)),
        None => output.note(&format!("{} {}", view.run, view.status)),
    }
    for task in &view.pending {
        output.note(&view::waiting(task, places, store_again));
    }
    Ok(())
}

/// How the program ends with a run of this status.
pub(crate) fn exit_of(status: RunStatus) -> Exit {
    match status {
        RunStatus::Completed => Exit::Done,
        RunStatus::Failed | RunStatus::Cancelled | RunStatus::TimedOut | RunStatus::Expired => Exit::Failed,
        RunStatus::Queued | RunStatus::Running | RunStatus::Blocked => Exit::Blocked,
    }
}
