use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kneo_core::call::CallContext;
use kneo_core::clock::Clock as _;
use kneo_core::plan::Effect;
use kneo_core::run::{IdempotencyKey, RunKey};
use kneo_core::store::Store;
use kneo_core::{Namespace, Path};
use kneo_runtime::system::SystemClock;
use kneo_runtime::{Runtime, Start, typed};
use kneo_store::MemoryStore;

use super::support::*;

#[tokio::test(start_paused = true)]
async fn a_shutdown_leaves_nothing_and_the_next_worker_goes_on_at_once() {
    let (waits, log) = waits();
    let harness = harness();
    let runtime = build(harness.builder().function("work", waits));
    let run = runtime.start(&chain(2, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    until(|| !log.lines().is_empty()).await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert!(tasks > 0);
    let before = harness.clock().now();
    runtime.shutdown().await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    assert_eq!(log.lines(), ["start 1", "stop 1"]);
    assert_eq!(runtime.start(&chain(1, Effect::Read), Start::new(int(0))).await.unwrap_err().code(), "shutting_down");
    assert_eq!(runtime.resume(run.id()).await.unwrap_err().code(), "shutting_down");

    let next = build(harness.builder().function("work", inc()));
    assert_eq!(completed(&next.run(run.id())).await, int(2));
    // No lease was waited for.
    assert_eq!(harness.clock().now(), before);
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!((count(&journal, "effect_lost"), count(&journal, "effect_cancelled")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finishes_in_the_grace_is_not_run_again() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let finishes = typed::value_function(move |value, context: CallContext| {
        let calls = Arc::clone(&counted);
        async move {
            if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                context.cancel.cancelled().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(int(value.as_i64().unwrap() + 1))
        }
    });
    let harness = harness();
    let runtime = build(harness.builder().function("work", Arc::clone(&finishes)));
    let run = runtime.start(&chain(2, Effect::Write), Start::new(int(0))).await.unwrap();
    until(|| calls.load(Ordering::SeqCst) == 1).await;
    runtime.shutdown().await;
    let next = build(harness.builder().function("work", finishes));
    assert_eq!(completed(&next.run(run.id())).await, int(2));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "effect_lost"), 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_runtime_leaves_no_task() {
    let (waits, log) = waits();
    let harness = harness();
    let runtime = build(harness.builder().function("work", waits));
    let run = runtime.start(&chain(1, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    until(|| !log.lines().is_empty()).await;
    drop(runtime);
    tokio::task::yield_now().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    // Dropped, not told: as in a crash.
    assert_eq!(log.lines(), ["start 1"]);
    assert_eq!(run.status().await.unwrap().as_str(), "running");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_at_any_moment_of_claiming_leaves_nothing() {
    for moments in 0..40 {
        let harness = harness();
        let client = build(harness.builder().client_only());
        for _ in 0..50 {
            client.start(&chain(2, Effect::Idempotent), Start::new(int(0))).await.unwrap();
        }
        client.shutdown().await;
        let worker = build(harness.builder().function("work", slow(1)));
        for _ in 0..moments {
            tokio::task::yield_now().await;
        }
        worker.shutdown().await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
        let rows = client.runs(&Default::default(), Default::default()).await.unwrap();
        assert!(rows.iter().all(|row| row.holder.is_none()), "after {moments} moments");
    }
}

/// Two workers on real threads, one of which goes away in the middle of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_workers_and_a_shutdown_lose_and_repeat_nothing() {
    const RUNS: usize = 200;
    let calls: Arc<Mutex<HashMap<String, u32>>> = Arc::default();
    let counted = Arc::clone(&calls);
    let work = typed::value_function(move |value, context: CallContext| {
        *counted.lock().unwrap().entry(context.key().to_string()).or_default() += 1;
        async move {
            tokio::task::yield_now().await;
            Ok(int(value.as_i64().unwrap() + 1))
        }
    });
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let host = || Runtime::builder().store(Arc::clone(&store)).function("work", Arc::clone(&work));
    let (first, second) = (build(host()), build(host()));
    let plan = chain(10, Effect::Idempotent);
    let mut runs = Vec::new();
    for at in 0..RUNS {
        if at == RUNS / 2 {
            let first = first.clone();
            tokio::spawn(async move { first.shutdown().await });
        }
        let runtime = if at % 2 == 0 { &first } else { &second };
        match runtime.start(&plan, Start::new(int(0))).await {
            Ok(run) => runs.push(run.id()),
            Err(error) => assert_eq!((error.code(), at % 2), ("shutting_down", 0)),
        }
    }
    assert!(runs.len() >= RUNS * 3 / 4);
    for run in runs {
        assert_eq!(completed(&second.run(run)).await, int(10));
        let key = RunKey::new(Namespace::default(), run);
        let journal = store.records(&key, None, usize::MAX).await.unwrap();
        let calls = calls.lock().unwrap();
        for step in 0..10 {
            let path: Path = format!("{step}#1").parse().unwrap();
            let lost = journal
                .iter()
                .filter(|stored| stored.record.path() == &path && stored.record.event().kind() == "effect_lost");
            let called = calls.get(IdempotencyKey::of(run, &path).as_str()).copied().unwrap_or(0);
            assert!(called >= 1 && called as usize <= 1 + lost.count(), "{path} was called {called} times");
        }
    }
    second.shutdown().await;
}
