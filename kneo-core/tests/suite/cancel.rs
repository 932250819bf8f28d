//! A token under many threads: nobody who waits is forgotten, and no child is missed.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use kneo_core::Cancel;

/// Far longer than any of these tests takes; a test that needs it has failed.
const HANG: Duration = Duration::from_secs(60);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

fn poll_once(future: impl Future) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Runs a test on a thread of its own, so that one that hangs fails.
fn ends(test: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let running = thread::Builder::new().spawn(move || {
        test();
        let _ = done.send(());
    });
    let running = running.unwrap();
    assert_ne!(wait.recv_timeout(HANG), Err(mpsc::RecvTimeoutError::Timeout), "a waiter was never woken");
    running.join().unwrap();
}

#[test]
fn every_waiter_is_woken_whenever_it_begins_to_wait() {
    ends(|| {
        for _ in 0..2_000 {
            let root = Cancel::new();
            let start = Barrier::new(4);
            thread::scope(|scope| {
                for depth in 0..3 {
                    let (root, start) = (&root, &start);
                    scope.spawn(move || {
                        let token = (0..depth).fold(root.clone(), |token, _| token.child());
                        start.wait();
                        block_on(token.cancelled());
                        assert!(token.is_cancelled());
                    });
                }
                start.wait();
                root.cancel();
            });
        }
    });
}

#[test]
fn no_child_escapes_a_cancellation_that_races_its_birth() {
    ends(|| {
        for _ in 0..500 {
            let root = Cancel::new();
            let start = Barrier::new(4);
            let born: Vec<Cancel> = thread::scope(|scope| {
                let threads: Vec<_> = (0..3)
                    .map(|_| {
                        let (root, start) = (&root, &start);
                        scope.spawn(move || {
                            start.wait();
                            let mut born = Vec::new();
                            while born.len() < 200 {
                                let child = root.child();
                                born.push(child.child());
                                born.push(child);
                            }
                            born
                        })
                    })
                    .collect();
                start.wait();
                root.cancel();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            assert!(born.iter().all(Cancel::is_cancelled), "of {} children", born.len());
        }
    });
}

#[test]
fn waits_that_are_dropped_while_others_are_woken_do_no_harm() {
    ends(|| {
        for _ in 0..1_000 {
            let root = Cancel::new();
            let start = Barrier::new(4);
            let woken = AtomicUsize::new(0);
            thread::scope(|scope| {
                for thread in 0..3 {
                    let (root, start, woken) = (&root, &start, &woken);
                    scope.spawn(move || {
                        start.wait();
                        for _ in 0..20 {
                            poll_once(root.cancelled());
                        }
                        if thread == 0 {
                            block_on(root.cancelled());
                            woken.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                }
                start.wait();
                root.cancel();
            });
            assert_eq!(woken.load(Ordering::SeqCst), 1);
        }
    });
}

#[test]
fn a_waker_may_use_the_token_that_wakes_it() {
    struct Uses(Cancel);
    impl Wake for Uses {
        fn wake(self: Arc<Self>) {
            assert!(self.0.is_cancelled() && self.0.child().is_cancelled());
            assert!(poll_once(self.0.cancelled()));
            self.0.cancel();
        }
    }
    ends(|| {
        let token = Cancel::new();
        let mut waiting = Box::pin(token.cancelled());
        let waker = Waker::from(Arc::new(Uses(token.clone())));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        token.cancel();
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    });
}

#[test]
fn cancellation_passes_through_tokens_that_nobody_has_any_more() {
    let root = Cancel::new();
    let grandchild = root.child().child();
    root.cancel();
    assert!(grandchild.is_cancelled());
}

#[test]
fn a_deep_tree_is_cancelled_and_dropped_without_a_deep_stack() {
    ends(|| {
        let root = Cancel::new();
        let deepest = (0..200_000).fold(root.clone(), |token, _| token.child());
        root.cancel();
        assert!(deepest.is_cancelled());
        drop(root);
        drop(deepest);
    });
}
