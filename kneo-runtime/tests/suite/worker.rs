use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kneo_core::RunStatus;
use kneo_core::call::{CallContext, CallError};
use kneo_core::clock::Clock as _;
use kneo_core::plan::{Effect, Retry};
use kneo_core::store::LEASE;
use kneo_runtime::{Resume, RuntimeError, Start, typed};

use super::support::*;

#[tokio::test(start_paused = true)]
async fn of_two_workers_one_runs_a_run() {
    let harness = harness();
    let (work, calls) = counted();
    let one = build(harness.builder().function("work", Arc::clone(&work)));
    let two = build(harness.builder().function("work", work));
    let client = build(harness.builder().client_only());
    let plan = chain(3, Effect::Write);
    for _ in 0..20 {
        client.start(&plan, Start::new(int(0))).await.unwrap();
    }
    let rows = client.runs(&Default::default(), Default::default()).await.unwrap();
    assert_eq!(rows.len(), 20);
    for row in rows {
        assert_eq!(completed(&client.run(row.key.run)).await, int(3));
        assert_eq!(count(&harness.journal(row.key.run).await.unwrap(), "run_claimed"), 1);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 60);
    one.shutdown().await;
    two.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_extended_as_long_as_its_holder_lives() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", slow(300)));
    let other = build(harness.builder().function("work", slow(1)));
    let run = runtime.start(&chain(1, Effect::Write), Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(1));
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "run_claimed"), 1);
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn a_resume_names_the_holder_of_a_lease_that_is_alive() {
    let harness = harness();
    let holder = build(harness.builder().function("work", slow(300)));
    let run = holder.start(&chain(1, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    let other = build(harness.builder().function("work", slow(1)));
    let waits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&waits);
    let resume = Resume::new(run.id()).patience(Duration::from_secs(20));
    let error = other.resume(resume.on_wait(move |wait| seen.lock().unwrap().push(wait.holder))).await.unwrap_err();
    let RuntimeError::Held { holder: named, .. } = &error else { panic!("{error}") };
    assert_eq!((*named, error.code()), (holder.worker(), "run_held"));
    assert!(waits.lock().unwrap().iter().all(|worker| *worker == holder.worker()));
    assert!(!waits.lock().unwrap().is_empty());
    // Where it is held it is in good hands.
    assert_eq!(holder.resume(run.id()).await.unwrap().id(), run.id());
}

#[tokio::test(start_paused = true)]
async fn a_resume_waits_for_the_lease_of_a_dead_worker() {
    let harness = harness();
    let dead = build(harness.builder().function("work", slow(300)));
    let run = dead.start(&chain(1, Effect::Idempotent), Start::new(int(0))).await.unwrap().id();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(dead);
    let (work, _) = counted();
    let next = build(harness.builder().function("work", work));
    let before = harness.clock().now();
    let handle = next.resume(run).await.unwrap();
    assert!(harness.clock().now().since(before) <= LEASE);
    assert_eq!(completed(&handle).await, int(1));
    let error = next.resume(run).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot resume {run}: it is completed; allowed: view"));
}

#[tokio::test(start_paused = true)]
async fn a_runtime_on_request_advances_what_it_is_asked_for_and_nothing_else() {
    let harness = harness();
    let (work, calls) = counted();
    let runtime = build(harness.builder().function("work", Arc::clone(&work)).on_request());
    let client = build(harness.builder().client_only());
    let plan = chain(2, Effect::Idempotent);
    let left = client.start(&plan, Start::new(int(0))).await.unwrap();
    let own = runtime.start(&plan, Start::new(int(5))).await.unwrap();
    assert_eq!(completed(&own).await, int(7));
    // Long after any worker would have found it.
    tokio::time::sleep(LEASE * 4).await;
    assert_eq!(left.status().await.unwrap(), RunStatus::Queued);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let resumed = runtime.resume(left.id()).await.unwrap();
    assert_eq!(completed(&resumed).await, int(2));
}

#[tokio::test(start_paused = true)]
async fn a_runtime_on_request_finds_the_timers_of_its_runs() {
    let harness = harness();
    let fails_once = typed::value_function(|value, context: CallContext| async move {
        match context.attempt.as_u32() {
            1 => Err(CallError::retryable("busy", "later").with_retry_after(Duration::from_secs(45))),
            _ => Ok(value),
        }
    });
    let runtime = build(harness.builder().function("work", fails_once).on_request());
    let plan = {
        let mut plan = plan();
        let work = plan.function("work", Effect::Idempotent);
        let root = plan.scope("main", |scope| {
            let step = scope.function("step", work);
            scope.edit(step, |node| {
                let max_attempts = NonZeroU32::new(2).unwrap();
                node.policy.retry = Retry { max_attempts, jitter: false, ..Retry::default() };
            });
        });
        plan.build(root).unwrap()
    };
    let run = runtime.start(&plan, Start::new(int(3))).await.unwrap();
    assert_eq!(completed(&run).await, int(3));
    // It gave the run back for the long wait, and took it again.
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "run_claimed"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_lost_its_lease_commits_nothing_more() {
    use kneo_core::run::RunKey;
    use kneo_core::{Fence, Namespace};
    let harness = harness();
    let (waits, log) = waits();
    let runtime = build(harness.builder().function("work", waits));
    let run = runtime.start(&chain(1, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    until(|| !log.lines().is_empty()).await;
    // Somebody takes the lease away, and another worker takes the run.
    let key = RunKey::new(Namespace::default(), run.id());
    harness.store().release(&key, Fence::new(1)).await.unwrap();
    let other = build(harness.builder().function("work", inc()).poll(Duration::from_millis(1)));
    runtime.shutdown().await;
    assert_eq!(completed(&other.run(run.id())).await, int(1));
    assert_eq!(log.lines().first().map(String::as_str), Some("start 1"));
    assert_eq!(log.lines().iter().filter(|line| line.starts_with("stop")).count(), log.lines().len() / 2);
}
