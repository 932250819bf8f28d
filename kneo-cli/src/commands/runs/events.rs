//! `kneo runs events`.

use kneo::plan::Plan;
use kneo::{Cursor, RunEvent, Seq};
use serde_json::Value as Json;

use crate::exit::Exit;
use crate::host;
use crate::id::RunArg;
use crate::output::Output;
use crate::places::{plan, words};
use crate::problem::Stop;
use crate::refusal::runtime_problem;
use crate::store_place::StoreArgs;
use crate::view;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: its id, or at least six of its first or last digits
    run: RunArg,

    /// Only what follows the event of this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,

    /// Go on until the run ends
    #[arg(long, short)]
    follow: bool,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let row = self.run.find(&store).await?;
        let plan = plan(&store, &row).await?;
        let plan = plan.plan();
        let mut told = self.after;
        if !self.follow && told >= row.tail.as_u64() {
            return Ok(Exit::Done);
        }
        let cursor = Seq::new(self.after).map_or(Cursor::START, Cursor::after);
        let mut events = host::client(store)?.run(row.key.run).events_from(cursor);
        while let Some(event) = events.next().await {
            let event = event.map_err(runtime_problem)?;
            if output.json {
                output.object(&view::event(&event, plan))?;
            } else {
                output.text(&line(&event, plan))?;
            }
            told = event.seq.as_u64();
            if !self.follow && told >= row.tail.as_u64() {
                break;
            }
        }
        Ok(Exit::Done)
    }
}

fn line(event: &RunEvent, plan: &Plan) -> String {
    let data = match view::event(event, plan).get_mut("data").map(Json::take) {
        Some(Json::Object(data)) if data.is_empty() => String::new(),
        Some(data) => data.to_string(),
        None => String::new(),
    };
    let place = words(plan, event.record.path());
    format!("{:>5}  {}  {:<17} {place}  {data}", event.seq, event.record.at(), event.event().kind())
        .trim_end()
        .to_owned()
}
