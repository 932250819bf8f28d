//! `kneo runs cancel`.

use crate::exit::Exit;
use crate::host;
use crate::id::RunArg;
use crate::output::Output;
use crate::person::ByArgs;
use crate::places::Places;
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
        runtime.cancel(row.key.run, self.reason, self.by.actor()?).await.map_err(runtime_problem)?;
        let report = Report::of(&runtime, &row.key).await?;
        if !report.view.status.is_terminal() {
            output.note("the run has been told; whoever holds it, or resumes it, ends it");
        }
        report.write(&places, &self.store.again(), output)?;
        runtime.shutdown().await;
        Ok(Exit::Done)
    }
}
