use std::sync::Arc;

use kneo_core::plan::{CompiledPlan, Effect, OnBranchError, RequestType};
use kneo_core::task::{Decision, DecisionKind};
use kneo_core::{Digest, Payload, Value};
use kneo_runtime::{Runtime, RuntimeError, Start};

use super::support::*;

/// A person between two calls of `work`.
fn gate(request: RequestType, change: impl FnOnce(&mut kneo_core::plan::HumanDef)) -> Arc<CompiledPlan> {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let human = plan.human("editor", request);
    plan.edit(|plan| change(&mut plan.humans[0]));
    let root = plan.scope("main", |scope| {
        let (a, gate, b) = (scope.function("a", work), scope.human("gate", human), scope.function("b", work));
        scope.edge(a, gate);
        scope.edge(gate, b);
    });
    plan.build(root).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_a_person_and_goes_on() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", inc()));
    let run = runtime.start(&gate(RequestType::Approval, |_| {}), Start::new(int(0))).await.unwrap();
    let tasks = blocked(&run).await;
    let [task] = tasks.as_slice() else { panic!("{tasks:?}") };
    let view = run.view().await.unwrap();
    assert_eq!((view.holder, view.ready_at, view.pending.len()), (None, None, 1));
    assert_eq!(view.steps[0].place, "gate#1");
    let decided = runtime.decide(task.task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(decided.run, run.id());
    assert_eq!(completed(&run).await, int(2));
    // Start; result and question; decision; claim and intent; result and end.
    assert_eq!(commits(&harness, run.id()).await, 5);
}

#[tokio::test(start_paused = true)]
async fn people_in_branches_and_nested_workflows_are_asked_side_by_side() {
    let mut plan = plan();
    let (one, two) = (plan.human("one", RequestType::Freeform), plan.human("two", RequestType::Freeform));
    let inner = plan.scope("inner", |scope| {
        scope.human("ask", two);
    });
    let root = plan.scope("main", |scope| {
        let (a, b) = (scope.human("a", one), scope.workflow("b", inner));
        scope.fork("both", &[a, b], OnBranchError::FailFast);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder());
    let run = runtime.start(&plan, Start::new(int(0))).await.unwrap();
    let tasks = blocked(&run).await;
    assert_eq!(tasks.len(), 2);
    let provide = |text: &str| Decision::Provide { content: Payload::new(Value::from(text)).unwrap() };
    let place = |task: &kneo_core::task::TaskRow| plan.plan().describe(&task.path);
    let [flat, deep] = ["both#1/branch 0/a#1", "both#1/branch 1/b#1/ask#1"]
        .map(|wanted| tasks.iter().find(|task| place(task) == wanted).unwrap());
    runtime.decide(deep.task, provide("deep"), ana()).await.unwrap();
    // One question is answered, the other still waits.
    let left = blocked(&run).await;
    assert_eq!(left.iter().map(|task| task.task).collect::<Vec<_>>(), [flat.task]);
    runtime.decide(flat.task, provide("flat"), ana()).await.unwrap();
    assert_eq!(completed(&run).await, map([("a", Value::from("flat")), ("b", Value::from("deep"))]));
}

#[tokio::test(start_paused = true)]
async fn siblings_go_on_while_one_waits() {
    let mut plan = plan();
    let work = plan.function("work", Effect::Idempotent);
    let human = plan.human("editor", RequestType::Approval);
    let root = plan.scope("main", |scope| {
        let (gate, work) = (scope.human("gate", human), scope.function("work", work));
        scope.fork("both", &[gate, work], OnBranchError::FailFast);
    });
    let plan = plan.build(root).unwrap();
    let harness = harness();
    let runtime = build(harness.builder().function("work", slow(60)));
    let run = runtime.start(&plan, Start::new(int(1))).await.unwrap();
    let query = kneo_core::store::TaskQuery::default();
    let open = loop {
        let open = runtime.tasks(&query, Default::default()).await.unwrap();
        if !open.is_empty() {
            break open;
        }
    };
    // Decided while the sibling is in flight: the actor that holds the run takes it.
    runtime.decide(open[0].task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&run).await, map([("gate", int(1)), ("work", int(2))]));
    let journal = harness.journal(run.id()).await.unwrap();
    assert_eq!(count(&journal, "run_claimed"), 1);
    let kinds = kinds(&journal);
    let decided = kinds.iter().position(|kind| *kind == "task_decided");
    let worked = kinds.iter().position(|kind| *kind == "effect_succeeded");
    assert!(decided < worked, "{kinds:?}");
}

async fn asked(runtime: &Runtime, plan: &Arc<CompiledPlan>) -> kneo_core::task::TaskRow {
    let run = runtime.start(plan, Start::new(int(0))).await.unwrap();
    blocked(&run).await.remove(0)
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_question_is_refused() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", inc()));
    let choice = gate(RequestType::Selection, |human| human.options = vec!["red".into(), "blue".into()]);
    let task = asked(&runtime, &choice).await;

    let error = runtime.decide(task.task, Decision::approve(), ana()).await.unwrap_err();
    assert_eq!(error.code(), "input_invalid");
    assert!(error.to_string().contains("it takes one of selected"), "{error}");
    assert!(error.place().is_some_and(|place| place.run == task.run.run && place.path == task.path));
    let error = runtime.decide(task.task, Decision::select("green"), ana()).await.unwrap_err();
    assert!(error.to_string().contains("`green` is not an option: choose one of red, blue"), "{error}");
    let error = runtime.decide_seen(task.task, Digest::of(b"other"), Decision::select("red"), ana()).await.unwrap_err();
    assert_eq!(error.code(), "request_changed");

    runtime.decide_seen(task.task, task.digest, Decision::select("red"), ana()).await.unwrap();
    let error = runtime.decide(task.task, Decision::select("blue"), ana()).await.unwrap_err();
    let RuntimeError::AlreadyDecided { decision, .. } = &error else { panic!("{error}") };
    assert_eq!((decision.kind, &decision.by), (DecisionKind::Select, &ana()));
    assert_eq!(error.code(), "already_decided");

    let unknown = "task_0198f2a7c0de7f00a1b2c3d4e5f60718".parse().unwrap();
    assert_eq!(runtime.decide(unknown, Decision::approve(), ana()).await.unwrap_err().code(), "task_not_found");
}

#[tokio::test(start_paused = true)]
async fn a_task_is_for_its_assignees_and_can_be_given_to_others() {
    let harness = harness();
    let runtime = build(harness.builder().function("work", inc()));
    let plan = gate(RequestType::Approval, |human| human.assignees = vec![name("bea")]);
    let task = asked(&runtime, &plan).await;
    let error = runtime.decide(task.task, Decision::approve(), ana()).await.unwrap_err();
    assert_eq!(error.code(), "not_authorised");
    assert!(error.to_string().contains("it is for bea"), "{error}");
    let error = runtime.decide(task.task, Decision::approve(), kneo_core::Actor::Host).await.unwrap_err();
    assert_eq!(error.code(), "not_authorised");

    runtime.reassign(task.task, vec![name("ana")], ana()).await.unwrap();
    assert_eq!(runtime.task(task.task).await.unwrap().assignees, vec![name("ana")]);
    runtime.decide(task.task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&runtime.run(task.run.run)).await, int(2));
    let error = runtime.reassign(task.task, vec![], ana()).await.unwrap_err();
    assert_eq!(error.code(), "already_decided");
}

#[tokio::test(start_paused = true)]
async fn a_client_decides_and_a_worker_goes_on() {
    let harness = harness();
    let worker = build(harness.builder().function("work", inc()));
    let client = build(harness.builder().client_only());
    let task = asked(&worker, &gate(RequestType::Approval, |_| {})).await;
    client.decide(task.task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&client.run(task.run.run)).await, int(2));
}
