//! Whether plans may run here: asked before a run starts, and before one goes on.

use std::sync::Arc;

use kneo_core::event::Event;
use kneo_core::plan::CompiledPlan;
use kneo_core::run::RunKey;
use kneo_core::seal::{Seal, SealError};
use kneo_core::store::{Page, RunQuery};

use crate::error::RuntimeError;
use crate::shared::Shared;

/// Whether runs of a plan may start: somebody vouches for it, and for no later plan of the workflow that has run.
pub(crate) async fn start(shared: &Shared, plan: &CompiledPlan) -> Result<(), RuntimeError> {
    let Some(verifier) = &shared.verifier else { return Ok(()) };
    let seal = plan.seal();
    verifier.verify(plan, seal.map(Arc::as_ref)).await.map_err(|error| refused(plan, error))?;
    let Some(sequence) = seal.map(|seal| seal.claim().sequence) else { return Ok(()) };
    let mut query = RunQuery::new(shared.namespace.clone());
    query.workflow = Some(plan.plan().name.clone());
    let newest = shared.store.runs(&query, Page { offset: 0, limit: 1 }).await?;
    let newest = match newest.first() {
        Some(row) => seal_of(shared, &row.key).await?,
        None => None,
    };
    match newest.map(|seal| seal.claim().sequence) {
        Some(least) if sequence < least => Err(refused(plan, SealError::RolledBack { sequence, least })),
        _ => Ok(()),
    }
}

/// Whether a run may go on under the seal that it started with.
pub(crate) async fn go_on(shared: &Shared, plan: &CompiledPlan, seal: Option<&Seal>) -> Result<(), RuntimeError> {
    match &shared.verifier {
        Some(verifier) => verifier.verify(plan, seal).await.map_err(|error| refused(plan, error)),
        None => Ok(()),
    }
}

/// The seal that a run started with.
pub(crate) async fn seal_of(shared: &Shared, run: &RunKey) -> Result<Option<Arc<Seal>>, RuntimeError> {
    let first = shared.store.records(run, None, 1).await?;
    Ok(first.first().and_then(|first| match first.record.event() {
        Event::RunStarted(start) => start.seal.clone(),
        _ => None,
    }))
}

fn refused(plan: &CompiledPlan, error: SealError) -> RuntimeError {
    RuntimeError::PlanUnverified { workflow: plan.plan().name.clone(), error }
}
