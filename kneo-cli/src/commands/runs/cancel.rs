//! `kneo runs cancel`.

use std::time::{Duration, Instant};

use kneo::{Actor, Cancelled, RunKey, Runtime, RuntimeError};

use crate::exit::Exit;
use crate::host;
use crate::id::RunArg;
use crate::output::Output;
use crate::person::ByArgs;
use crate::places::{self, Places};
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::report::Report;
use crate::store_place::StoreArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: its id, or at least six of its first or last digits
    run: RunArg,

    /// Why
    #[arg(long, value_name = "TEXT", default_value = "asked for on the command line")]
    reason: String,

    #[command(flatten)]
    by: ByArgs,

    /// Only ask, and do not wait for the run's end
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let row = self.run.find(&store).await?;
        let mut places = Places::default();
        places.learn(&store, &row).await?;
        // Nothing of the host is needed to end a run.
        let runtime = host::client(store)?;
        let by = self.by.actor()?;
        let asked = runtime.cancel(row.key.run, &*self.reason, by.clone()).await.map_err(runtime_problem)?;
        if asked == Cancelled::Requested && !self.no_wait {
            self.wait(&runtime, &row.key, by, output).await?;
        }
        let report = Report::of(&runtime, &row.key).await?;
        if !report.view.status.is_terminal() {
            output.note("the run has been told; whoever holds it, or resumes it, ends it");
        }
        report.write(&places, &self.store.again(), output)?;
        runtime.shutdown().await;
        Ok(Exit::Done)
    }
}

/// How long the end of a run in other hands is waited for: longer than a call may take to stop, and than the lease of a
/// worker that is gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(200);

impl Args {
    /// Waits for whoever holds the run.
    async fn wait(&self, runtime: &Runtime, run: &RunKey, by: Actor, output: Output) -> Result<(), Stop> {
        if let Some(holder) = places::row(runtime.store(), run).await?.holder {
            output.note(&format!("{} is held by {holder}; waiting for its end", run.run));
        }
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
            // Asked again, it is ended here if nobody holds it any more.
            match runtime.cancel(run.run, &*self.reason, by.clone()).await {
                Ok(Cancelled::Requested) => {}
                Ok(Cancelled::Cancelled) | Err(RuntimeError::InvalidState { .. }) => break,
                Err(error) => return Err(runtime_problem(error).into()),
            }
        }
        Ok(())
    }
}
