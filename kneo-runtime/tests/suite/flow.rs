use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::FailureKind;
use kneo_core::call::CallError;
use kneo_core::clock::Clock as _;
use kneo_core::expr::ValueTemplate;
use kneo_core::plan::{Effect, NodeKind, OnBranchError, OnMax};
use kneo_runtime::{Outcome, Start, replay, typed};

use super::support::*;

#[tokio::test(start_paused = true)]
async fn a_chain_costs_one_commit_a_step() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", inc()));
    let run = runtime.start(&chain(10, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(10));
    // The start, the claim and the first intent are one; each result goes with the next intent, the last with the end.
    assert_eq!(commits(&harness, run.id()).await, 11);
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!(count(&journal, "effect_succeeded"), 10);
    assert_eq!(count(&journal, "run_claimed"), 1);
    let seqs: Vec<u64> = journal.iter().map(|stored| stored.seq.as_u64()).collect();
    assert_eq!(seqs, (1..=journal.len() as u64).collect::<Vec<_>>());
    runtime.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_chain_takes_no_time_of_its_own() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", slow(1)));
    let before = harness.clock().now();
    let run = runtime.start(&chain(10, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(10));
    assert_eq!(harness.clock().now().since(before), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_only_computes_is_one_commit_and_holds_no_lease() {
    let mut plan = plan();
    let root = plan.scope("main", |scope| {
        let set = NodeKind::Set(vec![(name("n"), ValueTemplate::Expr(plus_one()))]);
        scope.node("set", set);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder());
    let run = runtime.start(&plan, Start::new(int(1))).await.unwrap();
    assert_eq!(completed(&run).await, map([("n", int(2))]));
    assert_eq!(commits(&harness, run.id()).await, 1);
    let view = run.view().await.unwrap();
    assert_eq!((view.holder, view.output), (None, Some(map([("n", int(2))]))));
}

#[tokio::test(start_paused = true)]
async fn a_cycle_ends_where_its_condition_does() {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        let again = scope.function("again", work);
        let done = scope.function("done", work);
        scope.edge_when(again, again, below(5));
        scope.edge(again, done);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder().function("work", inc()));
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(6));
}

#[tokio::test(start_paused = true)]
async fn a_cycle_ends_at_its_bound() {
    for (on_max, outcome) in [
        (OnMax::Fail, None),
        // The edge is passed over, and no other leads on: the workflow ends.
        (OnMax::Continue, Some(int(4))),
    ] {
        let mut plan = plan();
        let work = plan.function("work", Effect::Idempotent);
        let root = plan.scope("main", |scope| {
            let again = scope.function("again", work);
            scope.edge_at_most(again, again, NonZeroU32::new(3).unwrap(), on_max.clone());
        });
        let plan = plan.build(root).unwrap();
        let harness = harness();
        let runtime = build(harness.builder().function("work", inc()));
        let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
        match outcome {
            Some(value) => assert_eq!(completed(&run).await, value),
            None => assert_eq!(failed(&run).await.kind, FailureKind::Limit),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_marks_the_run_where_it_leads() {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        let again = scope.function("again", work);
        let last = scope.function("last", work);
        let to = OnMax::To { node: last, mark: Some("gave_up".into()) };
        scope.edge_at_most(again, again, NonZeroU32::new(2).unwrap(), to);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder().function("work", inc()));
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(4));
    assert_eq!(run.view().await.unwrap().marks, vec![Arc::<str>::from("gave_up")]);
}

/// A fork of `a` and `b`, which call functions of their names.
fn fork(on_error: OnBranchError) -> Arc<kneo_core::CompiledPlan> {
    let mut plan = plan();
    let (a, b) = (plan.function("a", Effect::Idempotent), plan.function("b", Effect::Idempotent));
    let root = plan.scope("main", |scope| {
        let (a, b) = (scope.function("a", a), scope.function("b", b));
        scope.fork("both", &[a, b], on_error);
    });
    plan.build(root).unwrap()
}

#[tokio::test(start_paused = true)]
async fn branches_run_side_by_side() {
    let harness = harness();
    let runtime = build(harness.builder().function("a", slow(10)).function("b", slow(10)));
    let before = harness.clock().now();
    let run = runtime.start(&fork(OnBranchError::FailFast), Start::new(int(1))).await.unwrap();
    assert_eq!(completed(&run).await, map([("a", int(2)), ("b", int(2))]));
    assert_eq!(harness.clock().now().since(before), Duration::from_secs(10));
    // Both results came while the worker had nothing else to do: one commit more or two.
    assert!(commits(&harness, run.id()).await <= 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_branch_stops_the_others_at_once() {
    let fails = typed::value_function(|_, _| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err(CallError::fatal("broken", "broken"))
    });
    let (waits, log) = waits();
    let harness = harness();
    let runtime = build(harness.builder().function("a", fails).function("b", waits));
    let before = harness.clock().now();
    let run = runtime.start(&fork(OnBranchError::FailFast), Start::new(int(1))).await.unwrap();
    assert_eq!(failed(&run).await.code.as_deref(), Some("broken"));
    assert_eq!(log.lines(), ["start 1", "stop 1"]);
    assert_eq!(harness.clock().now().since(before), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_branch_lets_the_others_finish() {
    let fails = typed::value_function(|_, _| async { Err(CallError::fatal("broken", "broken")) });
    let harness = harness();
    let runtime = build(harness.builder().function("a", fails).function("b", slow(5)));
    let before = harness.clock().now();
    let run = runtime.start(&fork(OnBranchError::Drain), Start::new(int(1))).await.unwrap();
    assert_eq!(failed(&run).await.code.as_deref(), Some("broken"));
    assert_eq!(harness.clock().now().since(before), Duration::from_secs(5));
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "effect_succeeded"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_nested_workflow_is_part_of_the_run() {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let inner = plan.scope("inner", |scope| {
        let (a, b) = (scope.function("a", work), scope.function("b", work));
        scope.edge(a, b);
    });
    let middle = plan.scope("middle", |scope| {
        scope.workflow("inner", inner);
    });
    let root = plan.scope("outer", |scope| {
        let (a, b) = (scope.function("first", work), scope.workflow("middle", middle));
        scope.edge(a, b);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder().function("work", inc()));
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(3));
    let journal = harness.journal(run.id()).await.unwrap();
    let deepest = journal.iter().map(|stored| stored.record.path().depth()).max();
    assert_eq!(deepest, Some(3));
}

#[tokio::test(start_paused = true)]
async fn every_prefix_of_a_journal_replays() {
    let harness = harness();
    let runtime = build(harness.builder().function("a", slow(1)).function("b", slow(2)));
    let plan = fork(OnBranchError::FailFast);
    let run = runtime.start(&plan, Start::new(int(1))).await.unwrap();
    completed(&run).await;
    let journal = harness.journal(run.id()).await.unwrap();
    for end in 0..=journal.len() {
        let state = replay(&plan, run.id(), &journal[..end]).unwrap();
        assert_eq!(state.outcome().is_some(), end == journal.len());
    }
    // A journal is only of its own plan.
    let other = chain(1, Effect::Read);
    assert_eq!(replay(&other, run.id(), &journal).unwrap_err().code(), "plan_mismatch");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure() {
    let panics = typed::value_function(|_, _| async { panic!("out of cheese") });
    let harness = harness();
    let runtime = build(harness.builder().function("work", panics));
    let run = runtime.start(&chain(1, Effect::Idempotent), Start::new(int(0))).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!(failure.code.as_deref(), Some("function_panicked"));
    assert!(failure.message.contains("out of cheese"), "{failure}");
    assert!(!failure.retryable);
    assert!(matches!(run.wait().await.unwrap(), Outcome::Failed(_)));
}
