//! `kneo runs list`.

use kneo::store::{Page, RunQuery, RunRow};
use kneo::{Name, RunStatus};
use serde_json::json;

use crate::exit::Exit;
use crate::host;
use crate::output::Output;
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::store_place::StoreArgs;
use crate::table::table;
use crate::view;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only runs of this status; may be given several times
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<RunStatus>,

    /// Only runs of this workflow
    #[arg(long, value_name = "NAME")]
    workflow: Option<Name>,

    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// How many newer ones to pass over
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let runtime = host::client(self.store.open().await?)?;
        let mut query = RunQuery::default();
        query.statuses = self.statuses;
        query.workflow = self.workflow;
        let page = Page { offset: self.offset, limit: self.limit };
        let rows = runtime.runs(&query, page).await.map_err(runtime_problem)?;
        if output.json {
            output.object(&json!({"runs": rows.iter().map(view::listed).collect::<Vec<_>>()}))?;
        } else if rows.is_empty() {
            output.note("no runs");
        } else {
            output.text(&table(&["RUN", "STATUS", "WORKFLOW", "STARTED", "BY"], rows.iter().map(cells)))?;
        }
        Ok(Exit::Done)
    }
}

fn cells(row: &RunRow) -> Vec<String> {
    let status = match row.cancel_requested && !row.status.is_terminal() {
        true => format!("{} (stopping)", row.status),
        false => row.status.to_string(),
    };
    let by = row.starter.name().map_or_else(|| "-".to_owned(), ToString::to_string);
    vec![row.key.run.to_string(), status, row.workflow.to_string(), seconds(row.started_at), by]
}

/// A time without its fraction of a second.
fn seconds(at: kneo::Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}
