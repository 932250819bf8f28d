//! `kneo human get`.

use std::fmt::Write as _;

use kneo::Value;
use kneo::task::{TaskRow, TaskState};

use crate::exit::Exit;
use crate::id::TaskArg;
use crate::output::Output;
use crate::places::Places;
use crate::problem::Stop;
use crate::store_place::StoreArgs;
use crate::view;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The task: its id, or at least six of its first or last digits
    task: TaskArg,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let row = self.task.find(&store).await?;
        let mut places = Places::default();
        places.learn_run(&store, &row.run).await?;
        if output.json {
            output.object(&view::task(&row, &places))?;
        } else {
            output.text(&text(&row, &places, &self.store.again()))?;
        }
        Ok(Exit::Done)
    }
}

fn text(row: &TaskRow, places: &Places, store_again: &str) -> String {
    let mut text = format!("{}\n", row.task);
    let mut line = |what: &str, value: &str| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {what:<9} {value}");
    };
    line("run", &row.run.run.to_string());
    line("place", &places.of(row.run.run, &row.path));
    line("state", row.state.as_str());
    line("asked", &row.opened_at.to_string());
    if let Some(at) = row.deadline {
        line("until", &at.to_string());
    }
    if let Some(at) = row.escalated_at {
        line("escalated", &at.to_string());
    }
    if let TaskState::Decided(decision) = &row.state {
        line("decided", &format!("{} by {} at {}", decision.kind, decision.by, decision.at));
    }
    for value in [&row.request.subject, &row.request.context] {
        if !matches!(value, Value::Null) {
            let _ = writeln!(text, "\n{}", view::shown(value));
        }
    }
    let _ = match &row.state {
        TaskState::Open => write!(text, "\n{}", view::waiting(row, places, store_again)),
        _ => write!(text, "\n{}", view::question(&row.request)),
    };
    text
}
