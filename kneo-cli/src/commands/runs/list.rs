//! `kneo runs list`.

use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use kneo::name::NameError;
use kneo::store::{Page, RunQuery, RunRow};
use kneo::{Name, RunStatus, Runtime};
use serde_json::json;

use crate::exit::Exit;
use crate::host;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::refusal::runtime_problem;
use crate::standing::{Standing, Workers};
use crate::store_place::StoreArgs;
use crate::table::table;
use crate::view;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only runs of this status; may be given several times
    #[arg(long = "status", value_name = "STATUS", value_parser = status())]
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
        let workers = Workers::look(runtime.store()).await?;
        if output.json {
            let runs = rows.iter().map(|row| view::listed(row, workers.standing(row)));
            output.object(&json!({"runs": runs.collect::<Vec<_>>()}))?;
        } else if rows.is_empty() {
            output.note("no runs");
        } else {
            let cells = rows.iter().map(|row| cells(row, workers.standing(row)));
            output.text(&table(&["RUN", "STATUS", "WORKFLOW", "STARTED", "BY"], cells))?;
            output.may_go_on(rows.len(), self.limit, self.offset);
            if rows.iter().any(|row| workers.standing(row).is_idle()) {
                let again = self.store.again();
                output.note(&format!("no worker: `kneo runs resume RUN{again}` gets such a run on"));
            }
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

/// One of the words for how a run stands.
fn status() -> impl TypedValueParser<Value = RunStatus> {
    PossibleValuesParser::new(RunStatus::ALL.map(RunStatus::as_str)).try_map(|word| word.parse::<RunStatus>())
}

fn label(text: &str) -> Result<(Name, Option<Arc<str>>), NameError> {
    match text.split_once('=') {
        Some((name, value)) => Ok((Name::new(name)?, Some(Arc::from(value)))),
        None => Ok((Name::new(text)?, None)),
    }
}

fn cells(row: &RunRow, standing: Standing) -> Vec<String> {
    let stopping = (row.cancel_requested && !row.status.is_terminal()).then_some("stopping");
    let remarks: Vec<&str> = stopping.into_iter().chain(standing.is_idle().then_some("no worker")).collect();
    let status = match remarks.is_empty() {
        true => row.status.to_string(),
        false => format!("{} ({})", row.status, remarks.join(", ")),
    };
    let by = row.starter.name().map_or_else(|| "-".to_owned(), ToString::to_string);
    vec![row.key.run.to_string(), status, row.workflow.to_string(), seconds(row.started_at), by]
}

/// A time without its fraction of a second.
fn seconds(at: kneo::Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}
