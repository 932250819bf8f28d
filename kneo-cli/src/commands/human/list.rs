//! `kneo human list`.

use kneo::Name;
use kneo::store::{Page, TaskQuery};
use kneo::task::TaskRow;
use serde_json::json;

use crate::exit::Exit;
use crate::host;
use crate::id::RunArg;
use crate::output::Output;
use crate::places::Places;
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::store_place::StoreArgs;
use crate::table::table;
use crate::view;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only tasks of this run
    #[arg(long, value_name = "RUN")]
    run: Option<RunArg>,

    /// Only tasks that this person may decide
    #[arg(long, value_name = "NAME")]
    assignee: Option<Name>,

    /// Closed tasks too
    #[arg(long)]
    all: bool,

    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// How many older ones to pass over
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let mut query = TaskQuery::default();
        if let Some(run) = &self.run {
            query.run = Some(run.find(&store).await?.key.run);
        }
        query.assignee = self.assignee;
        query.include_closed = self.all;
        let page = Page { offset: self.offset, limit: self.limit };
        let runtime = host::client(std::sync::Arc::clone(&store))?;
        let mut rows = runtime.tasks(&query, page).await.map_err(runtime_problem)?;
        view::in_order(&mut rows);
        let mut places = Places::default();
        for row in &rows {
            places.learn_run(&store, &row.run).await?;
        }
        if output.json {
            output.object(&json!({"tasks": rows.iter().map(|row| view::task(row, &places)).collect::<Vec<_>>()}))?;
        } else if rows.is_empty() {
            output.note("no tasks");
        } else {
            let cells = rows.iter().map(|row| cells(row, &places));
            output.text(&table(&["TASK", "RUN", "STATE", "PLACE", "FOR", "QUESTION"], cells))?;
            output.may_go_on(rows.len(), self.limit, self.offset);
            if rows.iter().any(view::is_overdue) {
                let again = self.store.again();
                output.note(&format!("overdue: `kneo runs resume RUN{again}` gets such a run on"));
            }
        }
        Ok(Exit::Done)
    }
}

fn cells(row: &TaskRow, places: &Places) -> Vec<String> {
    let question = view::asked(&row.request);
    let question = question.lines().next().unwrap_or_default().to_owned();
    vec![
        row.task.to_string(),
        last_digits(&row.run.run.to_string()),
        if view::is_overdue(row) { "overdue" } else { row.state.as_str() }.to_owned(),
        places.of(row.run.run, &row.path),
        view::assigned(row),
        question,
    ]
}

/// As much of an id as tells runs apart, and as another command takes it.
fn last_digits(id: &str) -> String {
    let digits: Vec<char> = id.chars().rev().take(8).collect();
    digits.into_iter().rev().collect()
}
