use std::sync::atomic::Ordering;
use std::time::Duration;

use kneo_core::clock::Clock as _;
use kneo_core::event::{AfterLoss, Event};
use kneo_core::plan::{Effect, OnUncertain};
use kneo_core::store::LEASE;
use kneo_core::task::{Decision, TaskCause};
use kneo_core::{FailureKind, Payload};
use kneo_runtime::Start;

use super::support::*;

#[tokio::test(start_paused = true)]
async fn what_was_committed_is_not_run_again_and_what_was_in_flight_is() {
    for crash_after in 0..5_u64 {
        let harness = harness();
        let first = build(harness.builder().function("work", slow(10)));
        let run = first.start(&chain(5, Effect::Idempotent), Start::new(int(0))).await.unwrap().id();
        tokio::time::sleep(Duration::from_secs(10 * crash_after + 5)).await;
        drop(first);

        let (work, calls) = counted();
        let second = build(harness.builder().function("work", work));
        let before = harness.clock().now();
        assert_eq!(completed(&second.run(run)).await, int(5));
        assert_eq!(u64::from(calls.load(Ordering::SeqCst)), 5 - crash_after);
        assert!(harness.clock().now().since(before) <= LEASE + Duration::from_secs(1));
        let journal = harness.journal(run).await.unwrap();
        let lost: Vec<_> = journal
            .iter()
            .filter_map(|stored| match stored.record.event() {
                Event::EffectLost { attempt, then } => Some((attempt.as_u32(), *then)),
                _ => None,
            })
            .collect();
        assert_eq!(lost, [(1, AfterLoss::Rerun)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_in_flight_is_for_a_person_to_judge() {
    for (decision, expected, calls_after) in [
        (Decision::Retry, Ok(int(2)), 2),
        (Decision::Provide { content: Payload::new(int(41)).unwrap() }, Ok(int(42)), 1),
        (Decision::reject(), Err(FailureKind::Uncertain), 0),
    ] {
        let harness = harness();
        let first = build(harness.builder().function("work", slow(10)));
        let run = first.start(&chain(2, Effect::Write), Start::new(int(0))).await.unwrap().id();
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(first);
        let (work, calls) = counted();
        let second = build(harness.builder().function("work", work));
        let handle = second.run(run);
        let task = blocked(&handle).await.remove(0);
        assert_eq!(task.request.cause, TaskCause::Uncertain { of: name("work") });
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        second.decide(task.task, decision, ana()).await.unwrap();
        match expected {
            Ok(value) => assert_eq!(completed(&handle).await, value),
            Err(kind) => assert_eq!(failed(&handle).await.kind, kind),
        }
        assert_eq!(calls.load(Ordering::SeqCst), calls_after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_author_says_fail_fails() {
    let mut plan = plan();
    let work = plan.function("work", Effect::Write);
    plan.edit(|plan| plan.functions[0].on_uncertain = OnUncertain::Fail);
    let root = plan.scope("main", |scope| {
        scope.function("step", work);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let first = build(harness.builder().function("work", slow(10)));
    let run = first.start(&plan, Start::new(int(0))).await.unwrap().id();
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(first);
    let second = build(harness.builder().function("work", slow(10)));
    assert_eq!(failed(&second.run(run)).await.kind, FailureKind::Uncertain);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_gets_nowhere_is_given_up() {
    // Every worker dies in the call; nothing is ever committed after the intent.
    let harness = harness();
    let first = build(harness.builder().function("work", slow(1_000)));
    let run = first.start(&chain(1, Effect::Idempotent), Start::new(int(0))).await.unwrap().id();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(first);
    for _ in 0..30 {
        let worker = build(harness.builder().function("work", slow(1_000)));
        tokio::time::sleep(LEASE + Duration::from_secs(2)).await;
        let status = worker.run(run).status().await.unwrap();
        if status.is_terminal() {
            let failure = failed(&worker.run(run)).await;
            assert_eq!(failure.kind, FailureKind::DeadLetter, "{failure}");
            return;
        }
        drop(worker);
    }
    panic!("the run was claimed again and again");
}
