//! Whether plans may run here: asked before a run starts, and before one goes on.

use std::sync::Arc;

use kneo_core::commit::{Commit, InvalidCommit};
use kneo_core::event::Event;
use kneo_core::plan::CompiledPlan;
use kneo_core::run::RunKey;
use kneo_core::seal::{MAX_SEQUENCE, Seal, SealError, Vouched};

use crate::error::RuntimeError;
use crate::shared::Shared;

/// Whether somebody vouches for a plan, so that runs of it may start, and how.
///
/// That no later plan has started is for the store to see to, in the commit that makes the run: see [`floored`].
pub(crate) async fn start(shared: &Shared, plan: &CompiledPlan) -> Result<Vouched, RuntimeError> {
    let Some(verifier) = &shared.verifier else { return Ok(Vouched::Otherwise) };
    let seal = plan.seal().map(Arc::as_ref);
    let vouched = verifier.verify(plan, seal).await.map_err(|error| refused(plan, error))?;
    if vouched == Vouched::BySeal {
        counts(plan, seal).map_err(|error| refused(plan, error))?;
    }
    Ok(vouched)
}

/// Whether a seal that a verifier says to have verified can have been: it raises a floor for all who start plans here.
fn counts(plan: &CompiledPlan, seal: Option<&Seal>) -> Result<(), SealError> {
    let seal = seal.ok_or(SealError::Missing)?;
    seal.is_of(plan)?;
    match seal.claim().sequence {
        0..=MAX_SEQUENCE => Ok(()),
        _ => Err(SealError::Sequence),
    }
}

/// The commit of a start, which raises the floor if the seal was verified.
pub(crate) fn floored(commit: Commit, vouched: Vouched) -> Result<Commit, InvalidCommit> {
    match vouched {
        Vouched::BySeal => commit.with_floor(),
        Vouched::Otherwise => Ok(commit),
    }
}

/// Whether a start would be admitted as things are: what [`start`] asks, and the floor.
pub(crate) async fn preflight(shared: &Shared, plan: &CompiledPlan) -> Result<(), RuntimeError> {
    let (Vouched::BySeal, Some(seal)) = (start(shared, plan).await?, plan.seal()) else { return Ok(()) };
    let claim = seal.claim();
    match shared.store.floor(&shared.namespace, &claim.workflow, claim.environment.as_ref()).await? {
        Some(least) if claim.sequence < least => Err(rolled_back(plan, claim.sequence, least)),
        _ => Ok(()),
    }
}

/// A later plan has started.
pub(crate) fn rolled_back(plan: &CompiledPlan, sequence: u64, least: u64) -> RuntimeError {
    refused(plan, SealError::RolledBack { sequence, least })
}

/// Whether a run may go on under the seal that it started with.
pub(crate) async fn go_on(shared: &Shared, plan: &CompiledPlan, seal: Option<&Seal>) -> Result<(), RuntimeError> {
    match &shared.verifier {
        Some(verifier) => verifier.verify(plan, seal).await.map(|_: Vouched| ()).map_err(|error| refused(plan, error)),
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
