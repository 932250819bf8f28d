//! The runs in this worker's hands.

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use kneo_core::run::RunKey;
use kneo_core::{Cancel, Fence, RunId, Seq};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use super::hub::{Hub, Watch};

/// What others tell an actor. Everything here is level-triggered: telling twice is telling once.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) key: RunKey,
    pub(crate) watch: Arc<Watch>,
    /// Cancelled when the actor is gone.
    pub(crate) gone: Cancel,
    /// The epoch of the lease; 0 until the run is held.
    fence: AtomicU64,
    /// The last record that others know of; 0 is none.
    tail: AtomicU64,
    flags: AtomicU8,
    pub(crate) notify: Notify,
    task: OnceLock<AbortHandle>,
}

/// The store hinted that the run changed, perhaps by the actor itself.
const HINTED: u8 = 1;
/// The lease is another's.
const LOST: u8 = 2;
/// The runtime goes away.
const CLOSING: u8 = 4;

impl Live {
    pub(crate) fn new(key: RunKey, hub: &Hub) -> Arc<Live> {
        let watch = hub.watch(key.run);
        watch.set_broken(None);
        Arc::new(Live {
            watch,
            key,
            gone: Cancel::new(),
            fence: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            flags: AtomicU8::new(0),
            notify: Notify::new(),
            task: OnceLock::new(),
        })
    }

    pub(crate) fn hold(&self, fence: Fence) {
        self.fence.store(fence.as_u64(), Ordering::SeqCst);
    }

    /// The epoch of the lease; `None` until the run is held.
    pub(crate) fn fence(&self) -> Option<Fence> {
        match self.fence.load(Ordering::SeqCst) {
            0 => None,
            fence => Some(Fence::new(fence)),
        }
    }

    /// Others know of records up to this one.
    pub(crate) fn behind(&self, tail: Seq) {
        if self.tail.fetch_max(tail.as_u64(), Ordering::SeqCst) < tail.as_u64() {
            self.notify.notify_one();
        }
    }

    pub(crate) fn hint(&self) {
        self.raise(HINTED);
    }

    pub(crate) fn lose(&self) {
        self.raise(LOST);
    }

    pub(crate) fn close(&self) {
        self.raise(CLOSING);
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.flags.load(Ordering::SeqCst) & LOST != 0
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.flags.load(Ordering::SeqCst) & CLOSING != 0
    }

    /// Whether there may be records after `known`; asking takes the hint back.
    pub(crate) fn take_hint(&self, known: Seq) -> bool {
        let hinted = self.flags.fetch_and(!HINTED, Ordering::SeqCst) & HINTED != 0;
        hinted || self.tail.load(Ordering::SeqCst) > known.as_u64()
    }

    fn raise(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::SeqCst);
        self.notify.notify_one();
    }

    pub(crate) fn runs_as(&self, task: AbortHandle) {
        // An actor has one task.
        let _ = self.task.set(task);
    }

    /// Drops the actor where it stands, as a crash would.
    pub(crate) fn abort(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// The runs in this worker's hands, at most so many.
#[derive(Debug)]
pub(crate) struct LiveRuns {
    runs: Mutex<HashMap<RunId, Arc<Live>>>,
    ended: Mutex<Ended>,
    slots: Arc<Semaphore>,
    /// Somebody wanted a slot and got none.
    wanted: AtomicBool,
}

/// The last runs that ended here: news of them is old news.
#[derive(Debug, Default)]
struct Ended {
    runs: HashSet<RunId>,
    order: VecDeque<RunId>,
}

/// How many ended runs are remembered; the store's hints are rarely that late, and a needless question does no harm.
const MAX_ENDED: usize = 4_096;

/// The right to hold one run.
pub(crate) type Slot = OwnedSemaphorePermit;

impl LiveRuns {
    pub(crate) fn new(max: NonZeroUsize) -> LiveRuns {
        let slots = Arc::new(Semaphore::new(max.get().min(Semaphore::MAX_PERMITS)));
        LiveRuns { runs: Mutex::default(), ended: Mutex::default(), slots, wanted: AtomicBool::new(false) }
    }

    /// A slot for one more run, if there is one.
    pub(crate) fn slot(&self) -> Option<Slot> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok();
        if slot.is_none() {
            self.wanted.store(true, Ordering::SeqCst);
        }
        slot
    }

    /// Whether somebody wanted a slot and got none since this was last asked.
    pub(crate) fn take_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn get(&self, run: RunId) -> Option<Arc<Live>> {
        lock(&self.runs).get(&run).cloned()
    }

    pub(crate) fn insert(&self, live: &Arc<Live>) {
        lock(&self.runs).insert(live.key.run, Arc::clone(live));
    }

    /// Forgets a run, unless it was claimed anew since.
    pub(crate) fn remove(&self, live: &Arc<Live>) {
        let mut runs = lock(&self.runs);
        if runs.get(&live.key.run).is_some_and(|present| Arc::ptr_eq(present, live)) {
            runs.remove(&live.key.run);
        }
    }

    /// Remembers that a run has ended here.
    pub(crate) fn end(&self, run: RunId) {
        let mut ended = lock(&self.ended);
        if ended.runs.insert(run) {
            ended.order.push_back(run);
        }
        if ended.order.len() > MAX_ENDED
            && let Some(oldest) = ended.order.pop_front()
        {
            ended.runs.remove(&oldest);
        }
    }

    /// Whether a run has ended here, lately.
    pub(crate) fn has_ended(&self, run: RunId) -> bool {
        lock(&self.ended).runs.contains(&run)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        lock(&self.runs).values().cloned().collect()
    }
}

/// Nothing panics while a lock is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
