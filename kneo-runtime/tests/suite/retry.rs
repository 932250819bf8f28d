use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kneo_core::call::{CallContext, CallError};
use kneo_core::clock::Clock as _;
use kneo_core::plan::{CompiledPlan, Effect, Retry};
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider};
use kneo_core::tool::Function;
use kneo_core::{FailureKind, Value};
use kneo_runtime::{Start, typed};

use super::support::*;

/// One step that is tried up to `attempts` times, each within `timeout_ms`.
fn retried(attempts: u32, timeout_ms: Option<u64>) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        let step = scope.function("step", work);
        scope.edit(step, |node| {
            let max_attempts = NonZeroU32::new(attempts).unwrap();
            node.policy.retry = Retry { max_attempts, jitter: false, ..Retry::default() };
            node.policy.timeout_ms = timeout_ms;
        });
    });
    plan.build(root).unwrap()
}

/// Fails until a try.
fn fails_until(attempt: u32) -> Arc<dyn Function> {
    typed::value_function(move |_, context: CallContext| async move {
        match context.attempt.as_u32() < attempt {
            true => Err(CallError::retryable("flaky", "try again")),
            false => Ok(Value::from(context.key().as_str())),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_tried_again_after_a_growing_wait() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", fails_until(4)));
    let before = harness.clock().now();
    let run = runtime.start(&retried(4, None), Start::new(int(0))).await.unwrap();
    // The key is the same for every attempt.
    assert_eq!(completed(&run).await, Value::from(format!("{}/0#1", run.id())));
    assert_eq!(harness.clock().now().since(before), Duration::from_secs(1 + 2 + 4));
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "effect_failed"), 3);
}

#[tokio::test(start_paused = true)]
async fn attempts_run_out() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", fails_until(9)));
    let run = runtime.start(&retried(2, None), Start::new(int(0))).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Function, Some("flaky")));
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "effect_failed"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_gives_the_run_up_and_ends_by_itself() {
    let hint = typed::value_function(|_, context: CallContext| async move {
        match context.attempt.as_u32() {
            1 => Err(CallError::retryable("busy", "later").with_retry_after(Duration::from_secs(45))),
            _ => Ok(int(1)),
        }
    });
    let harness = harness();
    let runtime = build(harness.builder().function("work", hint));
    let before = harness.clock().now();
    let run = runtime.start(&retried(2, None), Start::new(int(0))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let view = run.view().await.unwrap();
    assert_eq!((view.status.as_str(), view.holder), ("blocked", None));
    assert_eq!(completed(&run).await, int(1));
    // Polling finds the timer within a second of it.
    let waited = harness.clock().now().since(before);
    assert!(waited >= Duration::from_secs(45) && waited <= Duration::from_secs(47), "{waited:?}");
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "run_claimed"), 2);
}

/// Who asks for more than the author allows is not asked again, and the failure says so.
#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_ends_the_attempts_and_is_told() {
    let hint = typed::value_function(|_, _| async move {
        Err(CallError::retryable("busy", "slow down").with_retry_after(Duration::from_secs(300)))
    });
    let harness = harness();
    let runtime = build(harness.builder().function("work", hint));
    let failure = failed(&runtime.start(&retried(3, None), Start::new(int(0))).await.unwrap()).await;
    let says = "slow down; it asks for a wait of 300s, more than the longest that the step allows (`max_seconds` of its \
                `retry`, 60s), so that it is not tried again";
    assert_eq!((&*failure.message, failure.code.as_deref()), (says, Some("busy")));
    // Without attempts that are left there is nothing to explain.
    let failure = failed(&runtime.start(&retried(1, None), Start::new(int(0))).await.unwrap()).await;
    assert_eq!(&*failure.message, "slow down");
}

/// What took too long is named, and the setting that says so.
#[tokio::test(start_paused = true)]
async fn a_timeout_says_whose_it_is_and_what_to_do() {
    let advice = "the `timeout_seconds` of its step: give it longer, or let the step try again (`max_retries`)";
    let (waits, _) = waits();
    let harness = harness();
    let runtime = build(harness.builder().function("work", waits));
    let failure = failed(&runtime.start(&retried(1, Some(3_000)), Start::new(int(0))).await.unwrap()).await;
    assert_eq!(*failure.message, format!("the function `work` took longer than 3s, {advice}"));
    for (model, who) in [(None, "the model of `slow`"), (Some("large"), "the model `large` of `slow`")] {
        let mut plan = plan();
        let agent = plan.agent("thinker", "slow", Vec::new());
        plan.edit(|plan| plan.agents[0].model.name = model.map(Arc::from));
        let root = plan.scope("main", |scope| {
            let at = scope.agent("ask", agent);
            scope.edit(at, |node| node.policy.timeout_ms = Some(4_000));
        });
        let harness = self::harness();
        let runtime = build(harness.builder().provider("slow", Arc::new(Thinks)));
        let run = runtime.start(&plan.build(root).unwrap(), Start::new("go")).await.unwrap();
        let failure = failed(&run).await;
        assert_eq!(failure.to_string(), format!("timeout (timeout): {who} took longer than 4s, {advice}"));
    }
}

/// A model that never answers.
#[derive(Debug)]
struct Thinks;

#[async_trait::async_trait]
impl Provider for Thinks {
    async fn generate(&self, _: &ModelRequest, _: &CallContext) -> Result<ModelAnswer, CallError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_attempt_is_told_and_gone_before_the_next() {
    let (waits, log) = waits();
    let harness = harness();
    let runtime = build(harness.builder().function("work", waits));
    let before = harness.clock().now();
    let run = runtime.start(&retried(2, Some(3_000)), Start::new(int(0))).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure}");
    assert_eq!(log.lines(), ["start 1", "stop 1", "start 2", "stop 2"]);
    assert_eq!(harness.clock().now().since(before), Duration::from_secs(3 + 1 + 3));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_does_not_listen_is_dropped_after_the_grace() {
    struct Gone(Arc<AtomicU32>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicU32::new(0));
    let drops = Arc::clone(&dropped);
    let deaf = typed::value_function(move |_, _| {
        let gone = Gone(Arc::clone(&drops));
        async move {
            let _gone = gone;
            std::future::pending().await
        }
    });
    let harness = harness();
    let runtime = build(harness.builder().function("work", deaf).cancel_grace(Duration::from_secs(2)));
    let before = harness.clock().now();
    let run = runtime.start(&retried(1, Some(3_000)), Start::new(int(0))).await.unwrap();
    assert_eq!(failed(&run).await.kind, FailureKind::Timeout);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(harness.clock().now().since(before), Duration::from_secs(3 + 2));
}
