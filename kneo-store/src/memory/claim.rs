//! Leases.

use std::collections::BTreeSet;

use kneo_core::run::RunKey;
use kneo_core::store::{Beat, ClaimAsk, Claimed, LEASE, RunRow};
use kneo_core::{Digest, Fence, Namespace, Timestamp, WorkerId};

use super::state::State;
use crate::rule;

impl State {
    pub(super) fn claim(&mut self, ask: &ClaimAsk<'_>, now: Timestamp) -> Vec<Claimed> {
        let mut found: Vec<&RunRow> = self
            .live_rows(ask.namespace)
            .filter(|row| ask.run.is_none_or(|run| run == row.key.run))
            .filter(|row| rule::claimable(row, now, Some(ask.plans)))
            .collect();
        found.sort_by_key(|row| (rule::waits_since(row), row.key.run));
        let chosen: Vec<RunKey> = found.into_iter().take(ask.max).map(|row| row.key.clone()).collect();
        chosen.iter().filter_map(|key| self.lease(key, ask.worker, now)).collect()
    }

    pub(super) fn ready_plans(&self, namespace: &Namespace, now: Timestamp) -> Vec<Digest> {
        let ready = self.live_rows(namespace).filter(|row| rule::claimable(row, now, None));
        ready.map(|row| row.plan).collect::<BTreeSet<Digest>>().into_iter().collect()
    }

    pub(super) fn beat(&mut self, worker: WorkerId, run: &RunKey, fence: Fence, now: Timestamp) -> Beat {
        let held = |row: &&mut RunRow| row.fence == fence && row.holder == Some(worker);
        let Some(row) = self.runs.get_mut(run).map(|run| &mut run.row).filter(held) else { return Beat::Lost };
        if rule::runs_low(row.lease_until, now) {
            row.lease_until = Some(now.after(LEASE));
        }
        Beat::Held { tail: row.tail, cancel_requested: row.cancel_requested }
    }

    /// Whether there was a lease to give back.
    pub(super) fn release(&mut self, run: &RunKey, fence: Fence) -> bool {
        let held = |row: &&mut RunRow| row.fence == fence && row.holder.is_some();
        let Some(row) = self.runs.get_mut(run).map(|run| &mut run.row).filter(held) else { return false };
        (row.holder, row.lease_until) = (None, None);
        true
    }

    fn lease(&mut self, key: &RunKey, worker: WorkerId, now: Timestamp) -> Option<Claimed> {
        let row = &mut self.runs.get_mut(key)?.row;
        rule::lease(row, worker, now);
        let RunRow { plan, fence, tail, fruitless, .. } = *row;
        Some(Claimed { run: key.clone(), plan, fence, tail, fruitless })
    }

    fn live_rows(&self, namespace: &Namespace) -> impl Iterator<Item = &RunRow> {
        let live = self.live.iter().filter(move |key| key.namespace == *namespace);
        live.filter_map(|key| self.runs.get(key)).map(|run| &run.row)
    }
}
