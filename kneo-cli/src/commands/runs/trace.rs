//! `kneo runs trace`.

use std::path::PathBuf;

use kneo::clock::Clock as _;
use kneo::system::SystemClock;
use serde_json::json;

use crate::exit::Exit;
use crate::host;
use crate::id::RunArg;
use crate::output::Output;
use crate::places::plan;
use crate::problem::Stop;
use crate::store_place::StoreArgs;
use crate::{trace, written};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: its id, or at least six of its first or last digits
    run: RunArg,

    /// As a page with a timeline
    #[arg(long)]
    html: bool,

    /// Write the page to this file
    #[arg(long, short, value_name = "FILE", requires = "html")]
    output: Option<PathBuf>,

    /// With what went in and came out: inputs, arguments, answers, results
    #[arg(long)]
    with_values: bool,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let row = self.run.find(&store).await?;
        let plan = plan(&store, &row).await?;
        let runtime = host::client(store)?;
        let trace = trace::read(&runtime, &row, plan.plan(), self.with_values, SystemClock.now()).await?;
        match written::to_file(self.output.as_deref()) {
            Some(path) => {
                written::file(path, trace::html(&trace).as_bytes())?;
                if output.json {
                    output.object(&json!({"ok": true, "format": "html", "file": path.display().to_string()}))?;
                }
            }
            None if self.html && output.json => {
                output.object(&json!({"ok": true, "format": "html", "html": trace::html(&trace)}))?;
            }
            None if self.html => output.product(&trace::html(&trace))?,
            None if output.json => output.object(&trace::json(&trace))?,
            None => output.text(&trace::text(&trace))?,
        }
        Ok(Exit::Done)
    }
}
