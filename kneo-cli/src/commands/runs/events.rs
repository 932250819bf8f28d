//! `kneo runs events`.

use std::time::Duration;

use kneo::plan::Plan;
use kneo::{Cursor, RunEvent, RunKey, Runtime};
use serde_json::Value as Json;

use crate::calls::Calls;
use crate::exit::Exit;
use crate::host;
use crate::id::RunArg;
use crate::output::Output;
use crate::places::{self, plan};
use crate::problem::{Problem, Stop};
use crate::refusal::runtime_problem;
use crate::report::Report;
use crate::standing::Workers;
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
        if !self.follow && self.after >= row.tail.as_u64() {
            return Ok(Exit::Done);
        }
        let runtime = host::client(store)?;
        // What is passed over names what is called later.
        let mut events = runtime.run(row.key.run).events_from(Cursor::START);
        let mut calls = Calls::default();
        let mut idle = Idle::default();
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = tokio::time::sleep(LOOK), if self.follow && !idle.is_told() => {
                    if let Some(report) = idle.look(&runtime, &row.key).await? {
                        let run = row.key.run;
                        output.note(&format!("{run} {}", report.stands(&self.store.again())));
                    }
                    continue;
                }
            };
            let Some(event) = event.transpose().map_err(runtime_problem)? else { break };
            idle.got_on();
            calls.learn(&event);
            let seq = event.seq.as_u64();
            if seq <= self.after {
                continue;
            }
            if output.json {
                output.object(&view::event(&event, plan))?;
            } else {
                output.text(&line(&event, plan, &calls))?;
            }
            if !self.follow && seq >= row.tail.as_u64() {
                break;
            }
        }
        Ok(Exit::Done)
    }
}

/// How long nothing happens before it is asked why.
const LOOK: Duration = Duration::from_secs(1);

/// Whether nobody gets the run on.
#[derive(Default)]
struct Idle {
    /// It was so at the last look, and nothing has happened since.
    seen: bool,
    told: bool,
}

impl Idle {
    fn is_told(&self) -> bool {
        self.told
    }

    fn got_on(&mut self) {
        *self = Idle::default();
    }

    /// How the run stands if nobody gets it on, at the second look: a worker may be about to claim it at the first.
    async fn look(&mut self, runtime: &Runtime, run: &RunKey) -> Result<Option<Report>, Problem> {
        let row = places::row(runtime.store(), run).await?;
        let is_idle = Workers::look(runtime.store()).await?.standing(&row).is_idle();
        self.told = is_idle && self.seen;
        self.seen = is_idle;
        match self.told {
            true => Report::of(runtime, run).await.map(Some),
            false => Ok(None),
        }
    }
}

fn line(event: &RunEvent, plan: &Plan, calls: &Calls) -> String {
    let data = match view::event(event, plan).get_mut("data").map(Json::take) {
        Some(Json::Object(data)) if data.is_empty() => String::new(),
        Some(data) => data.to_string(),
        None => String::new(),
    };
    let place = calls.place(plan, event.record.path());
    // A worker stands in its claim; what people do is theirs.
    let by = event.record.actor.name().map_or_else(String::new, |name| format!("by {name}"));
    let parts = [place, by, data].into_iter().filter(|part| !part.is_empty());
    let rest = parts.collect::<Vec<_>>().join("  ");
    format!("{:>5}  {}  {:<17} {rest}", event.seq, event.record.at(), event.event().kind()).trim_end().to_owned()
}
