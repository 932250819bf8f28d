//! Hints to subscribers in this process that runs changed.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
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

#[derive(Debug, Default)]
struct Inbox(Mutex<Waiting>);

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

    /// Tells that a run changed.
    pub(crate) fn tell(&self, run: &RunKey) {
        if !self.any() {
            return;
        }
        for inbox in lock(&self.inboxes).iter() {
            inbox.put(run);
        }
    }

    /// Ends every subscription: the store goes away.
    pub(crate) fn close(&self) {
        for inbox in lock(&self.inboxes).drain(..) {
            let mut waiting = lock(&inbox.0);
            waiting.over = true;
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
    }

    /// Subscribes to what changes from now on.
    pub(crate) fn subscribe(self: &Arc<Hints>) -> Pin<Box<dyn Stream<Item = Wakeup> + Send>> {
        let inbox = Arc::new(Inbox::default());
        let mut inboxes = lock(&self.inboxes);
        inboxes.push(Arc::clone(&inbox));
        self.subscribers.store(inboxes.len(), Ordering::Release);
        Box::pin(Subscription { hints: Arc::clone(self), inbox })
    }
}

impl Inbox {
    fn put(&self, run: &RunKey) {
        let mut waiting = lock(&self.0);
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
        let mut waiting = lock(&self.inbox.0);
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

    fn next(stream: &mut Pin<Box<dyn Stream<Item = Wakeup> + Send>>) -> Poll<Option<RunKey>> {
        let mut context = Context::from_waker(Waker::noop());
        stream.as_mut().poll_next(&mut context).map(|hint| hint.map(|hint| hint.run))
    }

    #[test]
    fn a_slow_subscriber_is_told_of_each_run_once() {
        let hints = Arc::new(Hints::default());
        hints.tell(&run(9));
        let mut stream = hints.subscribe();
        for _ in 0..1_000 {
            hints.tell(&run(1));
            hints.tell(&run(2));
        }
        assert_eq!(next(&mut stream), Poll::Ready(Some(run(1))));
        assert_eq!(next(&mut stream), Poll::Ready(Some(run(2))));
        assert_eq!(next(&mut stream), Poll::Pending);
        hints.tell(&run(1));
        assert_eq!(next(&mut stream), Poll::Ready(Some(run(1))));
    }

    #[test]
    fn subscriptions_end_with_the_subscriber_and_with_the_store() {
        let hints = Arc::new(Hints::default());
        drop(hints.subscribe());
        assert!(!hints.any());
        let mut stream = hints.subscribe();
        hints.tell(&run(1));
        hints.close();
        assert_eq!(next(&mut stream), Poll::Ready(Some(run(1))));
        assert_eq!(next(&mut stream), Poll::Ready(None));
    }
}
