use std::sync::Arc;

use kneo_core::plan::CompiledPlan;
use kneo_core::record::Stored;
use kneo_core::run::RunKey;
use kneo_core::store::{Store, StoreError};
use kneo_core::{Namespace, RunId, Value};

use super::{SeededEntropy, VirtualClock};
use crate::shared::RECORDS_PER_READ;
use crate::{BuildError, Outcome, Runtime, RuntimeBuilder, RuntimeError, Start};

/// A store in virtual time, and runtimes that work on it.
///
/// The harness is made inside a paused tokio runtime. Dropping a runtime that it gave is a crash of that worker, and
/// the next one goes on.
#[derive(Debug)]
pub struct Harness {
    clock: Arc<VirtualClock>,
    entropy: Arc<SeededEntropy>,
    store: Arc<dyn Store>,
}

impl Harness {
    /// A harness on the store that `make` gives; the store must tell time by the clock that it gets.
    pub fn new(make: impl FnOnce(Arc<VirtualClock>) -> Arc<dyn Store>) -> Harness {
        let clock = Arc::new(VirtualClock::default());
        Harness { store: make(Arc::clone(&clock)), clock, entropy: Arc::new(SeededEntropy::new(1)) }
    }

    /// The clock of the store and of every runtime.
    #[must_use]
    pub fn clock(&self) -> &Arc<VirtualClock> {
        &self.clock
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Begins a runtime on the store, in virtual time.
    #[must_use]
    pub fn builder(&self) -> RuntimeBuilder {
        let builder = Runtime::builder().store(Arc::clone(&self.store));
        builder.clock(Arc::clone(&self.clock) as _).entropy(Arc::clone(&self.entropy) as _)
    }

    /// Runs a plan to where there is nothing more to wait for, in a runtime of its own.
    ///
    /// # Errors
    /// The start is refused or the store fails.
    pub async fn run(
        &self,
        builder: RuntimeBuilder,
        plan: &Arc<CompiledPlan>,
        input: impl Into<Value>,
    ) -> Result<Finished, HarnessError> {
        let runtime = builder.build()?;
        let handle = runtime.start(plan, Start::new(input)).await?;
        let outcome = handle.wait().await?;
        runtime.shutdown().await;
        Ok(Finished { run: handle.id(), outcome })
    }

    /// The journal of a run.
    ///
    /// # Errors
    /// The store fails.
    pub async fn journal(&self, run: RunId) -> Result<Vec<Stored>, StoreError> {
        let key = RunKey::new(Namespace::default(), run);
        let mut all: Vec<Stored> = Vec::new();
        loop {
            let page = self.store.records(&key, all.last().map(|last| last.seq), RECORDS_PER_READ).await?;
            let whole = page.len() < RECORDS_PER_READ;
            all.extend(page);
            if whole {
                return Ok(all);
            }
        }
    }
}

/// What a run in a [`Harness`] came to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finished {
    /// The run.
    pub run: RunId,
    /// What it came to.
    pub outcome: Outcome,
}

/// Why a run in a [`Harness`] came to nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HarnessError {
    /// The runtime cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The run cannot be started or looked at.
    #[error(transparent)]
    Run(#[from] RuntimeError),
}
