//! `kneo runs get`.

use std::fmt::Write as _;

use kneo::RunView;

use crate::exit::Exit;
use crate::host;
use crate::id::RunArg;
use crate::output::Output;
use crate::places::Places;
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::store_place::StoreArgs;
use crate::view;

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
        let view = host::client(store)?.view(row.key.run).await.map_err(runtime_problem)?;
        if output.json {
            output.object(&view::run(&view, &places))?;
        } else {
            output.text(&text(&view, &places, &self.store.again()))?;
        }
        Ok(Exit::Done)
    }
}

fn text(run: &RunView, places: &Places, store_again: &str) -> String {
    let mut text = format!("{}\n", run.run);
    let mut line = |what: &str, value: &str| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {what:<9} {value}");
    };
    line("workflow", run.workflow.as_str());
    line("status", run.status.as_str());
    if run.cancel_requested && !run.status.is_terminal() {
        line("stopping", "somebody asked it to stop");
    }
    line("started", &format!("{} by {}", run.started_at, run.starter));
    if let Some(at) = run.ended_at {
        line("ended", &at.to_string());
    }
    if let Some(at) = run.deadline {
        line("deadline", &at.to_string());
    }
    if let Some(worker) = run.holder {
        line("worker", &worker.to_string());
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
        line("error", &failure.to_string());
    }
    for task in &run.pending {
        let _ = writeln!(text, "{}", view::waiting(task, places, store_again));
    }
    if let Some(output) = &run.output {
        let _ = writeln!(text, "\n{}", view::readable(output));
    }
    text
}
