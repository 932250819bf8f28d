//! What was told to stop is really gone before anything follows in its place.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::call::{CallContext, CallError};
use kneo_core::event::Event;
use kneo_core::plan::{Approval, Effect, Node, OnBranchError, OnError};
use kneo_core::provider::ModelRequest;
use kneo_core::task::Decision;
use kneo_core::tool::Function;
use kneo_core::{FailureKind, Value};
use kneo_runtime::testkit::{ScriptedModel, answer, asks_for};
use kneo_runtime::{Start, typed};

use super::support::*;

/// Works until it is told to stop, and then takes a second to tidy up.
fn tidies(log: &Arc<Log>) -> Arc<dyn Function> {
    let log = Arc::clone(log);
    typed::value_function(move |_, context: CallContext| {
        let log = Arc::clone(&log);
        async move {
            context.cancel.cancelled().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            log.say("tidied");
            Err(CallError::fatal("stopped", "stopped"))
        }
    })
}

fn says(log: &Arc<Log>, word: &'static str) -> Arc<dyn Function> {
    let log = Arc::clone(log);
    typed::value_function(move |value, _| {
        log.say(word);
        async move { Ok(value) }
    })
}

fn fails() -> Arc<dyn Function> {
    typed::value_function(|_, _| async { Err(CallError::fatal("broken", "broken")) })
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_a_failed_fork_while_a_branch_still_works() {
    for policy in ["continue", "fallback"] {
        let log = Arc::new(Log::default());
        let mut plan = plan();
        let (a, b) = (plan.function("a", Effect::Idempotent), plan.function("b", Effect::Idempotent));
        let next = plan.function("next", Effect::Idempotent);
        let root = plan.scope("main", |scope| {
            let (a, b) = (scope.function("a", a), scope.function("b", b));
            let (fork, next) = (scope.fork("both", &[a, b], OnBranchError::FailFast), scope.function("next", next));
            scope.edge(fork, next);
            scope.edit(fork, |node: &mut Node| {
                node.policy.on_error = if policy == "continue" { OnError::Continue } else { OnError::Fallback(next) };
            });
        });
        let harness = harness();
        let runtime = build(
            harness.builder().function("a", fails()).function("b", tidies(&log)).function("next", says(&log, "next")),
        );
        let run = runtime.start(&plan.build(root).unwrap(), Start::new(int(1))).await.unwrap();
        completed(&run).await;
        assert_eq!(log.lines().first().map(String::as_str), Some("tidied"), "{policy}: {:?}", log.lines());
        assert!(log.lines().contains(&"next".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_an_overdue_workflow_while_it_still_works() {
    let log = Arc::new(Log::default());
    let mut plan = plan();
    let (slow, next) = (plan.function("slow", Effect::Write), plan.function("next", Effect::Idempotent));
    let inner = plan.scope("inner", |scope| {
        scope.function("slow", slow);
    });
    let root = plan.scope("outer", |scope| {
        let (step, next) = (scope.workflow("inner", inner), scope.function("next", next));
        scope.edge(step, next);
        scope.edit(step, |node| {
            node.policy.timeout_ms = Some(3_000);
            node.policy.on_error = OnError::Continue;
        });
    });
    let harness = harness();
    let runtime = build(harness.builder().function("slow", tidies(&log)).function("next", says(&log, "next")));
    let run = runtime.start(&plan.build(root).unwrap(), Start::new(int(1))).await.unwrap();
    completed(&run).await;
    assert_eq!(log.lines(), ["tidied", "next"]);
    let journal = harness.journal(run.id()).await.unwrap();
    let failures = journal.iter().filter_map(|stored| match stored.record.event() {
        Event::StepFailed { failure, .. } => Some((failure.kind, failure.code.as_deref())),
        _ => None,
    });
    assert_eq!(failures.collect::<Vec<_>>(), [(FailureKind::Timeout, Some("timeout"))]);
}

#[tokio::test(start_paused = true)]
async fn an_agents_time_is_that_of_each_attempt_of_a_turn() {
    let mut plan = plan();
    let agent = plan.agent("clerk", "model", vec![]);
    let root = plan.scope("main", |scope| {
        let ask = scope.agent("ask", agent);
        scope.edit(ask, |node| {
            node.policy.timeout_ms = Some(3_000);
            node.policy.retry.max_attempts = NonZeroU32::new(2).unwrap();
            node.policy.retry.on = vec![FailureKind::Timeout];
        });
    });
    let model = ScriptedModel::taking_time(|_, context| async move {
        let seconds = if context.attempt.as_u32() == 1 { 5 } else { 2 };
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(answer(&format!("attempt {}", context.attempt)))
    });
    let harness = harness();
    let runtime = build(harness.builder().provider("model", Arc::new(model)));
    let run = runtime.start(&plan.build(root).unwrap(), Start::new("go")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("attempt 2"));
}

#[tokio::test(start_paused = true)]
async fn an_overdue_tool_call_is_an_error_for_the_model_and_waiting_for_consent_costs_no_time() {
    let mut plan = plan();
    let tool = plan.tool("nap", Effect::Read, Approval::Always);
    let agent = plan.agent("clerk", "model", vec![tool]);
    let root = plan.scope("main", |scope| {
        let ask = scope.agent("ask", agent);
        scope.edit(ask, |node| node.policy.timeout_ms = Some(3_000));
    });
    let model =
        ScriptedModel::new(|request: &ModelRequest| match request.messages.last().map(|last| &last.parts[..]) {
            Some([kneo_core::message::Part::ToolResult(result)]) => {
                Ok(answer(&format!("{}: {}", result.is_error, result.content.to_text())))
            }
            _ => Ok(asks_for([("nap", map([]))])),
        });
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Nothing {}
    let nap = typed::tool("nap", "Naps.", |_: Nothing| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok::<_, CallError>(1)
    });
    let harness = harness();
    let runtime = build(harness.builder().provider("model", Arc::new(model)).tool(nap.unwrap()));
    let run = runtime.start(&plan.build(root).unwrap(), Start::new("go")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    runtime.decide(task.task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(
        completed(&run).await,
        Value::from("true: the tool `nap` took longer than 3s, the `timeout_seconds` of its step")
    );
}
