//! The SQLite store under every kind of runtime, and under none.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use kneo_core::store::Store;
use kneo_store::{SqliteOptions, SqliteStore, Synchronous};
use tempfile::TempDir;

use super::kit::{Held, claim, put_plan, worker};

/// Runs a future without a runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

async fn open(folder: &TempDir) -> Arc<dyn Store> {
    let options = SqliteOptions::new().synchronous(Synchronous::Normal);
    let store = SqliteStore::open_with(folder.path().join("kneo.db"), options).await.unwrap();
    put_plan(&store).await;
    Arc::new(store)
}

/// A run of some steps, each read back.
async fn work(store: Arc<dyn Store>, steps: usize) {
    let mut held = Held::new(&*store).await;
    for step in 0..steps {
        held.append(&store, &step.to_string()).await;
    }
    assert_eq!(store.records(&held.run, None, 1_000).await.unwrap().len(), steps + 1);
    assert_eq!(store.runs(&Default::default(), Default::default()).await.unwrap().first().map(|_| ()), Some(()));
    store.release(&held.run, held.fence).await.unwrap();
    let claimed = claim(&*store, worker(), &held.run).await.unwrap();
    assert!(claimed.fence > held.fence);
}

#[test]
fn without_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async { work(open(&folder).await, 20).await });
}

#[test]
fn on_one_thread() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = open(&folder).await;
        let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(work(Arc::clone(&store), 20))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn in_a_local_set_on_many_threads() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let store = open(&folder).await;
        let tasks: Vec<_> = (0..8).map(|_| tokio::task::spawn_local(work(Arc::clone(&store), 20))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn from_threads_with_and_without_runtimes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = block_on(open(&folder));
    thread::scope(|scope| {
        for at in 0..8 {
            let store = Arc::clone(&store);
            scope.spawn(move || match at % 2 {
                0 => block_on(work(store, 20)),
                _ => tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work(store, 20)),
            });
        }
    });
}

/// Commits that were submitted are done although their runtime is shut down, and the store serves the next one.
#[test]
fn a_runtime_that_shuts_down_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = block_on(open(&folder));
    for _ in 0..20 {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let held: Vec<Held> = runtime.block_on(async {
            let mut held = Vec::new();
            for _ in 0..16 {
                held.push(Held::new(&*store).await);
            }
            held
        });
        for run in &held {
            let (store, step) = (Arc::clone(&store), run.step("last"));
            runtime.spawn(async move { store.commit(vec![step]).await });
        }
        runtime.shutdown_background();
        for mut run in held {
            let row = block_on(store.run(&run.run)).unwrap().unwrap();
            // What was never polled never happened; what was is whole.
            let records = block_on(store.records(&run.run, None, 10)).unwrap();
            assert!(records.len() as u64 >= row.tail.as_u64() && records.len() <= 2);
            let answer = block_on(super::kit::commit(&*store, run.step("next")));
            match answer {
                Ok(_) => {}
                Err(kneo_core::store::CommitError::Behind { tail }) => {
                    run.tail = tail;
                    block_on(super::kit::commit(&*store, run.step("next"))).unwrap();
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}
