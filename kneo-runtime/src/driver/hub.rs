//! Who waits for news of which run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use kneo_core::{RunId, RunOutcome};
use tokio::sync::Notify;

use crate::error::RuntimeError;

/// The news of one run. Hints, but for the end: whoever waits looks at the store, before and after.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// There may be new records.
    pub(crate) changed: Notify,
    /// The run may have ended, parked or been left.
    pub(crate) settled: Notify,
    /// How the run ended, once that is durable: known only where it ended.
    pub(crate) ended: OnceLock<RunOutcome>,
    /// Why the run could not go on here, since its last actor left for good.
    broken: Mutex<Option<RuntimeError>>,
}

impl Watch {
    /// The run is in an actor's hands, or cannot go on here.
    pub(crate) fn set_broken(&self, why: Option<RuntimeError>) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Why the run cannot go on here.
    pub(crate) fn broken(&self) -> Option<RuntimeError> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The watches of all runs that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Hub(Mutex<HashMap<RunId, Weak<Watch>>>);

impl Hub {
    /// The run's watch; forgotten when the last holder drops it.
    pub(crate) fn watch(&self, run: RunId) -> Arc<Watch> {
        let mut watches = self.lock();
        if let Some(watch) = watches.get(&run).and_then(Weak::upgrade) {
            return watch;
        }
        if watches.len() == watches.capacity() {
            // Amortised: forgets the watches that are gone each time the map would grow.
            watches.retain(|_, watch| watch.strong_count() > 0);
        }
        let watch = Arc::new(Watch::default());
        watches.insert(run, Arc::downgrade(&watch));
        watch
    }

    pub(crate) fn changed(&self, run: RunId) {
        if let Some(watch) = self.find(run) {
            watch.changed.notify_waiters();
        }
    }

    pub(crate) fn settled(&self, run: RunId) {
        if let Some(watch) = self.find(run) {
            watch.settled.notify_waiters();
        }
    }

    fn find(&self, run: RunId) -> Option<Arc<Watch>> {
        self.lock().get(&run).and_then(Weak::upgrade)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Weak<Watch>>> {
        // Nothing panics while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
