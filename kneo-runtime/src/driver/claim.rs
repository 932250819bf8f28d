//! Claims runs that are ready.

use std::sync::Arc;

use kneo_core::store::{ClaimAsk, Claimed, StoreError};
use kneo_core::{Digest, RunId};

use super::actor::adopt;
use super::live::{Live, Slot};
use crate::bind::Bound;
use crate::builder::WorkerRole;
use crate::error::RuntimeError;
use crate::shared::Shared;

/// How many runs one question claims at most: a worker that starts takes its share, not everything.
const MAX_CLAIM: usize = 32;

/// Claims whatever is ready, on hints and by polling, until the runtime closes.
pub(crate) async fn claim_loop(shared: Arc<Shared>) {
    let mut closing = shared.closing.cancelled();
    loop {
        // As long as there is work and room for it.
        while claim_some(&shared).await {}
        tokio::select! {
            biased;
            () = &mut closing => return,
            () = shared.claims.notified() => {}
            () = tokio::time::sleep(shared.options.poll) => {}
        }
    }
}

/// Claims once; whether it is worth asking again at once.
async fn claim_some(shared: &Arc<Shared>) -> bool {
    if shared.closing.is_cancelled() {
        return false;
    }
    if shared.options.role == WorkerRole::OnRequest {
        claim_asked(shared).await;
        return false;
    }
    // INVARIANT: a slot for each run that may be claimed, before it is.
    let mut slots: Vec<Slot> = std::iter::from_fn(|| shared.live.slot()).take(MAX_CLAIM).collect();
    if slots.is_empty() {
        return false;
    }
    match claim_into(shared, &mut slots).await {
        Ok(claimed) => claimed == MAX_CLAIM,
        Err(error) => {
            tracing::warn!(%error, "the store could not be asked for work; it is asked again");
            false
        }
    }
}

/// Claims what this runtime was asked for and does not hold: a timer of theirs may be due.
async fn claim_asked(shared: &Arc<Shared>) {
    for (run, plan) in shared.asked.all() {
        if shared.live.get(run).is_some() {
            continue;
        }
        let claimed = match shared.row(run).await {
            Ok(row) if row.status.is_terminal() => {
                shared.asked.forget(run);
                continue;
            }
            Ok(_) => claim_one(shared, run, plan).await.map_err(RuntimeError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = claimed {
            tracing::warn!(%run, %error, "the store could not be asked for the run; it is asked again");
        }
    }
}

async fn claim_into(shared: &Arc<Shared>, slots: &mut Vec<Slot>) -> Result<usize, StoreError> {
    let ready = shared.store.ready_plans(&shared.namespace).await?;
    if ready.is_empty() {
        return Ok(0);
    }
    let mut plans = Vec::with_capacity(ready.len());
    for digest in ready {
        if bound(shared, None, digest).await.is_ok() {
            plans.push(digest);
        }
    }
    // Asked even without a plan: a run that is to be ended is given out under any.
    let ask =
        ClaimAsk { worker: shared.worker, namespace: &shared.namespace, run: None, plans: &plans, max: slots.len() };
    let claimed = shared.store.claim(ask).await?;
    let count = claimed.len();
    for (claimed, slot) in claimed.into_iter().zip(slots.drain(..)) {
        take(shared, claimed, slot).await;
    }
    Ok(count)
}

/// Claims one run under its plan, if it is ready and there is room.
pub(crate) async fn claim_one(shared: &Arc<Shared>, run: RunId, plan: Digest) -> Result<Option<Arc<Live>>, StoreError> {
    ask_for(shared, run, &[plan]).await
}

/// Claims one run that is asked to stop, whatever its plan.
pub(crate) async fn claim_to_end(shared: &Arc<Shared>, run: RunId) -> Result<Option<Arc<Live>>, StoreError> {
    ask_for(shared, run, &[]).await
}

async fn ask_for(shared: &Arc<Shared>, run: RunId, plans: &[Digest]) -> Result<Option<Arc<Live>>, StoreError> {
    let Some(slot) = shared.live.slot().filter(|_| !shared.closing.is_cancelled()) else { return Ok(None) };
    let ask = ClaimAsk { worker: shared.worker, namespace: &shared.namespace, run: Some(run), plans, max: 1 };
    match shared.store.claim(ask).await?.pop() {
        Some(claimed) => Ok(take(shared, claimed, slot).await),
        None => Ok(None),
    }
}

/// Takes a claimed run into this worker's hands.
async fn take(shared: &Arc<Shared>, claimed: Claimed, slot: Slot) -> Option<Arc<Live>> {
    let bound = match bound(shared, Some(claimed.run.run), claimed.plan).await {
        // Given out under a plan that this host cannot run: it is to be ended.
        Err(RuntimeError::RequirementsMissing(_)) => unbound(shared, claimed.run.run, claimed.plan).await,
        bound => bound,
    };
    match (bound, shared.admit()) {
        (Ok(bound), Some(_admitted)) => Some(adopt(shared, claimed, bound, slot)),
        (Ok(_), None) => {
            if let Err(error) = shared.store.release(&claimed.run, claimed.fence).await {
                tracing::warn!(run = %claimed.run.run, %error, "the lease could not be given back; it ends by itself");
            }
            None
        }
        // The lease runs out by itself: given back, the run would be claimed again at once.
        (Err(error), _) => {
            tracing::error!(run = %claimed.run.run, code = error.code(), %error, "the run's plan cannot be used");
            None
        }
    }
}

/// The plan with this host's tools; a plan that cannot be bound is told of once.
async fn bound(shared: &Shared, run: Option<RunId>, digest: Digest) -> Result<Arc<Bound>, RuntimeError> {
    let first = shared.plans.decoded(digest).is_none();
    let run = run.unwrap_or_else(|| RunId::from_bytes([0; 16]));
    let plan = shared.plan(run, digest).await?;
    let bound = shared.plans.bind(&plan);
    if let (true, Err(error)) = (first, &bound) {
        tracing::warn!(plan = %digest, %error, "runs of this plan are left to other workers");
    }
    bound.map_err(RuntimeError::RequirementsMissing)
}

async fn unbound(shared: &Shared, run: RunId, digest: Digest) -> Result<Arc<Bound>, RuntimeError> {
    let plan = shared.plan(run, digest).await?;
    let program = shared.plans.unbound(&plan).map_err(RuntimeError::RequirementsMissing)?;
    Ok(Arc::new(Bound::unbound(program)))
}
