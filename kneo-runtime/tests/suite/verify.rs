//! Plans that somebody vouches for: asked at the start, at each take-over, and held to their sequence.

use std::sync::Arc;

use kneo_core::plan::{CompiledPlan, Effect, RequestType};
use kneo_core::seal::{Claim, Seal, SealError, SealKey, SealVerifier};
use kneo_core::secret::{MemorySecrets, Secret, Secrets};
use kneo_core::task::Decision;
use kneo_core::{Actor, RunStatus};
use kneo_runtime::testkit::Harness;
use kneo_runtime::{Outcome, PreflightProblem, Runtime, RuntimeError, Start};

use super::support::*;

/// Asks a person, then calls `work`.
fn gated() -> Arc<CompiledPlan> {
    let mut plan = plan();
    let human = plan.human("editor", RequestType::Approval);
    let work = plan.function("work", Effect::Idempotent);
    let root = plan.scope("main", |scope| {
        let (gate, work) = (scope.human("gate", human), scope.function("work", work));
        scope.edge(gate, work);
    });
    plan.build(root).unwrap()
}

fn secret(key: &str) -> Secret {
    Secret::new(key.repeat(32))
}

fn sealed(plan: &CompiledPlan, sequence: u64, key: &str) -> Arc<CompiledPlan> {
    let claim = Claim {
        key: name("release"),
        workflow: plan.plan().name.clone(),
        plan: plan.digest(),
        sequence,
        environment: None,
        approved_by: name("ana"),
        sealed_at: kneo_core::Timestamp::default(),
    };
    let seal = Seal::new(claim, &SealKey::new(&secret(key)).unwrap()).unwrap();
    Arc::new(plan.clone().with_seal(seal))
}

fn strict(harness: &Harness) -> Runtime {
    let secrets = MemorySecrets::new().with(name("key"), secret("k"));
    let verifier = SealVerifier::new(Secrets::of(Arc::new(secrets))).key(name("release"), name("key"));
    build(harness.builder().function("work", inc()).plan_verifier(Arc::new(verifier)))
}

fn why(error: &RuntimeError) -> &SealError {
    match error {
        RuntimeError::PlanUnverified { error, .. } => error,
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_vouched_for_starts() {
    let harness = harness();
    let runtime = strict(&harness);
    let plan = chain(1, Effect::Idempotent);
    let error = runtime.start(&plan, Start::new(int(0))).await.unwrap_err();
    assert_eq!((error.code(), why(&error)), ("plan_unverified", &SealError::Missing));
    let forged = sealed(&plan, 1, "x");
    assert!(matches!(why(&runtime.start(&forged, Start::new(int(0))).await.unwrap_err()), SealError::Altered { .. }));
    let problems = runtime.preflight(&forged).await.unwrap_err().problems;
    assert!(matches!(problems.as_slice(), [PreflightProblem::Unverified(_)]), "{problems:?}");
    let run = runtime.start(&sealed(&plan, 1, "k"), Start::new(int(0))).await.unwrap();
    assert_eq!(completed(&run).await, int(1));
    assert_eq!(
        harness
            .store()
            .runs(&kneo_core::store::RunQuery::new(Default::default()), Default::default())
            .await
            .unwrap()
            .len(),
        1
    );
}

/// A plan that has run is not followed by an older one; a run that began under an older one goes on.
#[tokio::test(start_paused = true)]
async fn an_older_plan_does_not_start_after_a_later_one() {
    let harness = harness();
    let runtime = strict(&harness);
    let plan = gated();
    let old = runtime.start(&sealed(&plan, 1, "k"), Start::new(int(0))).await.unwrap();
    let task = blocked(&old).await.remove(0).task;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    runtime.start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap();
    // Another process knows of it from the store.
    let other = strict(&harness);
    let error = other.start(&sealed(&plan, 1, "k"), Start::new(int(0))).await.unwrap_err();
    assert_eq!(why(&error), &SealError::RolledBack { sequence: 1, least: 2 });
    other.start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap();
    runtime.decide(task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&old).await, int(1));
}

/// Runs that others started without a seal, or under one that does not count, do not go on here.
#[tokio::test(start_paused = true)]
async fn what_is_not_vouched_for_does_not_go_on() {
    for plan in [gated(), sealed(&gated(), 1, "x")] {
        let harness = harness();
        let lax = build(harness.builder().function("work", inc()));
        let run = lax.start(&plan, Start::new(int(0))).await.unwrap();
        let task = blocked(&run).await.remove(0).task;
        let id = run.id();
        drop((run, lax));
        let runtime = strict(&harness);
        let error = runtime.resume(id).await.unwrap_err();
        assert_eq!(error.code(), "plan_unverified", "{error}");
        // A decision is durable, and still nothing runs here.
        runtime.decide(task, Decision::approve(), ana()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(120)).await;
        assert!(!runtime.run(id).status().await.unwrap().is_terminal());
        let journal = harness.journal(id).await.unwrap();
        assert_eq!(count(&journal, "effect_intended"), 0, "{:?}", kinds(&journal));
        // It can be stopped all the same.
        runtime.cancel(id, "not ours", Actor::Host).await.unwrap();
        assert!(matches!(runtime.run(id).wait().await.unwrap(), Outcome::Cancelled));
        assert_eq!(runtime.run(id).status().await.unwrap(), RunStatus::Cancelled);
    }
}

/// A store in which a plan's bytes were changed gives no plan; one in which the record was changed gives no seal.
#[tokio::test(start_paused = true)]
async fn a_seal_travels_with_its_run() {
    let harness = harness();
    let runtime = strict(&harness);
    let run = runtime.start(&sealed(&gated(), 1, "k"), Start::new(int(0))).await.unwrap();
    let task = blocked(&run).await.remove(0).task;
    let id = run.id();
    drop((run, runtime));
    let other = strict(&harness);
    other.decide(task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&other.run(id)).await, int(1));
}
