use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kneo_core::call::CallContext;
use kneo_core::clock::Clock as _;
use kneo_core::plan::Effect;
use kneo_runtime::{Start, typed};

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
