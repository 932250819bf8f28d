//! `kneo runs list`.

use std::sync::Arc;

use kneo::name::NameError;
use kneo::store::{Page, RunQuery, RunRow};
use kneo::{Name, RunStatus, Runtime};
use serde_json::json;

use crate::exit::Exit;
use crate::host;
use crate::output::Output;
use crate::problem::{Problem, Stop};
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

    /// Only runs with this label, or with this value of it; may be given several times
    #[arg(long = "label", value_name = "NAME[=VALUE]", value_parser = label)]
    labels: Vec<(Name, Option<Arc<str>>)>,

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
        let rows = self.rows(&runtime).await?;
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

impl Args {
    async fn rows(&self, runtime: &Runtime) -> Result<Vec<RunRow>, Problem> {
        let mut query = RunQuery::default();
        query.statuses = self.statuses.clone();
        query.workflow = self.workflow.clone();
        let values = self.labels.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        query.labels = values.collect();
        let mut page = Page { offset: self.offset, limit: self.limit };
        if self.labels.iter().all(|(_, value)| value.is_some()) {
            return runtime.runs(&query, page).await.map_err(runtime_problem);
        }
        // A store knows labels with their values: whether a run has one at all is seen here.
        let has = |row: &RunRow, wanted: &Name| row.labels.iter().any(|(name, _)| name == wanted);
        page = Page { offset: 0, limit: 1_000 };
        let (mut passed, mut found) = (0, Vec::new());
        loop {
            let rows = runtime.runs(&query, page).await.map_err(runtime_problem)?;
            page.offset += rows.len();
            let whole = rows.len() < page.limit;
            for row in rows.into_iter().filter(|row| self.labels.iter().all(|(name, _)| has(row, name))) {
                if found.len() == self.limit {
                    return Ok(found);
                }
                passed += 1;
                if passed > self.offset {
                    found.push(row);
                }
            }
            if whole {
                return Ok(found);
            }
        }
    }
}

fn label(text: &str) -> Result<(Name, Option<Arc<str>>), NameError> {
    match text.split_once('=') {
        Some((name, value)) => Ok((Name::new(name)?, Some(Arc::from(value)))),
        None => Ok((Name::new(text)?, None)),
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
