use std::time::Duration;

use kneo_core::clock::Clock as _;
use kneo_core::plan::{Effect, Limits, OnTimeout, RequestType};
use kneo_core::task::{Decision, TaskState};
use kneo_core::{FailureKind, RunStatus};
use kneo_runtime::{Outcome, RuntimeError, Start};

use super::support::*;

#[tokio::test(start_paused = true)]
async fn a_persons_deadline_fires_by_itself() {
    for (seconds, on_timeout) in [(3_600, OnTimeout::Fail), (10, OnTimeout::Fail), (3_600, OnTimeout::Continue)] {
        let mut plan = plan();
        let human = plan.human("editor", RequestType::Approval);
        plan.edit(|plan| {
            plan.humans[0].timeout_ms = Some(seconds * 1_000);
            plan.humans[0].on_timeout = on_timeout;
        });
        let root = plan.scope("main", |scope| {
            scope.human("gate", human);
        });
        let plan = plan.build(root).unwrap();
        let harness = harness();
        let runtime = build(harness.builder());
        let before = harness.clock().now();
        let run = runtime.start(&plan, Start::new(int(5))).await.unwrap();
        let mut events = run.events_from(kneo_runtime::Cursor::START);
        while let Some(event) = events.next().await {
            event.unwrap();
        }
        match (on_timeout, run.wait().await.unwrap()) {
            (OnTimeout::Fail, Outcome::Expired(failure)) => assert_eq!(failure.kind, FailureKind::Expired),
            (OnTimeout::Continue, Outcome::Completed(value)) => assert_eq!(value, int(5)),
            (_, other) => panic!("{other:?}"),
        }
        let late = harness.clock().now().since(before).saturating_sub(Duration::from_secs(seconds));
        // Polling finds the timer of a parked run.
        assert!(late <= Duration::from_secs(2), "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_however_near_keeps_no_run_from_saying_that_it_waits() {
    let mut plan = plan();
    let human = plan.human("editor", RequestType::Approval);
    plan.edit(|plan| plan.humans[0].timeout_ms = Some(2_000));
    let root = plan.scope("main", |scope| {
        scope.human("gate", human);
    });
    let harness = harness();
    let runtime = build(harness.builder());
    let before = harness.clock().now();
    let run = runtime.start(&plan.build(root).unwrap(), Start::new(int(5))).await.unwrap();
    let task = blocked(&run).await.remove(0);
    assert_eq!((harness.clock().now(), run.status().await.unwrap()), (before, RunStatus::Blocked));
    runtime.decide(task.task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&run).await, int(5));
}

#[tokio::test(start_paused = true)]
async fn a_decision_after_the_deadline_is_refused_even_if_nobody_noticed_it() {
    let mut plan = plan();
    let human = plan.human("editor", RequestType::Approval);
    plan.edit(|plan| plan.humans[0].timeout_ms = Some(3_600_000));
    let root = plan.scope("main", |scope| {
        scope.human("gate", human);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder());
    let run = runtime.start(&plan, Start::new(int(5))).await.unwrap();
    let task = blocked(&run).await.remove(0);
    runtime.shutdown().await;
    let client = build(harness.builder().client_only());
    tokio::time::sleep(Duration::from_secs(3_601)).await;
    assert_eq!(client.task(task.task).await.unwrap().state, TaskState::Open);
    let error = client.decide(task.task, Decision::approve(), ana()).await.unwrap_err();
    assert!(matches!(error, RuntimeError::TaskClosed { state: TaskState::Expired, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_at_its_deadline_wherever_it_stands() {
    // In a call, with the shorter of the plan's and the start's deadline.
    let harness = harness();
    let (waits, log) = waits();
    let runtime = build(harness.builder().function("work", waits));
    let mut bounded = plan();
    let work = bounded.function("work", Effect::Idempotent);
    bounded.limits(Limits { deadline_ms: Some(20_000), ..Limits::default() });
    let root = bounded.scope("main", |scope| {
        scope.function("step", work);
    });
    let bounded = bounded.build(root).unwrap();
    for (own, expected) in [(None, 20), (Some(5), 5), (Some(50), 20)] {
        let before = harness.clock().now();
        let start = Start::new(int(0));
        let start = own.map_or(start.clone(), |own| start.deadline(Duration::from_secs(own)));
        let run = runtime.start(&bounded, start).await.unwrap();
        let Outcome::TimedOut(failure) = run.wait().await.unwrap() else { panic!() };
        assert_eq!(failure.code.as_deref(), Some("deadline"));
        assert_eq!(harness.clock().now().since(before), Duration::from_secs(expected));
    }
    assert_eq!(log.lines(), ["start 1", "stop 1"].repeat(3));

    // In the queue: a worker without what it needs ends it.
    let client = build(harness.builder().client_only());
    let run =
        client.start(&chain(1, Effect::Write), Start::new(int(0)).deadline(Duration::from_secs(5))).await.unwrap();
    runtime.shutdown().await;
    let _lacking = build(harness.builder());
    assert!(matches!(run.wait().await.unwrap(), Outcome::TimedOut(_)));
}

#[tokio::test(start_paused = true)]
async fn running_time_is_bounded_and_waiting_for_people_is_free() {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let human = plan.human("editor", RequestType::Approval);
    plan.limits(Limits { wall_ms: Some(60_000), ..Limits::default() });
    let root = plan.scope("main", |scope| {
        let (a, gate) = (scope.function("a", work), scope.human("gate", human));
        let b = scope.function("b", work);
        scope.edge(a, gate);
        scope.edge(gate, b);
        scope.edge(b, b);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder().function("work", slow(25)));
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    let task = blocked(&run).await.remove(0);
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    let before = harness.clock().now();
    runtime.decide(task.task, Decision::approve(), ana()).await.unwrap();
    let Outcome::TimedOut(failure) = run.wait().await.unwrap() else { panic!() };
    assert_eq!(failure.code.as_deref(), Some("wall_seconds"));
    // 25 of the 60 seconds were used before the person was asked; the grace of the call that was told ends it late.
    let ran = harness.clock().now().since(before);
    assert_eq!(ran, Duration::from_secs(35 + 5));
}
