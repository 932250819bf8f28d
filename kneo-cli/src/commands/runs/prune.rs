//! `kneo runs prune`.

use std::sync::Arc;
use std::time::Duration;

use kneo::clock::Clock as _;
use kneo::store::{Page, Retention, RunQuery, Store};
use kneo::system::SystemClock;
use kneo::{Namespace, RunStatus, Timestamp};
use serde_json::json;

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::store_place::{StoreArgs, cannot_open};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs that ended longer ago than this
    #[arg(long, value_name = "DAYS")]
    older_than: u32,

    /// Only count them
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

/// How many runs are deleted in one transaction, so that live runs wait for none of them long.
const AT_ONCE: usize = 100;

const DAY: u64 = 24 * 60 * 60;

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let before = earlier(SystemClock.now(), Duration::from_secs(u64::from(self.older_than) * DAY));
        let runs = if self.dry_run { count(&store, before).await? } else { prune(&store, before).await? };
        if output.json {
            let before = before.to_string();
            output.object(&json!({"runs": runs, "ended_before": before, "dry_run": self.dry_run}))?;
        } else {
            let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
            let verb = if self.dry_run { "would be deleted" } else { "deleted" };
            output.text(&format!("{runs} {verb}, ended before {before}"))?;
        }
        Ok(Exit::Done)
    }
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(at.as_unix_micros().saturating_sub(by))
}

async fn prune(store: &Arc<dyn Store>, ended_before: Timestamp) -> Result<u64, Problem> {
    let retention = Retention { namespace: Namespace::default(), ended_before, max: AT_ONCE };
    let mut all = 0;
    loop {
        let pruned = store.prune(&retention).await.map_err(|error| cannot_open(&error))?;
        if pruned.runs == 0 {
            return Ok(all);
        }
        all += pruned.runs;
    }
}

async fn count(store: &Arc<dyn Store>, ended_before: Timestamp) -> Result<u64, Problem> {
    let mut query = RunQuery::new(Namespace::default());
    query.statuses = RunStatus::ALL.into_iter().filter(|status| status.is_terminal()).collect();
    let mut page = Page { offset: 0, limit: 1_000 };
    let mut count = 0;
    loop {
        let rows = store.runs(&query, page).await.map_err(|error| cannot_open(&error))?;
        page.offset += rows.len();
        count += rows.iter().filter(|row| row.ended_at.is_some_and(|at| at < ended_before)).count() as u64;
        if rows.len() < page.limit {
            return Ok(count);
        }
    }
}
