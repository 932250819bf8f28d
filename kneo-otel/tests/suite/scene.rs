//! Runs of the real runtime on virtual time, in which everything happens that has a span.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kneo_core::call::CallError;
use kneo_core::expr::{Expr, TextPart, TextTemplate, ValueTemplate};
use kneo_core::message::{Message, Part, Role, StopReason, ToolCall};
use kneo_core::plan::{
    Approval, CompiledPlan, Effect, JoinRule, NodeKind, OnBranchError, OnError, OnTimeout, RequestType, Retry,
};
use kneo_core::provider::{ModelAnswer, ModelRequest, ToolOffer};
use kneo_core::run::RunKey;
use kneo_core::task::{Decision, TaskCause};
use kneo_core::tool::{Function, Tool};
use kneo_core::trace::TraceContext;
use kneo_core::{Actor, Namespace, Payload, RunId, Usage, Value};
use kneo_otel::OtelObserver;
use kneo_runtime::testkit::{Harness, PlanBuilder, ScriptedModel, ScriptedServer, ScriptedServers, answer};
use kneo_runtime::{Outcome, RunHandle, Runtime, RuntimeBuilder, Start, typed};
use kneo_store::MemoryStore;

use super::support::{History, map};

/// What is in every text that somebody says, and in no name.
pub(crate) const CANARY: &str = "hunter2";

fn says(what: &str) -> Value {
    Value::from(format!("{what} {CANARY}"))
}

fn words(text: &str) -> TextTemplate {
    TextTemplate::new([TextPart::Text(format!("{text} {CANARY}").into())])
}

const TITLE: &str = r#"{"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}"#;

/// An agent with tools of all kinds, a fork whose rest is cancelled, a fallback, questions, a step that is passed over,
/// a value, a loop that ends at its bound.
pub(crate) fn office() -> Arc<CompiledPlan> {
    let mut plan = PlanBuilder::new("office".parse().unwrap());
    let [work, flaky, slow, breaks] =
        ["work", "flaky", "slow", "breaks"].map(|name| plan.function(name, Effect::Idempotent));
    let (editor, absent) = (plan.human("editor", RequestType::Approval), plan.human("absent", RequestType::Approval));
    let expert = plan.agent("expert", "expert", vec![]);
    let advice = plan.scope("advice", |scope| {
        scope.agent("advise", expert);
    });
    let look = plan.tool("look", Effect::Read, Approval::Never);
    let send = plan.tool("send", Effect::Write, Approval::Always);
    let ask_expert = plan.workflow_tool("expert", advice);
    let files = plan.server("files");
    let clerk = plan.agent("clerk", "clerk", vec![look, send, ask_expert]);
    let title = plan.schema(Value::from_json_text(TITLE).unwrap());
    plan.edit(|plan| {
        let clerk = plan.agents.last_mut().unwrap();
        clerk.servers = vec![files];
        clerk.output = Some(title);
        clerk.model.name = Some("large".into());
        clerk.model.temperature = Some(0.5);
        clerk.system_prompt = Some(words("You are a clerk"));
        plan.humans[0].description = Some(words("Is it fine"));
        plan.humans[1].timeout_ms = Some(60_000);
        plan.humans[1].on_timeout = OnTimeout::Continue;
    });
    let nested = plan.scope("nested", |scope| {
        scope.function("inside", work);
    });
    let root = plan.scope("main", |scope| {
        let prepare = scope.function("prepare", flaky);
        let ask = scope.agent("ask", clerk);
        let (quick, long) = (scope.function("quick", work), scope.function("long", slow));
        let race = scope.fork("race", &[quick, long], OnBranchError::FailFast);
        let attempt = scope.function("attempt", breaks);
        let instead = scope.function("instead", work);
        let agree = scope.human("agree", editor);
        let wait = scope.human("wait", absent);
        let never = scope.function("never", work);
        let note =
            scope.node("note", NodeKind::Set(vec![("said".parse().unwrap(), ValueTemplate::Literal(says("set")))]));
        let below = scope.workflow("below", nested);
        scope.edit(prepare, |node| {
            let max_attempts = 3.try_into().unwrap();
            node.policy.retry = Retry { max_attempts, jitter: false, ..Retry::default() };
        });
        scope.edit(ask, |node| node.input = Some(ValueTemplate::Literal(says("input of ask"))));
        scope.edit(race, |node| {
            if let NodeKind::Fork(fork) = &mut node.kind {
                fork.join = JoinRule::Any;
            }
        });
        scope.edit(attempt, |node| node.policy.on_error = OnError::Fallback(instead));
        scope.edit(never, |node| node.when = Some(Expr::literal(&Value::from(false))));
        for pair in [prepare, ask, race, attempt, agree, wait, never, note, below].windows(2) {
            scope.edge(pair[0], pair[1]);
        }
    });
    plan.build(root).unwrap()
}

/// A model whose first answer asks for one call of each kind.
fn clerk() -> ScriptedModel {
    ScriptedModel::taking_time(|request: ModelRequest, _| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let calls = vec![
            ToolCall::new("call_0", "look", map([("text", says("arguments of look"))])),
            ToolCall::new(format!("id {CANARY}"), format!("no_such_{CANARY}"), map([("text", says("arguments"))])),
            ToolCall::new("call_2", "send", map([("text", says("arguments of send"))])),
            ToolCall::new("call_3", "expert", map([("input", says("question"))])),
            ToolCall::new("call_4", "read", map([("path", says("path"))])),
            ToolCall::from_text("call_5", "look", &format!("{{{CANARY}")),
            ToolCall::new("call_6", "look", map([("txt", says("arguments that do not fit"))])),
        ];
        Ok(match request.turn {
            1 => {
                let mut parts = vec![Part::Text(format!("let me see {CANARY}").into())];
                parts.extend(calls.into_iter().map(Part::ToolCall));
                let message = Message::new(Role::Assistant, parts);
                ModelAnswer::new(message, StopReason::ToolCalls, Usage::new(1_000, 50))
            }
            2 => answer(&format!("no JSON {CANARY}")),
            _ => answer(&format!(r#"{{"title": "final {CANARY}"}}"#)),
        })
    })
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Text {
    text: String,
}

fn tool(name: &str) -> Arc<dyn Tool> {
    let work = |text: Text| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, CallError>(format!("result of {} {CANARY}", text.text))
    };
    typed::tool(name.to_owned(), format!("Does {name}."), work).unwrap()
}

fn passes() -> Arc<dyn Function> {
    typed::value_function(|value, _| async move { Ok(map([("passed", value), ("said", says("result"))])) })
}

/// Everything that the plan needs, and an observer.
pub(crate) fn staffed(builder: RuntimeBuilder, observer: &Arc<OtelObserver>) -> Runtime {
    let tries = AtomicU32::new(0);
    let flaky = typed::value_function(move |value, _| {
        let first = tries.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            match first {
                true => Err(CallError::retryable("service_busy", format!("not now {CANARY}"))),
                false => Ok(value),
            }
        }
    });
    let slow = typed::value_function(|value, context: kneo_core::call::CallContext| async move {
        context.cancel.cancelled().await;
        Ok(value)
    });
    let breaks = typed::value_function(|_, _| async move {
        // A code that is none must not leave either.
        Err(CallError::fatal(format!("broken by {CANARY}"), format!("it is broken {CANARY}")))
    });
    let wants_path = r#"{"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}"#;
    let offer = ToolOffer::new("read", format!("Reads {CANARY}."), Value::from_json_text(wants_path).unwrap());
    let server = ScriptedServer::new().tool(offer, |_, _| async move { Ok(says("content")) });
    let expert = ScriptedModel::new(|_| Ok(answer(&format!("advice {CANARY}"))));
    let builder = builder
        .function("work", passes())
        .function("flaky", flaky)
        .function("slow", slow)
        .function("breaks", breaks)
        .tool(tool("look"))
        .tool(tool("send"))
        .mcp(Arc::new(ScriptedServers::new().server("files".parse().unwrap(), Arc::new(server))))
        .provider("clerk", Arc::new(clerk()))
        .provider("expert", Arc::new(expert));
    builder.observer(Arc::clone(observer) as _).build().unwrap()
}

pub(crate) fn harness() -> Harness {
    Harness::new(|clock| Arc::new(MemoryStore::new(clock)))
}

/// Answers what is asked, until the run has ended.
pub(crate) async fn to_the_end(runtime: &Runtime, run: &RunHandle) -> Outcome {
    loop {
        let tasks = match run.wait().await.unwrap() {
            Outcome::Blocked(tasks) => tasks,
            ended => return ended,
        };
        // Some questions are nobody's to answer, and expire.
        let Some(task) = tasks.iter().find(|task| task.deadline.is_none()) else {
            tokio::time::sleep(Duration::from_secs(61)).await;
            continue;
        };
        let decision = match &task.request.cause {
            TaskCause::Approval { .. } => {
                Decision::Edit { content: Payload::new(map([("text", says("better arguments"))])).unwrap() }
            }
            TaskCause::Uncertain { .. } => Decision::Retry,
            _ => Decision::Approve { comment: Some(format!("fine {CANARY}").into()) },
        };
        runtime.decide(task.task, decision, Actor::trusted("ana".parse().unwrap())).await.unwrap();
    }
}

/// The context that the run is started in.
pub(crate) const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Plays the whole scene, told to an observer; gives its journal.
pub(crate) async fn play(plan: Arc<CompiledPlan>, observer: &Arc<OtelObserver>) -> History {
    let harness = harness();
    let runtime = staffed(harness.builder(), observer);
    let parent: TraceContext = PARENT.parse().unwrap();
    let run = runtime.start(&plan, Start::new(says("input")).trace(parent)).await.unwrap();
    to_the_end(&runtime, &run).await;
    let name = plan.plan().name.to_string();
    runtime.shutdown().await;
    journal(&harness, name, plan, run.id()).await
}

async fn journal(harness: &Harness, name: String, plan: Arc<CompiledPlan>, run: RunId) -> History {
    let records = harness.journal(run).await.unwrap();
    History { name, run: RunKey::new(Namespace::default(), run), plan, records }
}
