//! Secrets: missed before a run, found when they are needed, and written nowhere.

use std::sync::Arc;

use kneo_core::call::CallError;
use kneo_core::plan::{CompiledPlan, Requirement};
use kneo_core::secret::{MemorySecrets, Secret, from_fn};
use kneo_core::{FailureKind, Value};
use kneo_runtime::testkit::{ScriptedModel, answer};
use kneo_runtime::{RuntimeError, Start};

use super::support::*;

fn refers() -> Arc<CompiledPlan> {
    let mut plan = plan();
    let agent = plan.agent("clerk", "model", vec![]);
    plan.edit(|plan| {
        let extra = map([("api_key_ref", Value::from("MODEL_KEY")), ("base_url", Value::from("http://localhost"))]);
        plan.agents[0].model.extra = Some(extra);
    });
    let root = plan.scope("main", |scope| {
        scope.agent("ask", agent);
    });
    plan.build(root).unwrap()
}

/// A model that opens only for the right key, and never says it.
fn locked() -> ScriptedModel {
    ScriptedModel::taking_time(|_, context| async move {
        let key = context.secrets.secret(&name("MODEL_KEY")).await;
        match key.map_err(|error| CallError::fatal(error.code(), error.to_string()))?.reveal() {
            "open sesame" => Ok(answer("welcome")),
            _ => Err(CallError::fatal("provider_unauthorised", "the key is wrong")),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_refers_to_secrets_needs_a_source() {
    let harness = harness();
    let runtime = build(harness.builder().provider("model", Arc::new(locked())));
    let error = runtime.bind(&refers()).unwrap_err();
    assert_eq!(error.missing, [Requirement::Secret(name("MODEL_KEY"))]);
    assert!(error.to_string().contains("secret `MODEL_KEY` cannot be had without a secret source"), "{error}");
    let error = runtime.start(&refers(), Start::new("hi")).await.unwrap_err();
    assert!(matches!(error, RuntimeError::RequirementsMissing(_)));
}

#[tokio::test(start_paused = true)]
async fn a_preflight_tells_of_every_secret_that_is_missing() {
    let harness = harness();
    let runtime = build(harness.builder().secrets(Arc::new(MemorySecrets::new())));
    let error = runtime.preflight(&refers()).await.unwrap_err();
    let codes: Vec<_> = error.problems.iter().map(|problem| problem.code()).collect();
    assert_eq!(codes, ["requirements_missing", "secret_missing"]);
    let text = error.to_string();
    assert!(text.contains("provider `model` is not registered") && text.contains("no secret `MODEL_KEY`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_call_finds_its_secret_when_it_needs_it() {
    let harness = harness();
    let secrets = MemorySecrets::new().with(name("MODEL_KEY"), Secret::new("open sesame".to_owned()));
    let runtime = build(harness.builder().provider("model", Arc::new(locked())).secrets(Arc::new(secrets)));
    runtime.preflight(&refers()).await.unwrap();
    let run = runtime.start(&refers(), Start::new("hi")).await.unwrap();
    assert_eq!(completed(&run).await, Value::from("welcome"));
    let journal = harness.journal(run.id()).await.unwrap();
    assert!(!format!("{journal:?}").contains("sesame"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_went_away_fails_the_turn() {
    let harness = harness();
    let runtime = build(harness.builder().provider("model", Arc::new(locked())).secrets(from_fn(|_| None)));
    let run = runtime.start(&refers(), Start::new("hi")).await.unwrap();
    let failure = failed(&run).await;
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Provider, Some("secret_missing")));
}
