//! How a run stands, in words, as an object, and as an exit code.

use std::sync::Arc;

use kneo::event::Event;
use kneo::store::RunRow;
use kneo::{Actor, RunKey, RunStatus, RunView, Runtime, Timestamp};

use crate::exit::Exit;
use crate::output::Output;
use crate::places::Places;
use crate::problem::{Problem, Stop};
use crate::refusal::runtime_problem;
use crate::remedy;
use crate::standing::{Standing, Workers};
use crate::visible::lines;
use crate::{journal, places, view};

/// A run, and what a view of it does not tell.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) view: RunView,
    pub(crate) row: RunRow,
    pub(crate) standing: Standing,
    /// What this program lacks to get it on, if it was looked for.
    pub(crate) lacks: Vec<String>,
    pub(crate) cancel: Option<CancelRequest>,
    /// Whether it was told why the run failed.
    pub(crate) told: bool,
}

/// Who asked for a run's end.
#[derive(Debug)]
pub(crate) struct CancelRequest {
    pub(crate) by: Actor,
    pub(crate) at: Timestamp,
    pub(crate) reason: Arc<str>,
}

impl Report {
    /// How a run stands now.
    pub(crate) async fn of(runtime: &Runtime, run: &RunKey) -> Result<Report, Problem> {
        let mut view = runtime.view(run.run).await.map_err(runtime_problem)?;
        view::in_order(&mut view.pending);
        let row = places::row(runtime.store(), run).await?;
        let standing = Workers::look(runtime.store()).await?.standing(&row);
        let mut cancel = None;
        if view.cancel_requested {
            let look = |event: &kneo::RunEvent| {
                if let Event::CancelRequested { reason } = event.event() {
                    let (by, at) = (event.record.actor.clone(), event.record.at());
                    cancel.get_or_insert(CancelRequest { by, at, reason: Arc::clone(reason) });
                }
            };
            journal::read(runtime, run.run, view.tail, look).await?;
        }
        Ok(Report { view, row, standing, lacks: Vec::new(), cancel, told: false })
    }

    /// The same report, with what this program lacks to get the run on.
    pub(crate) fn lacking(self, lacks: Vec<String>) -> Report {
        Report { lacks, ..self }
    }

    /// Writes it: the run's output, what went wrong, or what it waits for.
    pub(crate) fn write(&self, places: &Places, store_again: &str, output: Output) -> Result<(), Stop> {
        let view = &self.view;
        if output.json {
            output.object(&view::run(self, places))?;
            return Ok(());
        }
        if let Some(value) = &view.output {
            output.product(&view::readable(value))?;
        }
        match &view.error {
            Some(failure) if !self.told => {
                output.note(&format!("{} {}", view.run, lines(&view::ended(view.status, failure))))
            }
            Some(_) | None => output.note(&format!("{} {}", view.run, self.stands(store_again))),
        }
        let code = view.error.as_ref().and_then(|failure| failure.code.as_deref());
        if let Some(remedy) = code.and_then(remedy::of) {
            output.note(&format!("`kneo explain {}` tells more", remedy.code));
        }
        for task in &view.pending {
            output.note(&view::waiting(task, places, store_again));
        }
        Ok(())
    }

    /// Says why the run ended as it did where nothing but errors is said.
    pub(crate) fn complain(&self, output: Output) {
        let (run, status) = (self.view.run, self.view.status);
        match &self.view.error {
            Some(failure) => output.error(&format!("{run} {}", lines(&view::ended(status, failure)))),
            None => output.error(&format!("{run} {status}")),
        }
    }

    /// Where the run stands.
    pub(crate) fn stands(&self, store_again: &str) -> String {
        let status = self.view.status;
        match (self.standing, self.view.ready_at) {
            (Standing::Idle { gone: None }, _) => format!("waits for a worker: {}", self.gets_on(store_again)),
            (Standing::Idle { gone: Some(_) }, _) => format!("has lost its worker: {}", self.gets_on(store_again)),
            (Standing::Held { worker, .. }, _) => format!("is {status} in {worker}"),
            // With a question open it is the question that has a deadline.
            (Standing::Waiting, Some(then)) if self.view.pending.is_empty() => format!("{status} until {then}"),
            (Standing::Over | Standing::Waiting, _) => status.to_string(),
        }
    }

    /// What gets an idle run on.
    pub(crate) fn gets_on(&self, store_again: &str) -> String {
        let run = self.view.run;
        match (self.lacks.as_slice(), self.view.cancel_requested) {
            (_, true) => format!("`kneo runs resume {run}{store_again}` ends it"),
            ([], false) => format!("`kneo runs resume {run}{store_again}` gets it on"),
            (lacks, false) => format!("no worker like this program can run it: it lacks {}", lines(&lacks.join(", "))),
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
