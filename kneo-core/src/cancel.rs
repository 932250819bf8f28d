//! Cooperative cancellation without an async runtime.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// A token that tells work to stop.
///
/// Tokens form a tree: cancelling one cancels its descendants and never its ancestors. Cancellation is level-triggered
/// and final: a child of a cancelled token is born cancelled. Clones are the same token.
#[derive(Clone)]
pub struct Cancel(Arc<Node>);

struct Node {
    cancelled: AtomicBool,
    inner: Mutex<Inner>,
    // A token lives as long as its descendants: cancellation reaches them through it, whoever still has it.
    parent: Option<Arc<Node>>,
}

#[derive(Default)]
struct Inner {
    children: Vec<Weak<Node>>,
    waiting: Vec<(u64, Waker)>,
    next_key: u64,
}

impl Cancel {
    /// Makes a token without a parent.
    #[must_use]
    pub fn new() -> Cancel {
        Cancel::below(None)
    }

    fn below(parent: Option<Arc<Node>>) -> Cancel {
        Cancel(Arc::new(Node { cancelled: AtomicBool::new(false), inner: Mutex::default(), parent }))
    }

    /// Makes a token that is cancelled with this one and may be cancelled alone.
    #[must_use]
    pub fn child(&self) -> Cancel {
        let child = Cancel::below(Some(Arc::clone(&self.0)));
        let mut inner = self.0.lock();
        // Read under the lock that `cancel` takes after setting the flag: a child is told or is in the list.
        if self.is_cancelled() {
            drop(inner);
            child.cancel();
            return child;
        }
        if inner.children.len() == inner.children.capacity() {
            // Amortised: forgets the children that are gone each time the list would grow.
            inner.children.retain(|child| child.strong_count() > 0);
        }
        inner.children.push(Arc::downgrade(&child.0));
        child
    }

    /// Cancels this token and its descendants.
    pub fn cancel(&self) {
        let mut pending = vec![Arc::clone(&self.0)];
        while let Some(node) = pending.pop() {
            node.cancelled.store(true, Ordering::SeqCst);
            let (children, waiting) = {
                let mut inner = node.lock();
                (std::mem::take(&mut inner.children), std::mem::take(&mut inner.waiting))
            };
            waiting.into_iter().for_each(|(_, waker)| waker.wake());
            pending.extend(children.into_iter().filter_map(|child| child.upgrade()));
        }
    }

    /// Whether the token is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Waits until the token is cancelled.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait and nothing else.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled { node: Arc::clone(&self.0), key: None }
    }
}

impl Node {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing can panic while the lock is held; a poisoned list is still whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a long line of ancestors go one by one: each would otherwise be dropped inside the one before.
impl Drop for Node {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut node) = parent.and_then(Arc::into_inner) {
            parent = node.parent.take();
        }
    }
}

impl Default for Cancel {
    fn default() -> Cancel {
        Cancel::new()
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancel({})", self.is_cancelled())
    }
}

/// The future of [`Cancel::cancelled`].
pub struct Cancelled {
    node: Arc<Node>,
    key: Option<u64>,
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let node = Arc::clone(&self.node);
        let mut inner = node.lock();
        if node.cancelled.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        match self.key.and_then(|key| inner.waiting.iter_mut().find(|(k, _)| *k == key)) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => {
                let key = inner.next_key;
                inner.next_key = key.wrapping_add(1);
                inner.waiting.push((key, cx.waker().clone()));
                self.key = Some(key);
            }
        }
        Poll::Pending
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.lock().waiting.retain(|(k, _)| *k != key);
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cancelled")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancellation_goes_down_and_never_up() {
        let root = Cancel::new();
        let run = root.child();
        let step = run.child();
        run.cancel();
        assert!(step.is_cancelled() && run.is_cancelled() && !root.is_cancelled());
        assert!(run.child().is_cancelled());
        assert!(!root.child().is_cancelled());
    }

    #[test]
    fn a_waiting_future_is_woken_once_and_forgotten_when_dropped() {
        let root = Cancel::new();
        let mut waiting = Box::pin(root.child().cancelled());
        let waker = Waker::noop();
        let mut cx = Context::from_waker(waker);
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        let token = Cancel(Arc::clone(&waiting.node));
        assert_eq!(token.0.lock().waiting.len(), 1);
        drop(waiting);
        assert_eq!(token.0.lock().waiting.len(), 0);
        root.cancel();
        let mut late = Box::pin(token.cancelled());
        assert!(late.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn dropped_children_do_not_pile_up() {
        let root = Cancel::new();
        for _ in 0..10_000 {
            drop(root.child());
        }
        assert!(root.0.lock().children.len() < 64);
    }
}
