//! Hints to subscribers in this process that runs changed.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use kneo_core::WorkerId;
use kneo_core::commit::{Author, Commit, LeaseChange};
use kneo_core::run::RunKey;
use kneo_core::store::Wakeup;

/// Tells every subscriber which runs changed.
///
/// A subscriber that lags behind is told of each changed run once, however often it changed meanwhile, so what waits
/// for it is bounded by the number of runs.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    inboxes: Mutex<Vec<Arc<Inbox>>>,
    /// The number of inboxes, so that telling nobody costs one load.
    subscribers: AtomicUsize,
}

#[derive(Debug)]
struct Inbox {
    /// Whose inbox it is: it is not told of its own commits.
    worker: WorkerId,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<RunKey>,
    known: HashSet<RunKey>,
    waker: Option<Waker>,
    /// No more hints will come.
    over: bool,
}

/// The end of a subscriber.
#[derive(Debug)]
struct Subscription {
    hints: Arc<Hints>,
    inbox: Arc<Inbox>,
}

impl Hints {
    /// Whether anybody listens.
    pub(crate) fn any(&self) -> bool {
        self.subscribers.load(Ordering::Acquire) > 0
    }

    /// Tells that a run changed, by a worker or by somebody outside.
    pub(crate) fn tell(&self, run: &RunKey, by: Option<WorkerId>) {
        if !self.any() {
            return;
        }
        for inbox in lock(&self.inboxes).iter().filter(|inbox| by != Some(inbox.worker)) {
            inbox.put(run);
        }
    }

    /// Tells that a commit was made.
    pub(crate) fn tell_of(&self, commit: &Commit) {
        let by = match (commit.author(), commit.lease()) {
            (Author::Holder { worker, .. }, _) | (Author::Creator, LeaseChange::Take { worker }) => Some(worker),
            (Author::Creator, LeaseChange::Keep | LeaseChange::Release) | (Author::External, _) => None,
        };
        self.tell(commit.run(), by);
    }

    /// Ends every subscription: the store goes away.
    pub(crate) fn close(&self) {
        for inbox in lock(&self.inboxes).drain(..) {
            let mut waiting = lock(&inbox.waiting);
            waiting.over = true;
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
    }

    /// Subscribes to what changes from now on.
    pub(crate) fn subscribe(self: &Arc<Hints>, worker: WorkerId) -> Pin<Box<dyn Stream<Item = Wakeup> + Send>> {
        let inbox = Arc::new(Inbox { worker, waiting: Mutex::default() });
        let mut inboxes = lock(&self.inboxes);
        inboxes.push(Arc::clone(&inbox));
        self.subscribers.store(inboxes.len(), Ordering::Release);
        Box::pin(Subscription { hints: Arc::clone(self), inbox })
    }
}

impl Inbox {
    fn put(&self, run: &RunKey) {
        let mut waiting = lock(&self.waiting);
        if waiting.known.contains(run) {
            return;
        }
        waiting.known.insert(run.clone());
        waiting.order.push_back(run.clone());
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }
}

impl Stream for Subscription {
    type Item = Wakeup;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Wakeup>> {
        let mut waiting = lock(&self.inbox.waiting);
        if let Some(run) = waiting.order.pop_front() {
            waiting.known.remove(&run);
            return Poll::Ready(Some(Wakeup { run }));
        }
        if waiting.over {
            return Poll::Ready(None);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut inboxes = lock(&self.hints.inboxes);
        inboxes.retain(|inbox| !Arc::ptr_eq(inbox, &self.inbox));
        self.hints.subscribers.store(inboxes.len(), Ordering::Release);
    }
}

/// A panic while a lock was held left the queues whole: no method leaves one half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use kneo_core::{Namespace, RunId};

    use super::*;

    fn run(n: u8) -> RunKey {
        RunKey::new(Namespace::default(), RunId::from_bytes([n; 16]))
    }

    fn worker(n: u8) -> WorkerId {
        WorkerId::from_bytes([n; 16])
    }

    fn next(stream: &mut Pin<Box<dyn Stream<Item = Wakeup> + Send>>) -> Poll<Option<RunKey>> {
        let mut context = Context::from_waker(Waker::noop());
        stream.as_mut().poll_next(&mut context).map(|hint| hint.map(|hint| hint.run))
    }

    #[test]
    fn a_slow_subscriber_is_told_of_each_run_once() {
        let hints = Arc::new(Hints::default());
        hints.tell(&run(9), None);
        let mut stream = hints.subscribe(worker(1));
        for _ in 0..1_000 {
            hints.tell(&run(1), None);
            hints.tell(&run(2), None);
        }
        assert_eq!(next(&mut stream), Poll::Ready(Some(run(1))));
        assert_eq!(next(&mut stream), Poll::Ready(Some(run(2))));
        assert_eq!(next(&mut stream), Poll::Pending);
        hints.tell(&run(1), None);
        assert_eq!(next(&mut stream), Poll::Ready(Some(run(1))));
    }

    #[test]
    fn a_worker_is_not_told_of_what_it_did_itself() {
        let hints = Arc::new(Hints::default());
        let (mut one, mut other) = (hints.subscribe(worker(1)), hints.subscribe(worker(2)));
        hints.tell(&run(5), Some(worker(1)));
        assert_eq!(next(&mut one), Poll::Pending);
        assert_eq!(next(&mut other), Poll::Ready(Some(run(5))));
    }

    #[test]
    fn subscriptions_end_with_the_subscriber_and_with_the_store() {
        let hints = Arc::new(Hints::default());
        drop(hints.subscribe(worker(1)));
        assert!(!hints.any());
        let mut stream = hints.subscribe(worker(1));
        hints.tell(&run(1), None);
        hints.close();
        assert_eq!(next(&mut stream), Poll::Ready(Some(run(1))));
        assert_eq!(next(&mut stream), Poll::Ready(None));
    }
}
