//! Plans that somebody vouches for: asked at the start, at each take-over, and held to their sequence.

use std::sync::Arc;

use kneo_core::plan::{CompiledPlan, Effect, RequestType};
use kneo_core::seal::{Claim, MAX_SEQUENCE, PlanVerifier, Seal, SealError, SealKey, SealVerifier, Vouched};
use kneo_core::secret::{MemorySecrets, Secret, Secrets};
use kneo_core::store::{Page, Retention, RunQuery};
use kneo_core::task::Decision;
use kneo_core::{Actor, Namespace, RunStatus, Timestamp};
use kneo_runtime::testkit::Harness;
use kneo_runtime::{Admission, Outcome, PreflightProblem, Runtime, RuntimeError, Start};
use kneo_store::fault::{Call, Fault, FaultyStore, Gate, Op};

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
    sealed_for(plan, None, sequence, key)
}

fn sealed_for(plan: &CompiledPlan, environment: Option<&str>, sequence: u64, key: &str) -> Arc<CompiledPlan> {
    let claim = Claim {
        key: name("release"),
        workflow: plan.plan().name.clone(),
        plan: plan.digest(),
        sequence,
        environment: environment.map(name),
        approved_by: name("ana"),
        sealed_at: Timestamp::default(),
    };
    let seal = Seal::new(claim, &SealKey::new(&secret(key)).unwrap()).unwrap();
    Arc::new(plan.clone().with_seal(seal))
}

/// A verifier for which the key of this letter counts.
fn verifier(key: &str) -> SealVerifier {
    let secrets = MemorySecrets::new().with(name("key"), secret(key));
    SealVerifier::new(Secrets::of(Arc::new(secrets))).key(name("release"), name("key"))
}

fn with(harness: &Harness, verifier: impl PlanVerifier) -> Runtime {
    build(harness.builder().function("work", inc()).plan_verifier(Arc::new(verifier)))
}

fn strict(harness: &Harness) -> Runtime {
    with(harness, verifier("k"))
}

/// A runtime that verifies nothing.
fn lax(harness: &Harness) -> Runtime {
    build(harness.builder().function("work", inc()))
}

/// Asserts that a plan of some sequence is older than one that has started.
async fn assert_rolled_back(runtime: &Runtime, plan: &Arc<CompiledPlan>, least: u64) {
    let sequence = plan.seal().unwrap().claim().sequence;
    let error = runtime.start(plan, Start::new(int(0))).await.unwrap_err();
    assert_eq!((error.code(), why(&error)), ("plan_unverified", &SealError::RolledBack { sequence, least }));
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
    assert_rolled_back(&other, &sealed(&plan, 1, "k"), 2).await;
    let problems = other.preflight(&sealed(&plan, 1, "k")).await.unwrap_err().problems;
    match problems.as_slice() {
        [PreflightProblem::Unverified(error)] => {
            assert_eq!(why(error), &SealError::RolledBack { sequence: 1, least: 2 });
        }
        other => panic!("{other:?}"),
    }
    other.preflight(&sealed(&plan, 2, "k")).await.unwrap();
    other.start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap();
    runtime.decide(task, Decision::approve(), ana()).await.unwrap();
    assert_eq!(completed(&old).await, int(1));
}

/// Runs that others started without a seal, or under one that does not count, do not go on here.
#[tokio::test(start_paused = true)]
async fn what_is_not_vouched_for_does_not_go_on() {
    for plan in [gated(), sealed(&gated(), 1, "x")] {
        let harness = harness();
        let lax = lax(&harness);
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

/// A seal that no key of this place has made does not count here, whoever ran its plan in the same store.
#[tokio::test(start_paused = true)]
async fn a_foreign_seal_keeps_nothing_from_starting() {
    let harness = harness();
    let plan = chain(1, Effect::Idempotent);
    for environment in [None, Some("production")] {
        let foreign = sealed_for(&plan, environment, MAX_SEQUENCE, "x");
        completed(&lax(&harness).start(&foreign, Start::new(int(0))).await.unwrap()).await;
        let runtime = strict(&harness);
        completed(&runtime.start(&sealed_for(&plan, environment, 2, "k"), Start::new(int(0))).await.unwrap()).await;
        assert_rolled_back(&runtime, &sealed_for(&plan, environment, 1, "k"), 2).await;
    }
}

/// Each environment counts for itself, though hosts of several share a store.
#[tokio::test(start_paused = true)]
async fn another_environment_keeps_nothing_from_starting() {
    let harness = harness();
    let plan = chain(1, Effect::Idempotent);
    let staging = with(&harness, verifier("x").environment(name("staging")));
    let run = staging.start(&sealed_for(&plan, Some("staging"), MAX_SEQUENCE, "x"), Start::new(int(0))).await.unwrap();
    completed(&run).await;
    let production = with(&harness, verifier("k").environment(name("production")));
    let run = production.start(&sealed_for(&plan, Some("production"), 2, "k"), Start::new(int(0))).await.unwrap();
    completed(&run).await;
    assert_rolled_back(&production, &sealed_for(&plan, Some("production"), 1, "k"), 2).await;
    assert_rolled_back(&staging, &sealed_for(&plan, Some("staging"), 9, "x"), MAX_SEQUENCE).await;
    // A host that takes seals for any place has a bound for those as well.
    let anywhere = strict(&harness);
    anywhere.start(&sealed(&plan, 1, "k"), Start::new(int(0))).await.unwrap();
    assert_rolled_back(&anywhere, &sealed_for(&plan, Some("production"), 1, "k"), 2).await;
}

/// What runs without a seal, or without a verifier, resets nothing and is not kept from starting.
#[tokio::test(start_paused = true)]
async fn runs_that_nobody_verified_reset_nothing() {
    let harness = harness();
    let plan = chain(1, Effect::Idempotent);
    let (strict, lax) = (strict(&harness), lax(&harness));
    strict.start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap();
    for unverified in [Arc::clone(&plan), sealed(&plan, 1, "k"), sealed(&plan, 1, "x")] {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        completed(&lax.start(&unverified, Start::new(int(0))).await.unwrap()).await;
        assert_rolled_back(&strict, &sealed(&plan, 1, "k"), 2).await;
    }
}

/// Deleting every run that was verified resets nothing.
#[tokio::test(start_paused = true)]
async fn deleting_runs_resets_nothing() {
    let harness = harness();
    let plan = chain(1, Effect::Idempotent);
    let runtime = strict(&harness);
    completed(&runtime.start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap()).await;
    let retention = Retention { namespace: Namespace::default(), ended_before: Timestamp::MAX, max: 10 };
    assert_eq!(harness.store().prune(&retention).await.unwrap().runs, 1);
    assert_rolled_back(&runtime, &sealed(&plan, 1, "k"), 2).await;
    assert!(harness.store().runs(&RunQuery::default(), Page::default()).await.unwrap().is_empty());
    completed(&runtime.start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap()).await;
}

/// A start that was verified and not yet committed when a later plan started does not pass it.
#[tokio::test(start_paused = true)]
async fn of_two_starts_at_once_the_older_does_not_pass() {
    for client in [false, true] {
        let harness = harness();
        let plan = chain(1, Effect::Idempotent);
        let gate = Gate::closed();
        let held = gate.clone();
        let store = FaultyStore::new(Arc::clone(harness.store()), move |call| match call {
            Call { op: Op::Commit, nth: 1, .. } => Fault::Wait(held.clone()),
            _ => Fault::None,
        });
        let builder = harness.builder().store(Arc::new(store)).plan_verifier(Arc::new(verifier("k")));
        let slow = build(if client { builder.client_only() } else { builder.function("work", inc()) });
        let old = sealed(&plan, 1, "k");
        let start = tokio::spawn(async move { slow.start(&old, Start::new(int(0))).await });
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(!start.is_finished());
        completed(&strict(&harness).start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap()).await;
        gate.open();
        let error = start.await.unwrap().unwrap_err();
        assert_eq!(why(&error), &SealError::RolledBack { sequence: 1, least: 2 });
        assert_eq!(harness.store().runs(&RunQuery::default(), Page::default()).await.unwrap().len(), 1);
    }
}

/// However a run is made, it counts: by a worker, by one that has its hands full, by a client.
#[tokio::test(start_paused = true)]
async fn every_way_to_start_counts() {
    let harness = harness();
    let plan = gated();
    let one = std::num::NonZeroUsize::MIN;
    let builder = || harness.builder().plan_verifier(Arc::new(verifier("k")));
    let full = build(builder().function("work", waits().0).max_live_runs(one));
    let client = build(builder().client_only());
    let busy = chain(1, Effect::Idempotent);
    let ways = [
        (&full, &busy, Admission::Claimed, 3),
        (&full, &plan, Admission::AtCapacity, 5),
        (&client, &plan, Admission::LeftToWorkers, 7),
    ];
    for (runtime, plan, admission, sequence) in ways {
        let run = runtime.start(&sealed(plan, sequence, "k"), Start::new(int(0))).await.unwrap();
        assert_eq!(run.admission(), admission);
        assert_rolled_back(runtime, &sealed(plan, sequence - 1, "k"), sequence).await;
        assert_rolled_back(&client, &sealed(plan, sequence - 1, "k"), sequence).await;
    }
}

/// A start under a key that has a run finds it, also after a later plan has started.
#[tokio::test(start_paused = true)]
async fn a_start_that_was_made_before_is_found() {
    let harness = harness();
    let plan = chain(1, Effect::Idempotent);
    let runtime = strict(&harness);
    let start = || Start::new(int(0)).idempotency_key("order 7");
    let first = runtime.start(&sealed(&plan, 1, "k"), start()).await.unwrap();
    runtime.start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap();
    for sequence in [1, 2, 3] {
        let again = runtime.start(&sealed(&plan, sequence, "k"), start()).await.unwrap();
        assert_eq!((again.id(), again.admission()), (first.id(), Admission::StartedBefore));
        let other = Start::new(int(1)).idempotency_key("order 7");
        let error = runtime.start(&sealed(&plan, sequence, "k"), other).await.unwrap_err();
        assert_eq!(error.code(), "idempotency_key_conflict");
    }
    // It made nothing, so that it raised nothing either.
    runtime.start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap();
}

/// A verifier of a host's own, that lets everything run.
#[derive(Debug)]
struct Says(Vouched);

#[async_trait::async_trait]
impl PlanVerifier for Says {
    async fn verify(&self, _: &CompiledPlan, _: Option<&Seal>) -> Result<Vouched, SealError> {
        Ok(self.0)
    }
}

/// Only a seal that a verifier says to have verified counts, and only if it can have been.
#[tokio::test(start_paused = true)]
async fn a_verifier_says_whether_the_seal_counts() {
    let harness = harness();
    let plan = chain(1, Effect::Idempotent);
    let otherwise = with(&harness, Says(Vouched::Otherwise));
    for foreign in [Arc::clone(&plan), sealed(&plan, MAX_SEQUENCE, "x"), sealed(&plan, 1, "x")] {
        completed(&otherwise.start(&foreign, Start::new(int(0))).await.unwrap()).await;
    }
    completed(&strict(&harness).start(&sealed(&plan, 2, "k"), Start::new(int(0))).await.unwrap()).await;
    let by_seal = with(&harness, Says(Vouched::BySeal));
    assert_rolled_back(&by_seal, &sealed(&plan, 1, "k"), 2).await;
    let start = async |plan: &Arc<CompiledPlan>| by_seal.start(plan, Start::new(int(0))).await.unwrap_err();
    assert_eq!(why(&start(&plan).await), &SealError::Missing);
    let stolen = (**sealed(&gated(), 9, "k").seal().unwrap()).clone();
    let dressed = Arc::new((*plan).clone().with_seal(stolen));
    assert!(matches!(why(&start(&dressed).await), SealError::OtherPlan { .. }));
    let mut beyond = serde_json::to_value(&**sealed(&plan, MAX_SEQUENCE, "k").seal().unwrap()).unwrap();
    beyond["claim"]["sequence"] = (MAX_SEQUENCE + 1).into();
    let beyond = Arc::new((*plan).clone().with_seal(serde_json::from_value(beyond).unwrap()));
    assert_eq!(why(&start(&beyond).await), &SealError::Sequence);
}
