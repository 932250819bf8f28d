//! `kneo human decide`.

use std::sync::Arc;

use kneo::RuntimeError;
use kneo::task::TaskRow;

use super::decision::{DecisionArgs, WITHOUT_REASON};
use crate::exit::Exit;
use crate::host::{self, HostArgs};
use crate::id::TaskArg;
use crate::output::Output;
use crate::person::ByArgs;
use crate::places::{self, Places};
use crate::problem::{Problem, Stop};
use crate::refusal::runtime_problem;
use crate::report::Report;
use crate::resumption::{Held, Resumption};
use crate::store_place::StoreArgs;
use crate::view;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The task: its id, or at least six of its first or last digits
    task: TaskArg,

    #[command(flatten)]
    decision: DecisionArgs,

    /// Why; goes with `--approve`, `--approve-for-run` and `--reject`
    #[arg(long, value_name = "TEXT", conflicts_with_all = WITHOUT_REASON)]
    reason: Option<String>,

    #[command(flatten)]
    by: ByArgs,

    /// Only record the decision, and leave the run to others
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    host: HostArgs,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let by = self.by.actor()?;
        // Wrong usage does nothing; anything else that is missing here only keeps the run from going on.
        if let Some(problem) = self.host.trust.find().err().filter(|problem| problem.exit == Exit::Usage) {
            return Err(problem.into());
        }
        let store = self.store.open().await?;
        // A decision needs nothing of the host, so it is recorded even where the run cannot go on.
        let client = host::client(Arc::clone(&store))?;
        let task = self.task.find(&store).await?;
        self.decision.fits(&task)?;
        let typed = self.decision.typed();
        let decision = self.decision.decision(self.reason)?;
        let decided = client.decide(task.task, decision, by.clone()).await;
        let decided = decided.map_err(|error| refused(error, &task, typed))?;
        output.note(&format!("{} is decided", task.task));
        let row = places::row(&store, &task.run).await?;
        if self.no_wait {
            let plan = places::plan(&store, &row).await?;
            let report = Report::of(&client, &task.run).await?;
            let lacks = host::lacks(&self.host, &report.row, &store, &plan);
            report.lacking(lacks).write(&Places::of_plan(decided.run, &plan), &self.store.again(), output)?;
            return Ok(Exit::Done);
        }
        client.shutdown().await;
        let resumption = Resumption {
            store,
            row,
            host: &self.host,
            timers: true,
            held: Held::Leave,
            by,
            store_again: self.store.again(),
            output,
        };
        resumption.run().await.map_err(recorded)
    }
}

/// The problem of a decision that was not taken.
fn refused(error: RuntimeError, task: &TaskRow, typed: &str) -> Problem {
    let unfit = match &error {
        RuntimeError::DecisionInvalid { problem, .. } => {
            Some(format!("`{typed}` does not fit {}: {problem}", task.task))
        }
        _ => None,
    };
    let is_late = matches!(error, RuntimeError::TaskClosed { .. }) && view::is_overdue(task);
    let problem = runtime_problem(error);
    let message = unfit.unwrap_or_else(|| problem.message.clone());
    let problem = Problem { message, ..problem };
    if is_late { problem.with_help(view::gets_on(task, "")) } else { problem }
}

/// Says with a problem of the run that the decision stands.
fn recorded(stop: Stop) -> Stop {
    match stop {
        Stop::Problem(mut problem) => {
            problem.message = format!("the decision is recorded, but the run cannot go on here: {}", problem.message);
            Stop::Problem(problem)
        }
        other => other,
    }
}
