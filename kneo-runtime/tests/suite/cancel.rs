use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::Actor;
use kneo_core::call::CallError;
use kneo_core::clock::Clock as _;
use kneo_core::expr::ValueTemplate;
use kneo_core::plan::{Effect, NodeKind, RequestType, Retry};
use kneo_runtime::testkit::Harness;
use kneo_runtime::{Cancelled, Outcome, RuntimeError, Start, typed};
use kneo_store::MemoryStore;
use kneo_store::fault::{Call, Fault, FaultyStore, Op};

use super::support::*;

#[tokio::test(start_paused = true)]
async fn a_queued_run_is_ended_at_once_by_whoever_cancels() {
    let harness = harness();
    let client = build(harness.builder().client_only());
    let run = client.start(&chain(1, Effect::Read), Start::new(int(0))).await.unwrap();
    let cancelled = client.cancel(run.id(), "not needed", ana()).await.unwrap();
    assert_eq!(cancelled, Cancelled::Cancelled);
    assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "effect_intended"), 0);

    let error = client.cancel(run.id(), "again", ana()).await.unwrap_err();
    assert_eq!(error.code(), "invalid_state");
    assert_eq!(error.to_string(), format!("cannot cancel {}: it is cancelled; allowed: view", run.id()));
    let unknown = "run_0198f2a7c0de7f00a1b2c3d4e5f60718".parse().unwrap();
    assert_eq!(client.cancel(unknown, "?", ana()).await.unwrap_err().code(), "run_not_found");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_is_told_and_the_run_ends_without_delay() {
    let (waits, log) = waits();
    let harness = harness();
    let runtime = build(harness.builder().function("work", waits));
    let run = runtime.start(&chain(2, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    until(|| log.lines().len() == 1).await;
    let before = harness.clock().now();
    let asked = runtime.cancel(run.id(), "enough", ana()).await.unwrap();
    assert_eq!(asked, Cancelled::Requested);
    assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
    assert_eq!(log.lines(), ["start 1", "stop 1"]);
    assert_eq!(harness.clock().now(), before);
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!(count(&journal, "effect_cancelled"), 1);
    assert_eq!(count(&journal, "effect_intended"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_no_hint_reaches_is_told_by_its_next_poll() {
    let (waits, log) = waits();
    let harness = Harness::new(|clock| {
        let deaf = |call: Call| if call.op == Op::Wakeups { Fault::Refuse } else { Fault::None };
        Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(clock)), deaf))
    });
    let poll = Duration::from_millis(700);
    let holder = build(harness.builder().function("work", waits).poll(poll));
    let run = holder.start(&chain(2, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    until(|| log.lines().len() == 1).await;
    let elsewhere = build(harness.builder().client_only());
    let before = harness.clock().now();
    assert_eq!(elsewhere.cancel(run.id(), "enough", ana()).await.unwrap(), Cancelled::Requested);
    until(|| log.lines().len() == 2).await;
    let took = harness.clock().now().since(before);
    assert!(took <= poll + Duration::from_millis(2), "{took:?}: timers, and the test's own look, round up");
    assert_eq!(elsewhere.run(run.id()).wait().await.unwrap(), Outcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn work_that_was_finished_when_told_stays_recorded() {
    let finishes = typed::value_function(|_, context: kneo_core::call::CallContext| async move {
        context.cancel.cancelled().await;
        Ok(int(42))
    });
    let harness = harness();
    let runtime = build(harness.builder().function("work", finishes));
    let run = runtime.start(&chain(2, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    runtime.cancel(run.id(), "enough", Actor::Host).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!(count(&journal, "effect_succeeded"), 1);
    assert_eq!(count(&journal, "effect_intended"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_run_is_ended_and_its_question_withdrawn() {
    let mut plan = plan();
    let human = plan.human("editor", RequestType::Approval);
    let root = plan.scope("main", |scope| {
        scope.human("gate", human);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder());
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    let task = blocked(&run).await.remove(0);
    // The worker's own claims and the canceller race for it; one of them ends the run.
    runtime.cancel(run.id(), "enough", ana()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
    let error = runtime.decide(task.task, kneo_core::task::Decision::approve(), ana()).await.unwrap_err();
    assert!(matches!(error, RuntimeError::InvalidState { .. }), "{error}");
    assert_eq!(runtime.task(task.task).await.unwrap().state.as_str(), "withdrawn");
}

#[tokio::test(start_paused = true)]
async fn a_run_between_attempts_is_ended() {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        let step = scope.function("step", work);
        scope.edit(step, |node| {
            let max_attempts = NonZeroU32::new(9).unwrap();
            node.policy.retry = Retry { max_attempts, jitter: false, initial_ms: 20_000, ..Retry::default() };
        });
    });
    let plan = plan.build(root).unwrap();
    let fails = typed::value_function(|_, _| async { Err(CallError::retryable("flaky", "again")) });
    let harness = harness();
    let runtime = build(harness.builder().function("work", fails));
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = harness.clock().now();
    runtime.cancel(run.id(), "enough", ana()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
    assert_eq!(harness.clock().now(), before);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_computes_for_ever_can_be_cancelled() {
    let mut plan = plan();
    let root = plan.scope("main", |scope| {
        let set = NodeKind::Set(vec![(name("n"), ValueTemplate::Literal(int(1)))]);
        let spin = scope.node("spin", set);
        scope.edge(spin, spin);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder());
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    runtime.cancel(run.id(), "enough", ana()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), Outcome::Cancelled);
}
