//! When a fork is done: all, any, at least so many; what becomes of the rest; branches with conditions.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::clock::Clock as _;
use kneo_core::expr::Expr;
use kneo_core::plan::{
    CompiledPlan, Condition, Effect, Fork, JoinRule, NodeKind, OnBranchError, OnError, Plan, Rest, StepStatus,
};
use kneo_core::{FailureKind, Value};
use kneo_runtime::{RuntimeBuilder, Start, typed};

use super::support::*;

/// A fork over the functions `quick`, `slow` (10 s), `never` and `fails`, in this order, then `after`.
fn fork(branches: &[&str], change: impl FnOnce(&mut Fork)) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let functions: Vec<_> = branches.iter().map(|name| plan.function(name, Effect::Read)).collect();
    let after = plan.function("after", Effect::Read);
    let mut at = None;
    let root = plan.scope("main", |scope| {
        // The fork's node comes first: a scope starts with its first node.
        let starts: Vec<_> = branches.iter().zip(functions).map(|(name, of)| scope.function(name, of)).collect();
        let fork = scope.fork("fork", &starts, OnBranchError::FailFast);
        let after = scope.function("after", after);
        scope.edge(fork, after);
        at = Some(fork);
    });
    plan.edit(|plan| {
        plan.scopes[0].start = at.unwrap();
        change(fork_of(plan));
    });
    plan.build(root).unwrap()
}

fn fork_of(plan: &mut Plan) -> &mut Fork {
    let fork = plan.nodes.iter_mut().find_map(|node| match &mut node.kind {
        NodeKind::Fork(fork) => Some(fork),
        _ => None,
    });
    fork.unwrap()
}

fn host(builder: RuntimeBuilder) -> (RuntimeBuilder, Arc<Log>) {
    let (never, log) = waits();
    let fails = typed::value_function(|_, _| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err(kneo_core::call::CallError::fatal("broken", "it is broken"))
    });
    let same = typed::value_function(|value, _| async move { Ok(value) });
    let builder = builder.function("quick", slow(2)).function("slow", slow(10)).function("never", never);
    (builder.function("fails", fails).function("after", same), log)
}

/// How long a function that does not listen is waited for, in seconds.
const GRACE: u64 = 5;

fn at_least(count: u32) -> JoinRule {
    JoinRule::AtLeast(NonZeroU32::new(count).unwrap())
}

#[tokio::test(start_paused = true)]
async fn any_takes_the_first_and_stops_the_rest() {
    let harness = harness();
    let (builder, log) = host(harness.builder());
    let runtime = build(builder);
    let plan = fork(&["slow", "never", "quick"], |fork| fork.join = JoinRule::Any);
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, map([("quick", int(1))]));
    assert_eq!(log.lines(), ["start 1", "stop 1"]);
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!(count(&journal, "branch_cancelled"), 2);
}

#[tokio::test(start_paused = true)]
async fn at_least_tolerates_failures_that_leave_enough() {
    let harness = harness();
    let (builder, log) = host(harness.builder());
    let runtime = build(builder);
    let plan = fork(&["fails", "quick", "never", "slow"], |fork| fork.join = at_least(2));
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, map([("quick", int(1)), ("slow", int(1))]));
    assert_eq!(log.lines(), ["start 1", "stop 1"]);
}

#[tokio::test(start_paused = true)]
async fn too_few_left_is_a_failure_at_once_or_after_the_others() {
    for (on_branch_error, after) in [(OnBranchError::FailFast, 1 + GRACE), (OnBranchError::Drain, 10)] {
        let harness = harness();
        let runtime = build(host(harness.builder()).0);
        let plan = fork(&["fails", "quick", "slow"], |fork| {
            fork.join = at_least(3);
            fork.on_branch_error = on_branch_error;
        });
        let before = harness.clock().now();
        let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
        let failure = failed(&run).await;
        assert_eq!(&*failure.message, "branch `fails`: it is broken");
        assert_eq!(harness.clock().now().since(before).as_secs(), after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drained_rest_is_waited_for_and_counted() {
    let harness = harness();
    let runtime = build(host(harness.builder()).0);
    let plan = fork(&["slow", "quick"], |fork| {
        fork.join = JoinRule::Any;
        fork.rest = Rest::Drain;
    });
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, map([("slow", int(1)), ("quick", int(1))]));
}

#[tokio::test(start_paused = true)]
async fn a_branch_whose_condition_does_not_hold_is_not_started() {
    let literal = |holds: bool| Some(Condition::Expr(Expr::Literal(Value::Bool(holds))));
    let harness = harness();
    let (builder, log) = host(harness.builder());
    let runtime = build(builder);
    let plan = fork(&["quick", "never"], |fork| {
        fork.branches[0].when = literal(true);
        fork.branches[1].when = literal(false);
    });
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, map([("quick", int(1))]));
    assert!(log.lines().is_empty());

    // Without a branch there is nothing to wait for, unless some must complete.
    let none = |join| {
        fork(&["quick"], |fork| {
            fork.branches[0].when = literal(false);
            fork.join = join;
        })
    };
    let run = runtime.start(&none(JoinRule::All), Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, map([]));
    let run = runtime.start(&none(JoinRule::Any), Start::new(int(0))).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Limit, Some("join_unreachable")));
}

/// The edges of a step become branches: their conditions are judged on it, and an edge to the join ends a branch.
#[tokio::test(start_paused = true)]
async fn the_edges_of_a_step_fan_out_and_meet_again() {
    let mut plan = plan();
    let (work, same) = (plan.function("quick", Effect::Read), plan.function("after", Effect::Read));
    let root = plan.scope("main", |scope| {
        let draft = scope.function("draft", work);
        let (a, b, c) = (scope.function("a", work), scope.function("b", work), scope.function("c", work));
        let merge = scope.function("merge", same);
        let fork = scope.fork("draft:all", &[a, b, c], OnBranchError::FailFast);
        scope.edge(draft, fork);
        scope.edge(fork, merge);
        // `a` may go on to `c`'s work, or to the join; the first edge that holds is taken.
        scope.edge_when(a, b, below(0));
        scope.edge(a, merge);
        scope.edge(b, merge);
        scope.edge(c, merge);
    });
    plan.edit(|plan| {
        let merge = plan.nodes.iter().position(|node| node.id == "merge").unwrap();
        for edge in &mut plan.edges {
            let from_fork = plan.nodes[edge.from.as_usize()].id == "draft:all";
            edge.ends = edge.to.as_usize() == merge && !from_fork;
        }
        let draft = plan.scopes[0].start;
        let fork = fork_of(plan);
        fork.from = Some(draft);
        fork.branches[0].when = Some(Condition::StatusIs(StepStatus::Completed));
        fork.branches[1].when = Some(Condition::StatusIs(StepStatus::Failed));
        fork.branches[2].when = Some(Condition::OutputContains("1".into()));
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(host(harness.builder()).0);
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, map([("a", int(2)), ("c", int(2))]));
}

/// A failed branch that is tolerated leaves nothing behind, whatever its step's policy.
#[tokio::test(start_paused = true)]
async fn a_fork_in_a_step_that_goes_on_hands_over_its_input() {
    let harness = harness();
    let runtime = build(host(harness.builder()).0);
    let plan = {
        let plan = fork(&["fails"], |fork| fork.join = JoinRule::Any);
        let mut plan = (**plan.plan()).clone();
        let at = plan.nodes.iter().position(|node| matches!(node.kind, NodeKind::Fork(_))).unwrap();
        plan.nodes[at].policy.on_error = OnError::Continue;
        plan.compile().unwrap()
    };
    let run = runtime.start(&plan, Start::new(int(7))).await.unwrap();
    assert_eq!(completed(&run).await, int(7));
}
