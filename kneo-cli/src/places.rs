//! Places in runs, in the author's words.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use kneo::plan::{CompiledPlan, NodeKind, Plan};
use kneo::store::{RunRow, Store};
use kneo::{Digest, Path, RunId, RunKey, Segment};

use crate::problem::Problem;
use crate::store_place::cannot_open;

/// The plans of some runs.
#[derive(Debug, Default)]
pub(crate) struct Places {
    runs: HashMap<RunId, Digest>,
    plans: HashMap<Digest, Arc<CompiledPlan>>,
}

impl Places {
    /// The places of one run, whose plan is at hand.
    pub(crate) fn of_plan(run: RunId, plan: &Arc<CompiledPlan>) -> Places {
        let digest = plan.digest();
        Places { runs: HashMap::from([(run, digest)]), plans: HashMap::from([(digest, Arc::clone(plan))]) }
    }

    /// Gets to know a run.
    pub(crate) async fn learn(&mut self, store: &Arc<dyn Store>, row: &RunRow) -> Result<(), Problem> {
        if let Entry::Vacant(unknown) = self.plans.entry(row.plan) {
            unknown.insert(plan(store, row).await?);
        }
        self.runs.insert(row.key.run, row.plan);
        Ok(())
    }

    /// Gets to know a run of which only the key is known.
    pub(crate) async fn learn_run(&mut self, store: &Arc<dyn Store>, key: &RunKey) -> Result<(), Problem> {
        if self.runs.contains_key(&key.run) {
            return Ok(());
        }
        self.learn(store, &row(store, key).await?).await
    }

    /// The plan of a run.
    pub(crate) fn plan(&self, run: RunId) -> Option<&Arc<CompiledPlan>> {
        self.plans.get(self.runs.get(&run)?)
    }

    /// A place in words, such as `reviews › style` or `write (2)`; empty for the run itself.
    pub(crate) fn of(&self, run: RunId, path: &Path) -> String {
        self.plan(run).map_or_else(|| path.to_string(), |plan| words(plan.plan(), path))
    }
}

/// A run's row.
pub(crate) async fn row(store: &Arc<dyn Store>, key: &RunKey) -> Result<RunRow, Problem> {
    let row = store.run(key).await.map_err(|error| cannot_open(&error))?;
    row.ok_or_else(|| Problem::new("run_not_found", format!("{} does not exist in this store", key.run)))
}

/// The plan of a run.
pub(crate) async fn plan(store: &Arc<dyn Store>, row: &RunRow) -> Result<Arc<CompiledPlan>, Problem> {
    let run = row.key.run;
    let bytes = store.plan(row.plan).await.map_err(|error| cannot_open(&error))?;
    let bytes = bytes.ok_or_else(|| Problem::new("plan_missing", format!("the plan of {run} is not in the store")))?;
    let plan = CompiledPlan::decode(row.plan, bytes);
    let plan = plan.map_err(|error| Problem::new("plan_unreadable", format!("the plan of {run}: {error}")))?;
    Ok(Arc::new(plan))
}

/// The steps on the way to a place, with the visit where a step was visited before.
pub(crate) fn words(plan: &Plan, path: &Path) -> String {
    let steps = path.segments().iter().filter_map(|segment| match segment {
        Segment::Node { node, visit } => {
            let node = plan.node(*node);
            // A fork is the compiler's; the author wrote its branches.
            if node.is_some_and(|node| matches!(node.kind, NodeKind::Fork(_))) {
                return None;
            }
            let id = node.map_or("?", |node| node.id.as_str());
            Some(if *visit > 1 { format!("{id} ({visit})") } else { id.to_owned() })
        }
        _ => None,
    });
    steps.collect::<Vec<_>>().join(" › ")
}
