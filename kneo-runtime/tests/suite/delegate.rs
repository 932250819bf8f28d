//! Workflows behind tools: agents that other agents ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kneo_core::message::Part;
use kneo_core::plan::{CompiledPlan, Effect, Plan, RequestType};
use kneo_core::provider::ModelRequest;
use kneo_core::task::Decision;
use kneo_core::{FailureKind, Usage, Value};
use kneo_runtime::Start;
use kneo_runtime::testkit::{ScriptedModel, answer, asks_for};

use super::support::*;

/// Asks the tool `expert` twice in one turn, then says what it heard.
fn boss() -> ScriptedModel {
    ScriptedModel::new(|request: &ModelRequest| match request.messages.last().map(|last| last.parts.as_slice()) {
        Some([Part::ToolResult(first), Part::ToolResult(second)]) => {
            let said = |result: &kneo_core::message::ToolResult| {
                format!("{}{}", if result.is_error { "error: " } else { "" }, result.content.to_text())
            };
            Ok(answer(&format!("{}; {}", said(first), said(second))))
        }
        _ => {
            let ask = |text: &str| map([("input", Value::from(text))]);
            Ok(asks_for([("expert", ask("why")), ("expert", ask("how"))]))
        }
    })
}

/// A boss whose tool is a workflow: the expert answers, then `work` runs.
fn plan_of(change: impl FnOnce(&mut Plan)) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let expert = plan.agent("expert", "expert", vec![]);
    let inner = plan.scope("inner", |scope| {
        let (ask, work) = (scope.agent("answer", expert), scope.function("check", work));
        scope.edge(ask, work);
    });
    let tool = plan.workflow_tool("expert", inner);
    let boss = plan.agent("boss", "boss", vec![tool]);
    let root = plan.scope("main", |scope| {
        scope.agent("ask", boss);
    });
    plan.edit(change);
    plan.build(root).unwrap()
}

fn expert() -> ScriptedModel {
    ScriptedModel::new(|request: &ModelRequest| {
        Ok(answer(&format!("{}? because", request.messages.last().unwrap().to_text())))
    })
}

#[tokio::test(start_paused = true)]
async fn an_agent_asks_another_and_both_are_durable() {
    let harness = harness();
    let pass = kneo_runtime::typed::value_function(|value, _| async move { Ok(value) });
    let builder = harness.builder().provider("boss", Arc::new(boss())).provider("expert", Arc::new(expert()));
    let runtime = build(builder.function("work", pass));
    let run = runtime.start(&plan_of(|_| ()), Start::new("go")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("why? because; how? because"));
    // Two turns of the boss, one of each expert.
    assert_eq!(run.view().await.unwrap().usage, Usage::new(40, 20));
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!((count(&journal, "call_delegated"), count(&journal, "call_returned")), (2, 2));
    let places: Vec<String> = journal.iter().map(|stored| stored.record.path().to_string()).collect();
    assert!(places.iter().any(|place| place == "2#1/t1/c1/0#1/t1"), "{places:?}");
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_repeats_no_committed_turn() {
    let harness = harness();
    let asked = Arc::new(AtomicU32::new(0));
    let counted = || {
        let asked = Arc::clone(&asked);
        ScriptedModel::new(move |request: &ModelRequest| {
            asked.fetch_add(1, Ordering::SeqCst);
            Ok(answer(&request.messages.last().unwrap().to_text()))
        })
    };
    let host = |work| {
        let builder = harness.builder().provider("boss", Arc::new(boss())).provider("expert", Arc::new(counted()));
        build(builder.function("work", work))
    };
    let first = host(slow(60));
    let run = first.start(&plan_of(|_| ()), Start::new("go")).await.unwrap().id();
    tokio::time::sleep(Duration::from_secs(30)).await;
    drop(first);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let second = host(kneo_runtime::typed::value_function(|value, _| async move { Ok(value) }));
    assert_eq!(completed(&second.run(run)).await, Value::from("why; how"));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_behind_a_tool_is_a_result_for_the_model() {
    let harness = harness();
    let fails = kneo_runtime::typed::value_function(|_, _| async move {
        Err(kneo_core::call::CallError::fatal("broken", "the check is broken"))
    });
    let builder = harness.builder().provider("boss", Arc::new(boss())).provider("expert", Arc::new(expert()));
    let runtime = build(builder.function("work", fails));
    let run = runtime.start(&plan_of(|_| ()), Start::new("go")).await.unwrap();
    let output = completed(&run).await.to_text();
    assert_eq!(&*output, "error: the check is broken; error: the check is broken");
}

/// The step's time bounds each call, and what runs behind it is gone before the model is told.
#[tokio::test(start_paused = true)]
async fn the_time_of_a_call_bounds_what_runs_behind_it() {
    let harness = harness();
    let (work, log) = waits();
    let builder = harness.builder().provider("boss", Arc::new(boss())).provider("expert", Arc::new(expert()));
    let runtime = build(builder.function("work", work));
    let plan = plan_of(|plan| plan.nodes.last_mut().unwrap().policy.timeout_ms = Some(5_000));
    let run = runtime.start(&plan, Start::new("go")).await.unwrap();
    let output = completed(&run).await.to_text();
    assert_eq!(output.matches("took longer than").count(), 2, "{output}");
    assert_eq!(log.lines(), ["start 1", "start 1", "stop 1", "stop 1"]);
}

/// What an expert uses counts for who asked it.
#[tokio::test(start_paused = true)]
async fn a_budget_counts_what_others_use_for_it() {
    let harness = harness();
    let pass = kneo_runtime::typed::value_function(|value, _| async move { Ok(value) });
    let builder = harness.builder().provider("boss", Arc::new(boss())).provider("expert", Arc::new(expert()));
    let runtime = build(builder.function("work", pass));
    // The boss's first turn and the two experts use 45 together.
    let plan = plan_of(|plan| plan.agents[1].model.token_budget = Some(45));
    let run = runtime.start(&plan, Start::new("go")).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Limit, Some("token_budget_exceeded")));
}

/// A person may be asked behind a tool, while the boss waits.
#[tokio::test(start_paused = true)]
async fn people_are_asked_behind_tools() {
    let mut plan = plan();
    let editor = plan.human("editor", RequestType::Approval);
    let inner = plan.scope("inner", |scope| {
        scope.human("gate", editor);
    });
    let tool = plan.workflow_tool("expert", inner);
    let boss_agent = plan.agent("boss", "boss", vec![tool]);
    let root = plan.scope("main", |scope| {
        scope.agent("ask", boss_agent);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder().provider("boss", Arc::new(boss())));
    let run = runtime.start(&plan, Start::new("go")).await.unwrap();
    let tasks = blocked(&run).await;
    assert_eq!(tasks.len(), 2);
    for task in tasks {
        runtime.decide(task.task, Decision::approve(), ana()).await.unwrap();
    }
    assert_eq!(completed(&run).await, Value::from("why; how"));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_what_runs_behind_tools() {
    let harness = harness();
    let (work, log) = waits();
    let builder = harness.builder().provider("boss", Arc::new(boss())).provider("expert", Arc::new(expert()));
    let runtime = build(builder.function("work", work));
    let run = runtime.start(&plan_of(|_| ()), Start::new("go")).await.unwrap();
    until(|| log.lines().len() == 2).await;
    runtime.cancel(run.id(), "enough", kneo_core::Actor::Host).await.unwrap();
    assert!(matches!(run.wait().await.unwrap(), kneo_runtime::Outcome::Cancelled));
    assert_eq!(log.lines()[2..], ["stop 1", "stop 1"]);
}
