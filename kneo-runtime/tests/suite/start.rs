use std::sync::Arc;
use std::time::Duration;

use kneo_core::Value;
use kneo_core::plan::{CompiledPlan, Effect, Requirement};
use kneo_core::store::{Page, RunQuery};
use kneo_runtime::{Admission, BuildError, Outcome, Runtime, RuntimeError, Start};

use super::support::*;

async fn runs(runtime: &Runtime) -> usize {
    runtime.runs(&RunQuery::default(), Page::default()).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn the_same_start_is_made_once() {
    let harness = harness();
    let (work, calls) = counted();
    let runtime = build(harness.builder().function("work", work));
    let plan = chain(1, Effect::Write);
    let start = || Start::new(map([("b", int(1)), ("a", int(2))])).label("team", "red").idempotency_key("k1");
    let first = runtime.start(&plan, start()).await.unwrap();
    assert_eq!(first.admission(), Admission::Claimed);
    completed(&first).await;
    // The order of an input's keys does not matter, and neither does the plan.
    let again = Start::new(map([("a", int(2)), ("b", int(1))])).label("team", "red").idempotency_key("k1");
    let second = runtime.start(&chain(2, Effect::Write), again).await.unwrap();
    assert_eq!((second.id(), second.admission()), (first.id(), Admission::StartedBefore));
    assert_eq!(completed(&second).await, int(1));
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 1);

    let other = Start::new(int(7)).label("team", "red").idempotency_key("k1");
    let error = runtime.start(&plan, other).await.unwrap_err();
    assert_eq!(error.code(), "idempotency_key_conflict");
    assert_eq!(error.place().unwrap().run, first.id());
    let other = start().label("team", "blue");
    assert_eq!(runtime.start(&plan, other).await.unwrap_err().code(), "idempotency_key_conflict");
    assert_eq!(runs(&runtime).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_exclusive_key_is_held_until_the_run_ends() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", slow(10)));
    let plan = chain(1, Effect::Read);
    let first = runtime.start(&plan, Start::new(int(0)).exclusive("repo-1")).await.unwrap();
    let error = runtime.start(&plan, Start::new(int(0)).exclusive("repo-1")).await.unwrap_err();
    let RuntimeError::Conflict { key, holder } = &error else { panic!("{error}") };
    assert!(key.contains("repo-1") && *holder == first.id() && error.is_retryable(), "{error}");
    let other = runtime.start(&plan, Start::new(int(0)).exclusive("repo-2")).await.unwrap();
    completed(&first).await;
    completed(&other).await;
    completed(&runtime.start(&plan, Start::new(int(0)).exclusive("repo-1")).await.unwrap()).await;
}

fn with_input() -> Arc<CompiledPlan> {
    let mut plan = plan();
    let schema =
        Value::from_json_text(r#"{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}"#);
    let schema = plan.schema(schema.unwrap());
    plan.input(schema);
    let work = plan.function("work", Effect::Read);
    let root = plan.scope("main", |scope| {
        scope.function("step", work);
    });
    plan.build(root).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_input_that_does_not_fit_starts_nothing() {
    let harness = harness();
    for builder in [harness.builder().function("work", inc()), harness.builder().client_only()] {
        let runtime = build(builder);
        let error = runtime.start(&with_input(), Start::new(map([("n", Value::from("x"))]))).await.unwrap_err();
        assert_eq!(error.code(), "input_invalid");
        assert!(error.to_string().contains("at `/n`"), "{error}");
        let error = runtime.start(&with_input(), Start::new(map([("n", int(1))])).by(" ana")).await.unwrap_err();
        assert!(error.to_string().contains("cannot be the starter"), "{error}");
        assert_eq!(runs(&runtime).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_missing_is_named_at_once() {
    let mut plan = plan();
    plan.agent("a", "openai", vec![]);
    plan.tool("search", Effect::Read, kneo_core::plan::Approval::Never);
    let work = plan.function("work", Effect::Read);
    let root = plan.scope("main", |scope| {
        scope.function("step", work);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder());
    let error = runtime.bind(&plan).unwrap_err();
    let wanted =
        [Requirement::Provider(name("openai")), Requirement::Tool(name("search")), Requirement::Function(name("work"))];
    assert_eq!(error.missing, wanted);
    assert_eq!(error.code(), "requirements_missing");
    let error = runtime.start(&plan, Start::new(int(0))).await.unwrap_err();
    assert_eq!(error.code(), "requirements_missing");
    assert_eq!(runs(&runtime).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_leaves_its_runs_to_workers() {
    let harness = harness();
    let client = build(harness.builder().client_only());
    let run = client.start(&chain(1, Effect::Read), Start::new(int(0)).by("ana")).await.unwrap();
    assert_eq!(run.admission(), Admission::LeftToWorkers);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let view = run.view().await.unwrap();
    assert_eq!((view.status.as_str(), view.starter), ("queued", ana()));
    assert_eq!(client.resume(run.id()).await.unwrap_err().code(), "client_only");
    // A worker without the function leaves it, too; one that has it takes it.
    let lacking = build(harness.builder());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(run.status().await.unwrap().as_str(), "queued");
    let error = lacking.resume(run.id()).await.unwrap_err();
    assert_eq!(error.code(), "requirements_missing");
    let _worker = build(harness.builder().function("work", inc()));
    assert_eq!(run.wait().await.unwrap(), Outcome::Completed(int(1)));
}

#[tokio::test(start_paused = true)]
async fn a_worker_with_its_hands_full_queues() {
    let harness = harness();
    let one = std::num::NonZeroUsize::new(1).unwrap();
    let runtime = build(harness.builder().function("work", slow(100)).max_live_runs(one));
    let plan = chain(1, Effect::Read);
    let first = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    let second = runtime.start(&plan, Start::new(int(1))).await.unwrap();
    assert_eq!((first.admission(), second.admission()), (Admission::Claimed, Admission::AtCapacity));
    assert_eq!(second.status().await.unwrap().as_str(), "queued");
    assert_eq!(completed(&first).await, int(1));
    assert_eq!(completed(&second).await, int(2));
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_cannot_work_is_not_built() {
    assert!(matches!(Runtime::builder().build().unwrap_err(), BuildError::StoreMissing));
    let harness = harness();
    let error = harness.builder().function("work", inc()).function("work", inc()).build().unwrap_err();
    assert_eq!(error.code(), "registered_twice");
    let error = harness.builder().function("", inc()).build().unwrap_err();
    assert_eq!(error.to_string(), "`` cannot name a function: a name cannot be empty");
    let error = harness.builder().poll(Duration::ZERO).build().unwrap_err();
    assert_eq!(error.code(), "option_invalid");
}

#[test]
fn a_runtime_needs_an_async_runtime() {
    let store = kneo_store::MemoryStore::new(Arc::new(kneo_runtime::system::SystemClock));
    let error = Runtime::builder().store(Arc::new(store)).build().unwrap_err();
    assert_eq!(error.code(), "async_runtime_missing");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_main_gives_back_is_for_people() {
    let runtime = build(harness().builder());
    let error = runtime.bind(&chain(1, Effect::Read)).unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "requirements_missing: this host cannot run `test`: function `work` is not registered"
    );
    let error = kneo_runtime::Runtime::builder().build().unwrap_err();
    assert_eq!(format!("{error:?}"), "store_missing: a runtime needs a store: call `store` on the builder");
}
