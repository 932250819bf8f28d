//! Agreeing to tool calls: in a better form, and for the rest of the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kneo_core::message::Part;
use kneo_core::plan::{Approval, CompiledPlan, Effect, OnBranchError};
use kneo_core::provider::ModelRequest;
use kneo_core::task::{Decision, DecisionKind};
use kneo_core::tool::Tool;
use kneo_core::{Payload, Value};
use kneo_runtime::testkit::{ScriptedModel, answer, asks_for};
use kneo_runtime::{RuntimeError, Start, typed};

use super::support::*;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Letter {
    to: String,
}

fn send() -> (Arc<dyn Tool>, Arc<Log>) {
    let log = Arc::new(Log::default());
    let logs = Arc::clone(&log);
    let tool = typed::tool("send", "Sends a letter.", move |letter: Letter| {
        logs.say(letter.to.clone());
        async move { Ok::<_, kneo_core::call::CallError>(format!("sent to {}", letter.to)) }
    });
    (tool.unwrap(), log)
}

fn with_tool() -> Arc<CompiledPlan> {
    let mut plan = plan();
    let tool = plan.tool("send", Effect::Write, Approval::Always);
    let agent = plan.agent("clerk", "model", vec![tool]);
    let root = plan.scope("main", |scope| {
        scope.agent("ask", agent);
    });
    plan.build(root).unwrap()
}

/// Asks for the tool so many times, then says what came back last.
fn clerk(times: u32) -> (Arc<ScriptedModel>, Arc<AtomicU32>) {
    let turns = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&turns);
    let model = ScriptedModel::new(move |request: &ModelRequest| {
        count.fetch_add(1, Ordering::SeqCst);
        if request.turn <= times {
            return Ok(asks_for([("send", map([("to", Value::from(format!("bea {}", request.turn)))]))]));
        }
        match request.messages.last().map(|last| last.parts.as_slice()) {
            Some([Part::ToolResult(result)]) => Ok(answer(&result.content.to_text())),
            other => panic!("{other:?}"),
        }
    });
    (Arc::new(model), turns)
}

fn edit(arguments: Value) -> Decision {
    Decision::Edit { content: Payload::new(arguments).unwrap() }
}

#[tokio::test(start_paused = true)]
async fn a_call_runs_with_the_arguments_of_the_person_and_the_model_hears_of_it() {
    let harness = harness();
    let ((tool, sent), (model, turns)) = (send(), clerk(1));
    let runtime = build(harness.builder().tool(tool).provider("model", model));
    let run = runtime.start(&with_tool(), Start::new("go")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    use DecisionKind::{Approve, ApproveForRun, Edit, Reject};
    assert_eq!(task.request.actions, [Approve, Reject, Edit, ApproveForRun]);

    // What does not fit the tool is refused, and nothing is written.
    let before = harness.journal(run.id()).await.unwrap().len();
    for unfit in [map([("from", Value::from("cy"))]), Value::from("cy"), map([("to", int(7))])] {
        let error = runtime.decide(task.task, edit(unfit), ana()).await.unwrap_err();
        assert!(matches!(error, RuntimeError::DecisionInvalid { .. }), "{error}");
        assert!(error.to_string().contains("do not fit the tool's schema"), "{error}");
    }
    assert_eq!(harness.journal(run.id()).await.unwrap().len(), before);

    runtime.decide(task.task, edit(map([("to", Value::from("cy"))])), ana()).await.unwrap();
    let output = completed(&run).await;
    let heard = Value::from_json_text(output.as_str().unwrap()).unwrap();
    assert_eq!(sent.lines(), ["cy"]);
    assert_eq!(heard.get("result"), Some(&Value::from("sent to cy")));
    assert_eq!(heard.get("arguments"), Some(&map([("to", Value::from("cy"))])));
    assert_eq!(heard.get("note"), Some(&Value::from("ana changed the arguments before the call")));
    assert_eq!(turns.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn who_agrees_for_the_run_is_not_asked_again_in_that_run() {
    let harness = harness();
    let ((tool, sent), (model, _)) = (send(), clerk(3));
    let runtime = build(harness.builder().tool(tool).provider("model", model));
    let run = runtime.start(&with_tool(), Start::new("go")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    let comment = Some("go ahead".into());
    runtime.decide(task.task, Decision::ApproveForRun { comment }, ana()).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("sent to bea 3"));
    assert_eq!(sent.lines(), ["bea 1", "bea 2", "bea 3"]);
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "task_opened"), 1);

    // Another run asks anew.
    let other = runtime.start(&with_tool(), Start::new("go")).await.unwrap();
    assert_eq!(blocked(&other).await.len(), 1);
}

/// Whoever agrees for the run has agreed to what was asked already, in whichever branch.
#[tokio::test(start_paused = true)]
async fn who_agrees_for_the_run_is_not_asked_what_is_open_already() {
    let harness = harness();
    let (tool, sent) = send();
    let model = ScriptedModel::new(|request: &ModelRequest| match request.turn {
        1 => Ok(asks_for(["ada", "bea"].map(|to| ("send", map([("to", Value::from(to))]))))),
        _ => Ok(answer("sent")),
    });
    let mut plan = plan();
    let tools = vec![plan.tool("send", Effect::Write, Approval::Always)];
    let agent = plan.agent("clerk", "model", tools);
    let root = plan.scope("main", |scope| {
        let branches = [scope.agent("left", agent), scope.agent("right", agent)];
        scope.fork("both", &branches, OnBranchError::FailFast);
    });
    let runtime = build(harness.builder().tool(tool).provider("model", Arc::new(model)));
    let run = runtime.start(&plan.build(root).unwrap(), Start::new("go")).await.unwrap();
    let tasks = blocked(&run).await;
    assert_eq!(tasks.len(), 4);
    runtime.decide(tasks[0].task, Decision::ApproveForRun { comment: None }, ana()).await.unwrap();
    completed(&run).await;
    let mut lines = sent.lines();
    lines.sort();
    assert_eq!(lines, ["ada", "ada", "bea", "bea"]);
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!((count(&journal, "task_opened"), count(&journal, "task_withdrawn")), (4, 3));
}

/// What was agreed to for the run stands in the journal, and holds wherever the run goes on.
#[tokio::test(start_paused = true)]
async fn an_agreement_for_the_run_outlives_its_worker() {
    let harness = harness();
    let (tool, sent) = send();
    let worker = || build(harness.builder().tool(Arc::clone(&tool)).provider("model", clerk(3).0));
    let first = worker();
    let run = first.start(&with_tool(), Start::new("go")).await.unwrap();
    let (id, task) = (run.id(), blocked(&run).await.remove(0));
    drop((run, first));
    let client = build(harness.builder().client_only());
    client.decide(task.task, Decision::ApproveForRun { comment: None }, ana()).await.unwrap();
    drop(client);
    assert_eq!(completed(&worker().run(id)).await, Value::from("sent to bea 3"));
    assert_eq!(sent.lines(), ["bea 1", "bea 2", "bea 3"]);
    assert_eq!(count(&harness.journal(id).await.unwrap(), "task_opened"), 1);
}

/// Whoever decides may not have the tool at hand, as a host that runs nothing has not: what runs it looks again.
#[tokio::test(start_paused = true)]
async fn a_better_form_that_does_not_fit_runs_nothing() {
    let harness = harness();
    let ((tool, sent), (model, _)) = (send(), clerk(1));
    let worker = build(harness.builder().tool(tool).provider("model", model));
    let run = worker.start(&with_tool(), Start::new("go")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    let client = build(harness.builder().client_only());
    client.decide(task.task, edit(map([("to", int(7))])), ana()).await.unwrap();
    let heard = completed(&run).await;
    let heard = heard.as_str().unwrap();
    assert!(heard.contains("a person changed the arguments to some that do not fit the tool's schema"), "{heard}");
    assert_eq!((sent.lines().len(), count(&harness.journal(run.id()).await.unwrap(), "call_refused")), (0, 1));
}

/// A workflow behind a tool gets the better form as any tool does.
#[tokio::test(start_paused = true)]
async fn an_agent_is_asked_in_a_better_form() {
    let mut plan = plan();
    let expert = plan.agent("expert", "expert", vec![]);
    let inner = plan.scope("inner", |scope| {
        scope.agent("answer", expert);
    });
    let tool = plan.workflow_tool("expert", inner);
    let text = r#"{"type": "object", "required": ["input"], "properties": {"input": {"type": "string"}}}"#;
    let takes = plan.schema(Value::from_json_text(text).unwrap());
    plan.edit(|plan| {
        plan.tools[0].approval = Approval::Always;
        plan.tools[0].parameters = Some(takes);
    });
    let boss = plan.agent("boss", "model", vec![tool]);
    let root = plan.scope("main", |scope| {
        scope.agent("ask", boss);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let boss = ScriptedModel::new(|request: &ModelRequest| match request.messages.last().map(|last| &*last.parts) {
        Some([Part::ToolResult(result)]) => Ok(answer(&result.content.to_text())),
        _ => Ok(asks_for([("expert", map([("input", Value::from("why"))]))])),
    });
    let expert = ScriptedModel::new(|request: &ModelRequest| {
        Ok(answer(&format!("{}? because", request.messages.last().unwrap().to_text())))
    });
    let runtime = build(harness.builder().provider("model", Arc::new(boss)).provider("expert", Arc::new(expert)));
    let run = runtime.start(&plan, Start::new("go")).await.unwrap();
    let task = blocked(&run).await.remove(0);
    let unfit = runtime.decide(task.task, edit(map([("question", Value::from("how"))])), ana()).await.unwrap_err();
    assert!(unfit.to_string().contains("do not fit the tool's schema"), "{unfit}");
    runtime.decide(task.task, edit(map([("input", Value::from("how"))])), ana()).await.unwrap();
    let heard = completed(&run).await;
    let heard = Value::from_json_text(heard.as_str().unwrap()).unwrap();
    assert_eq!(heard.get("result"), Some(&Value::from("how? because")));
}

/// Who agrees to one call is asked about the next.
#[tokio::test(start_paused = true)]
async fn who_agrees_once_is_asked_again() {
    let harness = harness();
    let ((tool, sent), (model, _)) = (send(), clerk(2));
    let runtime = build(harness.builder().tool(tool).provider("model", model));
    let run = runtime.start(&with_tool(), Start::new("go")).await.unwrap();
    for _ in 0..2 {
        let task = blocked(&run).await.remove(0);
        runtime.decide(task.task, Decision::approve(), ana()).await.unwrap();
    }
    assert_eq!(completed(&run).await, Value::from("sent to bea 2"));
    assert_eq!(sent.lines(), ["bea 1", "bea 2"]);
}
