//! `kneo runs get`.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::exit::Exit;
use crate::host::{self, HostArgs};
use crate::id::RunArg;
use crate::output::Output;
use crate::places::Places;
use crate::problem::Stop;
use crate::report::{CancelRequest, Report};
use crate::standing::Standing;
use crate::store_place::StoreArgs;
use crate::view;
use crate::visible::{block, lines};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: its id, or at least six of its first or last digits
    run: RunArg,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let row = self.run.find(&store).await?;
        let mut places = Places::default();
        places.learn(&store, &row).await?;
        let runtime = host::client(Arc::clone(&store))?;
        let mut report = Report::of(&runtime, &row.key).await?;
        if let Some(plan) = places.plan(row.key.run) {
            let lacks = host::lacks(&HostArgs::default(), &report.row, &store, plan);
            report = report.lacking(lacks);
        }
        if output.json {
            output.object(&view::run(&report, &places))?;
        } else {
            output.text(&text(&report, &places, &self.store.again()))?;
        }
        Ok(Exit::Done)
    }
}

fn text(report: &Report, places: &Places, store_again: &str) -> String {
    let run = &report.view;
    let mut text = format!("{}\n", run.run);
    let mut line = |what: &str, value: &str| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {what:<9} {}", lines(value));
    };
    line("workflow", run.workflow.as_str());
    line("status", run.status.as_str());
    line("started", &format!("{} by {}", run.started_at, run.starter));
    if let Some(at) = run.ended_at {
        line("ended", &at.to_string());
    }
    if let Some(CancelRequest { by, at, reason }) = &report.cancel {
        line(if run.status.is_terminal() { "cancelled" } else { "stopping" }, &format!("by {by} at {at}: {reason}"));
    }
    if let Some(at) = run.deadline {
        line("deadline", &at.to_string());
    }
    match report.standing {
        Standing::Held { worker, until } => line("worker", &format!("{worker} until {until}")),
        Standing::Idle { gone: Some(worker) } => {
            line("worker", &format!("{worker} is gone; {}", report.gets_on(store_again)));
        }
        Standing::Idle { gone: None } => line("worker", &format!("none; {}", report.gets_on(store_again))),
        Standing::Waiting => {
            if let (Some(at), []) = (run.ready_at, run.pending.as_slice()) {
                line("waits", &format!("until {at}"));
            }
            for lack in &report.lacks {
                line("lacks", lack);
            }
        }
        Standing::Over => {}
    }
    for (name, value) in &run.labels {
        line("label", &format!("{name}={value}"));
    }
    for mark in &run.marks {
        line("mark", mark);
    }
    for step in &run.steps {
        line("step", &places.of(run.run, &step.path));
    }
    if !run.usage.is_zero() {
        line("tokens", &format!("{} in, {} out", run.usage.input, run.usage.output));
    }
    if let Some(failure) = &run.error {
        line("error", &view::failure(failure));
    }
    for task in &run.pending {
        let _ = writeln!(text, "{}", view::waiting(task, places, store_again));
    }
    if let Some(output) = &run.output {
        let _ = writeln!(text, "\n{}", block(&view::readable(output)));
    }
    text
}
