//! What must fit a schema: answers of agents, outputs of steps; and keys in the author's words.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kneo_core::call::CallContext;
use kneo_core::expr::{Expr, Root, TextPart, TextTemplate};
use kneo_core::plan::{CompiledPlan, Effect, NodeKind, OnError, Plan, RequestType};
use kneo_core::provider::ModelRequest;
use kneo_core::task::Decision;
use kneo_core::{FailureKind, Payload, Value};
use kneo_runtime::testkit::{PlanBuilder, ScriptedModel, answer};
use kneo_runtime::{Start, typed};

use super::support::*;

const TITLE: &str = r#"{"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}"#;

fn shaped(change: impl FnOnce(&mut Plan)) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let schema = plan.schema(Value::from_json_text(TITLE).unwrap());
    let agent = plan.agent("writer", "model", vec![]);
    plan.edit(|plan| plan.agents[0].output = Some(schema));
    let root = plan.scope("main", |scope| {
        scope.agent("write", agent);
    });
    plan.edit(change);
    plan.build(root).unwrap()
}

/// Gives these answers in turn.
fn says(texts: &'static [&'static str]) -> (Arc<ScriptedModel>, Arc<Log>) {
    let log = Arc::new(Log::default());
    let heard = Arc::clone(&log);
    let model = ScriptedModel::new(move |request: &ModelRequest| {
        let wanted = request.output.as_ref().expect("the provider is told of the schema");
        assert_eq!(wanted.schema, Value::from_json_text(TITLE).unwrap());
        heard.say(request.messages.last().unwrap().to_text());
        Ok(answer(texts[request.turn as usize - 1]))
    });
    (Arc::new(model), log)
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_the_json_that_its_schema_wants() {
    let harness = harness();
    let (model, _) = says(&[" {\"title\": \"On time\"}\n"]);
    let runtime = build(harness.builder().provider("model", model));
    let run = runtime.start(&shaped(|_| ()), Start::new("go")).await.unwrap();
    assert_eq!(completed(&run).await, map([("title", Value::from("On time"))]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_fit_is_asked_for_again_with_what_is_wrong() {
    let harness = harness();
    let (model, heard) = says(&["Sure! {\"title\": \"On time\"}", "{\"title\": 7}", "{\"title\": \"On time\"}"]);
    let runtime = build(harness.builder().provider("model", model));
    let run = runtime.start(&shaped(|_| ()), Start::new("go")).await.unwrap();
    assert_eq!(completed(&run).await, map([("title", Value::from("On time"))]));
    let heard = heard.lines();
    assert_eq!(heard[0], "go");
    assert!(heard[1].contains("it is not JSON"), "{heard:?}");
    assert!(heard[2].contains("at `/title`"), "{heard:?}");
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "answer_refused"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_fits_fails_the_step() {
    let harness = harness();
    let (model, heard) = says(&["no", "no", "no", "no"]);
    let runtime = build(harness.builder().provider("model", model));
    let run = runtime.start(&shaped(|_| ()), Start::new("go")).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::InvalidOutput, Some("output_schema")));
    assert!(failure.message.contains("answered 3 times"), "{failure}");
    assert_eq!(heard.lines().len(), 3);
}

/// What is asked again counts for the budget.
#[tokio::test(start_paused = true)]
async fn a_budget_ends_the_asking_too() {
    let harness = harness();
    let (model, heard) = says(&["no", "no", "no"]);
    let runtime = build(harness.builder().provider("model", model));
    let plan = shaped(|plan| plan.agents[0].model.token_budget = Some(20));
    let run = runtime.start(&plan, Start::new("go")).await.unwrap();
    assert_eq!(failed(&run).await.code.as_deref(), Some("token_budget_exceeded"));
    assert_eq!(heard.lines().len(), 2);
}

/// A step whose output must be an integer above three.
fn checked(step: impl FnOnce(&mut PlanBuilder) -> NodeKind, change: impl FnOnce(&mut Plan)) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let schema = plan.schema(Value::from_json_text(r#"{"type": "integer", "minimum": 3}"#).unwrap());
    let kind = step(&mut plan);
    let root = plan.scope("main", |scope| {
        let at = scope.node("step", kind);
        scope.edit(at, |node| node.output = Some(schema));
    });
    plan.edit(|plan| plan.scopes.last_mut().unwrap().name = name("main"));
    plan.edit(change);
    plan.build(root).unwrap()
}

fn function(plan: &mut PlanBuilder) -> NodeKind {
    NodeKind::Function(plan.function("work", Effect::Idempotent))
}

fn invalid(failure: &kneo_core::Failure) {
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::InvalidOutput, Some("output_schema")));
    assert!(failure.message.contains("output of `step` does not fit"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn an_output_that_does_not_fit_fails_the_step_and_is_not_recorded() {
    let harness = harness();
    let (work, calls) = counted();
    let runtime = build(harness.builder().function("work", work));
    let plan = checked(function, |plan| {
        plan.nodes[0].policy.retry.max_attempts = NonZeroU32::new(5).unwrap();
    });
    let run = runtime.start(&plan, Start::new(int(1))).await.unwrap();
    invalid(&failed(&run).await);
    // The same code gives the same: another attempt is for those who say that it helps.
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(count(&harness.journal(run.id()).await.unwrap(), "effect_succeeded"), 0);
    let run = runtime.start(&plan, Start::new(int(2))).await.unwrap();
    assert_eq!(completed(&run).await, int(3));
}

#[tokio::test(start_paused = true)]
async fn an_output_that_does_not_fit_is_tried_again_where_the_author_says_so() {
    let harness = harness();
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let work = typed::value_function(move |_, _| {
        let given = i64::from(count.fetch_add(1, Ordering::SeqCst));
        async move { Ok(int(given)) }
    });
    let runtime = build(harness.builder().function("work", work));
    let plan = checked(function, |plan| {
        let retry = &mut plan.nodes[0].policy.retry;
        (retry.max_attempts, retry.on) = (NonZeroU32::new(9).unwrap(), vec![FailureKind::InvalidOutput]);
    });
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(3));
    assert_eq!(tries.load(Ordering::SeqCst), 4);
}

/// Every kind of step is held to its schema, what stands in another's place too.
#[tokio::test(start_paused = true)]
async fn every_kind_of_step_is_checked() {
    let harness = harness();
    let model = ScriptedModel::new(|_| Ok(answer("7")));
    let fails =
        typed::value_function(|_, _| async { Err(kneo_core::call::CallError::fatal("broken", "it is broken")) });
    let builder = harness.builder().function("work", inc()).function("fails", fails);
    let runtime = build(builder.provider("model", Arc::new(model)));
    let nested = |plan: &mut PlanBuilder| {
        let work = plan.function("work", Effect::Idempotent);
        NodeKind::Workflow(plan.scope("inner", |scope| {
            scope.function("inner", work);
        }))
    };
    let agent = |plan: &mut PlanBuilder| NodeKind::Agent(plan.agent("writer", "model", vec![]));
    let set = |_: &mut PlanBuilder| {
        let value = kneo_core::expr::ValueTemplate::Expr(Expr::Root(Root::Prev));
        NodeKind::Set(vec![(name("n"), value)])
    };
    for plan in [checked(nested, |_| ()), checked(agent, |_| ()), checked(set, |_| ())] {
        let run = runtime.start(&plan, Start::new(int(1))).await.unwrap();
        invalid(&failed(&run).await);
    }
    assert_eq!(completed(&runtime.start(&checked(nested, |_| ()), Start::new(int(2))).await.unwrap()).await, int(3));

    let human = |plan: &mut PlanBuilder| NodeKind::Human(plan.human("editor", RequestType::Freeform));
    let run = runtime.start(&checked(human, |_| ()), Start::new(int(1))).await.unwrap();
    let task = blocked(&run).await.remove(0);
    let content = Payload::new(int(2)).unwrap();
    runtime.decide(task.task, Decision::Provide { content }, ana()).await.unwrap();
    invalid(&failed(&run).await);

    // A fallback gives the output of the step in whose place it runs.
    let mut plan = plan();
    let schema = plan.schema(Value::from_json_text(r#"{"minimum": 3}"#).unwrap());
    let (broken, work) = (plan.function("fails", Effect::Read), plan.function("work", Effect::Read));
    let root = plan.scope("main", |scope| {
        let (step, other) = (scope.function("step", broken), scope.function("other", work));
        scope.edit(step, |node| {
            node.output = Some(schema);
            node.policy.on_error = OnError::Fallback(other);
        });
    });
    let plan = plan.build(root).unwrap();
    let failure = failed(&runtime.start(&plan, Start::new(int(1))).await.unwrap()).await;
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::InvalidOutput, Some("output_schema")));
    let says = "the output of `other`, which ran in the place of `step`, does not fit the `output_schema` of `step`: ";
    assert!(failure.message.starts_with(says), "{failure}");
    assert_eq!(completed(&runtime.start(&plan, Start::new(int(2))).await.unwrap()).await, int(3));
}

/// A key in the author's words goes to the callee, the same for every attempt, and stands in the journal.
#[tokio::test(start_paused = true)]
async fn a_key_in_the_authors_words_reaches_the_callee() {
    let log = Arc::new(Log::default());
    let says = Arc::clone(&log);
    let work = typed::value_function(move |value, context: CallContext| {
        says.say(context.key().to_string());
        async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            match context.attempt.as_u32() {
                1 => Err(kneo_core::call::CallError::retryable("busy", "busy")),
                _ => Ok(value),
            }
        }
    });
    let mut plan = plan();
    let function = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        let at = scope.function("pay", function);
        scope.edit(at, |node| {
            let text = [TextPart::Text("invoice ".into()), TextPart::Hole(Expr::Root(Root::Prev))];
            node.idempotency_key = Some(TextTemplate::new(text));
            node.policy.retry.max_attempts = NonZeroU32::new(3).unwrap();
        });
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let first = build(harness.builder().function("work", Arc::clone(&work)));
    let run = first.start(&plan, Start::new(int(7))).await.unwrap().id();
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(first);
    let second = build(harness.builder().function("work", work));
    assert_eq!(completed(&second.run(run)).await, int(7));
    assert_eq!(log.lines(), ["invoice 7", "invoice 7"]);
    // A key that is none fails the step before anything is called.
    let run = second.start(&plan, Start::new(" \n")).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Expression, Some("idempotency_key_invalid")));
    assert_eq!(log.lines().len(), 2);
}
