//! The runs that a runtime was asked for, for one that advances no others.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kneo_core::{Digest, RunId};

/// The runs that this runtime started, resumed or decided, with their plans, until they end.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<BTreeMap<RunId, Digest>>);

impl Asked {
    pub(crate) fn add(&self, run: RunId, plan: Digest) {
        self.runs().insert(run, plan);
    }

    pub(crate) fn forget(&self, run: RunId) {
        self.runs().remove(&run);
    }

    pub(crate) fn all(&self) -> Vec<(RunId, Digest)> {
        self.runs().iter().map(|(run, plan)| (*run, *plan)).collect()
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Digest>> {
        // Nothing panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
