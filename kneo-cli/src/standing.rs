//! Who gets a run on.

use std::collections::BTreeSet;
use std::sync::Arc;

use kneo::clock::Clock as _;
use kneo::store::{Page, RunQuery, RunRow, Store};
use kneo::system::SystemClock;
use kneo::{Namespace, RunStatus, Timestamp, WorkerId};

use crate::problem::Problem;
use crate::store_place::cannot_open;

/// In whose hands a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has ended.
    Over,
    /// A worker runs it; its lease lasts until then, unless it is extended.
    Held { worker: WorkerId, until: Timestamp },
    /// It could go on, and nobody gets it on; a worker that did is gone.
    Idle { gone: Option<WorkerId> },
    /// It waits for people or a timer.
    Waiting,
}

impl Standing {
    /// Whether the run could go on and nobody gets it on.
    pub(crate) fn is_idle(self) -> bool {
        matches!(self, Standing::Idle { .. })
    }
}

/// What a store tells about workers at a time.
#[derive(Debug)]
pub(crate) struct Workers {
    now: Timestamp,
    /// Those that hold leases and are gone.
    gone: BTreeSet<WorkerId>,
}

impl Workers {
    /// Looks at a store.
    pub(crate) async fn look(store: &Arc<dyn Store>) -> Result<Workers, Problem> {
        let now = SystemClock.now();
        let namespace = Namespace::default();
        let ready = store.ready_plans(&namespace).await.map_err(|error| cannot_open(&error))?;
        let mut gone = BTreeSet::new();
        if !ready.is_empty() {
            let live = live(store, namespace).await?;
            for plan in ready {
                // The store says that some run of the plan can be claimed. If no row shows why, a holder is gone, and
                // if there is one holder only, it is that one.
                let of_plan = || live.iter().filter(|row| row.plan == plan);
                let holders: BTreeSet<WorkerId> = of_plan().filter_map(|row| row.holder).collect();
                if holders.len() == 1 && !of_plan().any(|row| is_idle(row, now)) {
                    gone.extend(holders);
                }
            }
        }
        Ok(Workers { now, gone })
    }

    /// In whose hands a run is.
    pub(crate) fn standing(&self, row: &RunRow) -> Standing {
        if row.status.is_terminal() {
            return Standing::Over;
        }
        match row.holder.zip(row.lease_until) {
            Some((worker, _)) if self.gone.contains(&worker) => Standing::Idle { gone: Some(worker) },
            Some((worker, until)) if until > self.now => Standing::Held { worker, until },
            Some((worker, _)) => Standing::Idle { gone: Some(worker) },
            None if is_idle(row, self.now) => Standing::Idle { gone: None },
            None => Standing::Waiting,
        }
    }
}

/// Whether a row shows that nobody gets the run on although it could go on.
fn is_idle(row: &RunRow, now: Timestamp) -> bool {
    let is_held = row.holder.is_some() && row.lease_until.is_some_and(|until| until > now);
    let due = [row.ready_at, row.deadline].into_iter().flatten().any(|at| at <= now);
    !row.status.is_terminal() && !is_held && (due || row.cancel_requested || row.status != RunStatus::Blocked)
}

/// The runs that have not ended.
async fn live(store: &Arc<dyn Store>, namespace: Namespace) -> Result<Vec<RunRow>, Problem> {
    let mut query = RunQuery::new(namespace);
    query.statuses = RunStatus::ALL.into_iter().filter(|status| !status.is_terminal()).collect();
    let mut page = Page { offset: 0, limit: 1_000 };
    let mut all = Vec::new();
    loop {
        let rows = store.runs(&query, page).await.map_err(|error| cannot_open(&error))?;
        page.offset += rows.len();
        let whole = rows.len() < page.limit;
        all.extend(rows);
        if whole {
            return Ok(all);
        }
    }
}
