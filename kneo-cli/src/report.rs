//! How a run stands, in words, as an object, and as an exit code.

use kneo::{RunId, RunKey, RunStatus, RunView, Runtime};

use crate::exit::Exit;
use crate::output::Output;
use crate::places::Places;
use crate::problem::{Problem, Stop};
use crate::refusal::runtime_problem;
use crate::standing::{Standing, Workers};
use crate::store_place::cannot_open;
use crate::view;

/// A run, and in whose hands it is.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) view: RunView,
    pub(crate) standing: Standing,
}

impl Report {
    /// How a run stands now.
    pub(crate) async fn of(runtime: &Runtime, run: RunId) -> Result<Report, Problem> {
        let view = runtime.view(run).await.map_err(runtime_problem)?;
        let key = RunKey::new(runtime.namespace().clone(), run);
        let row = runtime.store().run(&key).await.map_err(|error| cannot_open(&error))?;
        let standing = match row {
            Some(row) => Workers::look(runtime.store()).await?.standing(&row),
            None => Standing::Over,
        };
        Ok(Report { view, standing })
    }

    /// Writes it: the run's output, what went wrong, or what it waits for.
    pub(crate) fn write(&self, places: &Places, store_again: &str, output: Output) -> Result<(), Stop> {
        let view = &self.view;
        if output.json {
            output.object(&view::run(view, places))?;
            return Ok(());
        }
        if let Some(value) = &view.output {
            output.text(&view::readable(value))?;
        }
        match &view.error {
            Some(failure) => output.note(&format!("{} {}: {failure}", view.run, view.status)),
            None => output.note(&format!("{} {}", view.run, self.stands(store_again))),
        }
        for task in &view.pending {
            output.note(&view::waiting(task, places, store_again));
        }
        Ok(())
    }

    /// Where the run stands, and what gets it on.
    fn stands(&self, store_again: &str) -> String {
        let RunView { run, status, ready_at, .. } = &self.view;
        match (self.standing, ready_at) {
            (Standing::Idle { .. }, _) => {
                format!("is {status}, and nobody runs it: `kneo runs resume {run}{store_again}` gets it on")
            }
            (Standing::Held { worker, .. }, _) => format!("is {status} in {worker}"),
            (Standing::Waiting, Some(then)) => format!("{status} until {then}"),
            (Standing::Over | Standing::Waiting, _) => status.to_string(),
        }
    }
}

/// How the program ends with a run of this status.
pub(crate) fn exit_of(status: RunStatus) -> Exit {
    match status {
        RunStatus::Completed => Exit::Done,
        RunStatus::Failed | RunStatus::Cancelled | RunStatus::TimedOut | RunStatus::Expired => Exit::Failed,
        RunStatus::Queued | RunStatus::Running | RunStatus::Blocked => Exit::Blocked,
    }
}
