use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kneo_core::call::CallError;
use kneo_core::message::{Part, Role, StopReason};
use kneo_core::plan::{Approval, CompiledPlan, Effect, Strategy};
use kneo_core::provider::ModelRequest;
use kneo_core::task::{Decision, TaskCause};
use kneo_core::tool::Tool;
use kneo_core::{FailureKind, Usage, Value};
use kneo_runtime::testkit::{ScriptedModel, answer, asks_for};
use kneo_runtime::{Delta, DeltaSink, RuntimeBuilder, Start, typed};

use super::support::*;

fn with_tool(approval: Approval) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let tool = plan.tool("send", Effect::Write, approval);
    let agent = plan.agent("clerk", "model", vec![tool]);
    let root = plan.scope("main", |scope| {
        scope.agent("ask", agent);
    });
    plan.build(root).unwrap()
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Letter {
    to: String,
}

fn send() -> (Arc<dyn Tool>, Arc<AtomicU32>) {
    let sent = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&sent);
    let tool = typed::tool("send", "Sends a letter.", move |letter: Letter| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { Ok::<_, CallError>(format!("sent to {}", letter.to)) }
    });
    (tool.unwrap(), sent)
}

/// Asks once for the tool, then answers with the last tool result.
fn clerk() -> ScriptedModel {
    ScriptedModel::new(|request: &ModelRequest| {
        let last = request.messages.last().map(|message| message.parts.as_slice());
        match last {
            Some([Part::ToolResult(result)]) => {
                Ok(answer(&format!("error {}: {}", result.is_error, result.content.to_text())))
            }
            _ => Ok(asks_for([("send", map([("to", Value::from("bea"))]))])),
        }
    })
}

fn host(builder: RuntimeBuilder) -> (RuntimeBuilder, Arc<AtomicU32>) {
    let (tool, sent) = send();
    (builder.provider("model", Arc::new(clerk())).tool(tool), sent)
}

#[tokio::test(start_paused = true)]
async fn an_agent_works_with_tools() {
    let harness = harness();
    let (builder, sent) = host(harness.builder());
    let runtime = build(builder);
    let run = runtime.start(&with_tool(Approval::Never), Start::new("write to bea")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("error false: sent to bea"));
    assert_eq!(sent.load(Ordering::SeqCst), 1);
    assert_eq!(run.view().await.unwrap().usage, Usage::new(20, 10));
}

#[tokio::test(start_paused = true)]
async fn a_tool_waits_for_approval_and_runs() {
    let harness = harness();
    let (builder, sent) = host(harness.builder());
    let runtime = build(builder);
    let run = runtime.start(&with_tool(Approval::Always), Start::new("write to bea")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    assert_eq!(task.request.cause, TaskCause::Approval { of: name("send") });
    assert_eq!(task.request.subject, map([("to", Value::from("bea"))]));
    assert_eq!(sent.load(Ordering::SeqCst), 0);
    runtime.decide(task.task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("error false: sent to bea"));
    assert_eq!(sent.load(Ordering::SeqCst), 1);
    // The turn before the approval was paid once.
    assert_eq!(run.view().await.unwrap().usage, Usage::new(20, 10));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_tool_never_runs_and_the_model_hears_why() {
    let harness = harness();
    let (builder, sent) = host(harness.builder());
    let runtime = build(builder);
    let run = runtime.start(&with_tool(Approval::Always), Start::new("write to bea")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    runtime.decide(task.task, Decision::reject_because("bea is away"), ana()).await.unwrap();
    let output = completed(&run).await.to_text();
    assert!(output.contains("error true") && output.contains("bea is away"), "{output}");
    assert_eq!(sent.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_turn_that_was_paid_for_counts() {
    let mut plan = plan();
    let agent = plan.agent("clerk", "model", vec![]);
    let root = plan.scope("main", |scope| {
        let at = scope.agent("ask", agent);
        scope.edit(at, |node| node.policy.retry.max_attempts = NonZeroU32::new(2).unwrap());
    });
    let model = ScriptedModel::taking_time(|_, context| async move {
        match context.attempt.as_u32() {
            1 => Err(CallError::retryable("provider_stream_cut", "the answer was cut").with_usage(Usage::new(7, 3))),
            _ => Ok(answer("done")),
        }
    });
    let harness = harness();
    let runtime = build(harness.builder().provider("model", Arc::new(model)));
    let run = runtime.start(&plan.build(root).unwrap(), Start::new("go")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("done"));
    assert_eq!(run.view().await.unwrap().usage, Usage::new(17, 8));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_cut_runs_no_tool_and_is_no_answer() {
    let model = ScriptedModel::new(|request: &ModelRequest| {
        let mut next = match request.messages.last().map(|last| last.parts.as_slice()) {
            Some([Part::ToolResult(result)]) => answer(&result.content.to_text()),
            _ => asks_for([("send", map([("to", Value::from("bea"))]))]),
        };
        next.stop = StopReason::Length;
        Ok(next)
    });
    let harness = harness();
    let (tool, sent) = send();
    let runtime = build(harness.builder().provider("model", Arc::new(model)).tool(tool));
    let run = runtime.start(&with_tool(Approval::Never), Start::new("write")).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Provider, Some("provider_answer_cut")));
    assert_eq!(sent.load(Ordering::SeqCst), 0);
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "call_refused"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_simple_agent_drops_no_calls() {
    let mut plan = plan();
    let agent = plan.agent("clerk", "model", vec![]);
    plan.edit(|plan| plan.agents[0].strategy = Strategy::Simple);
    let root = plan.scope("main", |scope| {
        scope.agent("ask", agent);
    });
    let harness = harness();
    let runtime = build(harness.builder().provider("model", Arc::new(clerk())));
    let run = runtime.start(&plan.build(root).unwrap(), Start::new("write")).await.unwrap();
    assert_eq!(failed(&run).await.code.as_deref(), Some("provider_unexpected_tool_calls"));
}

#[tokio::test(start_paused = true)]
async fn tools_of_one_turn_run_side_by_side() {
    let mut plan = plan();
    let tool = plan.tool("nap", Effect::Read, Approval::Never);
    let agent = plan.agent("sleeper", "model", vec![tool]);
    let root = plan.scope("main", |scope| {
        scope.agent("ask", agent);
    });
    let plan = plan.build(root).unwrap();
    let model = ScriptedModel::new(|request: &ModelRequest| match request.messages.last() {
        Some(message) if message.role == Role::Tool => Ok(answer("rested")),
        _ => Ok(asks_for((0..3).map(|n| ("nap", map([("n", int(n))]))))),
    });
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Nap {
        n: u32,
    }
    let nap = typed::tool("nap", "Naps.", |nap: Nap| async move {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        Ok::<_, CallError>(nap.n)
    });
    let harness = harness();
    let runtime = build(harness.builder().provider("model", Arc::new(model)).tool(nap.unwrap()));
    use kneo_core::clock::Clock as _;
    let before = harness.clock().now();
    let run = runtime.start(&plan, Start::new("rest")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("rested"));
    assert_eq!(harness.clock().now().since(before), std::time::Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn deltas_are_numbered_by_attempt() {
    #[derive(Debug, Default)]
    struct Sink(std::sync::Mutex<Vec<Delta>>);
    impl DeltaSink for Sink {
        fn push(&self, delta: Delta) {
            self.0.lock().unwrap().push(delta);
        }
    }
    let model = ScriptedModel::taking_time(|_, context| async move {
        context.deltas.push("hel");
        context.deltas.push("lo");
        Ok(answer("hello"))
    });
    let mut plan = plan();
    let agent = plan.agent("greeter", "model", vec![]);
    let root = plan.scope("main", |scope| {
        scope.agent("greet", agent);
    });
    let sink = Arc::new(Sink::default());
    let harness = harness();
    let builder = harness.builder().provider("model", Arc::new(model)).deltas(Arc::clone(&sink) as _);
    let finished = harness.run(builder, &plan.build(root).unwrap(), "hi").await.unwrap();
    let deltas = sink.0.lock().unwrap().clone();
    let said: Vec<(u64, &str)> = deltas.iter().map(|delta| (delta.index, &*delta.text)).collect();
    assert_eq!(said, [(0, "hel"), (1, "lo")]);
    assert!(deltas.iter().all(|delta| delta.run == finished.run && delta.turn.to_string() == "0#1/t1"));
}
