//! The suite passes what is right, and catches what is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kneo_core::call::{CallContext, CallError};
use kneo_core::message::{Message, Role, StopReason};
use kneo_core::provider::{ModelAnswer, ModelRequest, OutputSchema, Provider};
use kneo_core::secret::Secrets;
use kneo_core::{Name, Usage, Value};
use kneo_providers::conformance::{self, Fixture, Report, Setup, Verdict};
use kneo_providers::{Answer, DummyProvider, Reply, Script, ScriptedProvider};

use super::support::ask;

#[derive(Debug)]
struct Dummy;

#[async_trait]
impl Fixture for Dummy {
    async fn answering(&self, texts: &[&str]) -> Setup {
        Setup::new(DummyProvider::new(), texts.iter().map(|text| ask("agent", 1, text)).collect())
    }
}

#[derive(Debug)]
struct Scripted;

impl Scripted {
    fn one(script: Script) -> Option<Setup> {
        let provider = ScriptedProvider::builder().agent("agent", script).build().unwrap();
        Some(Setup::new(provider, vec![ask("agent", 1, "go")]))
    }
}

#[async_trait]
impl Fixture for Scripted {
    async fn answering(&self, texts: &[&str]) -> Setup {
        let script = texts.iter().fold(Script::new(), |script, text| script.turn(*text));
        let provider = ScriptedProvider::builder().agent("agent", script).build().unwrap();
        Setup::new(provider, (1..).zip(texts).map(|(turn, _)| ask("agent", turn, "go")).collect())
    }

    async fn calling(&self, calls: &[(&str, &str)]) -> Option<Setup> {
        let mut calls = calls.iter();
        let (name, arguments) = calls.next()?;
        let first = Answer::tool_call_text(*name, *arguments);
        let answer = calls.fold(first, |answer, (name, arguments)| answer.and_tool_call_text(*name, *arguments));
        Scripted::one(Script::new().turn(answer))
    }

    async fn structured(&self, output: &OutputSchema, text: &str) -> Option<Setup> {
        let mut setup = Scripted::one(Script::new().turn(text))?;
        setup.requests[0].output = Some(output.clone());
        Some(setup)
    }

    async fn hanging(&self) -> Option<Setup> {
        Scripted::one(Script::new().turn(Reply::from("late").after(Duration::from_secs(3_600))))
    }

    async fn failing(&self) -> Option<Setup> {
        Scripted::one(Script::new().turn(CallError::retryable("provider_unavailable", "try later")))
    }

    async fn wasting(&self, usage: Usage) -> Option<Setup> {
        Scripted::one(Script::new().turn(CallError::fatal("provider_stream_cut", "cut").with_usage(usage)))
    }
}

fn with(report: &Report, verdict: fn(&Verdict) -> bool) -> Vec<&'static str> {
    report.cases().filter(|(_, found)| verdict(found)).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn the_scripted_provider_passes_what_a_script_can_say() {
    let report = conformance::check(&Scripted).await;
    assert_eq!(report.violations().next(), None, "{report}");
    let skipped = with(&report, |verdict| *verdict == Verdict::Skipped);
    let expected = [
        "cancelling_ends_an_answer_under_way",
        "a_failure_is_not_tried_again",
        "a_check_finds_a_model_that_is_not_there",
        "a_key_that_the_backend_repeats_is_not_shown",
    ];
    assert_eq!(skipped, expected);
}

#[tokio::test]
async fn the_dummy_provider_passes_what_it_can_do() {
    let report = conformance::check(&Dummy).await;
    assert_eq!(report.violations().next(), None, "{report}");
    let skipped = with(&report, |verdict| *verdict == Verdict::Skipped);
    let expected = [
        "a_structured_answer_is_its_text",
        "tool_calls_are_reported_in_order",
        "malformed_arguments_stay_as_they_are",
        "cancelling_ends_a_call",
        "cancelling_ends_an_answer_under_way",
        "errors_have_a_providers_code",
        "a_failure_is_not_tried_again",
        "a_failure_that_cost_something_says_so",
        "a_check_finds_a_model_that_is_not_there",
        "a_key_that_the_backend_repeats_is_not_shown",
    ];
    assert_eq!(skipped, expected);
}

/// Breaks every part of the contract that can be broken.
#[derive(Debug)]
struct Broken {
    calls: Vec<(String, String)>,
    exchanges: Arc<AtomicUsize>,
}

#[async_trait]
impl Provider for Broken {
    async fn generate(&self, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, CallError> {
        self.exchanges.fetch_add(1, Ordering::SeqCst);
        match &*request.agent {
            "deaf" => {
                context.deltas.push("lost ");
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                Ok(ModelAnswer::new(Message::text(Role::Assistant, ""), StopReason::End, Usage::default()))
            }
            "failing" => {
                self.exchanges.fetch_add(1, Ordering::SeqCst);
                Err(CallError::retryable("429", "slow down"))
            }
            "wasteful" => Err(CallError::fatal("provider_broken", "gone")),
            "talkative" => {
                let key = secret(&context.secrets).await;
                Err(CallError::fatal("provider_unauthorised", format!("the key {key} is wrong")))
            }
            _ => {
                context.deltas.push("lost ");
                let repair = |(_, arguments): &(String, String)| {
                    if arguments.ends_with('}') { arguments.clone() } else { "{}".into() }
                };
                let answer = self.calls.iter().fold(Message::text(Role::User, "same"), |mut message, call| {
                    let value = Value::from_json_text(&repair(call)).unwrap_or_default();
                    let call = kneo_core::message::ToolCall::new("id", call.0.as_str(), value);
                    message.parts.push(kneo_core::message::Part::ToolCall(call));
                    message
                });
                Ok(ModelAnswer::new(answer, StopReason::End, Usage::default()))
            }
        }
    }

    async fn check(&self, request: &ModelRequest, _: &CallContext) -> Result<(), CallError> {
        match &*request.agent {
            "modelless" => Ok(()),
            _ => Err(CallError::fatal("provider_broken", "gone")),
        }
    }
}

async fn secret(secrets: &Secrets) -> String {
    let key = secrets.secret(&Name::new("CANARY_KEY").unwrap()).await.unwrap();
    key.reveal().to_owned()
}

#[derive(Debug)]
struct BrokenFixture;

impl BrokenFixture {
    fn one(agent: &str, calls: &[(&str, &str)]) -> Setup {
        let calls = calls.iter().map(|(name, arguments)| ((*name).to_owned(), (*arguments).to_owned())).collect();
        let exchanges = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&exchanges);
        Setup::new(Broken { calls, exchanges }, vec![ask(agent, 1, "go")])
            .with_exchanges(move || seen.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl Fixture for BrokenFixture {
    async fn answering(&self, texts: &[&str]) -> Setup {
        let mut setup = BrokenFixture::one("agent", &[]);
        setup.requests = texts.iter().map(|text| ask("agent", 1, text)).collect();
        setup
    }

    async fn calling(&self, calls: &[(&str, &str)]) -> Option<Setup> {
        Some(BrokenFixture::one("agent", calls))
    }

    async fn structured(&self, output: &OutputSchema, _: &str) -> Option<Setup> {
        let mut setup = BrokenFixture::one("agent", &[]);
        setup.requests[0].output = Some(output.clone());
        Some(setup)
    }

    async fn hanging(&self) -> Option<Setup> {
        Some(BrokenFixture::one("deaf", &[]))
    }

    async fn stalling(&self, _: &str) -> Option<Setup> {
        Some(BrokenFixture::one("deaf", &[]))
    }

    async fn failing(&self) -> Option<Setup> {
        Some(BrokenFixture::one("failing", &[]))
    }

    async fn wasting(&self, _: Usage) -> Option<Setup> {
        Some(BrokenFixture::one("wasteful", &[]))
    }

    async fn refusing(&self, _: &Name, _: &str) -> Option<Setup> {
        Some(BrokenFixture::one("talkative", &[]))
    }

    async fn without_model(&self) -> Option<Setup> {
        Some(BrokenFixture::one("modelless", &[]))
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_breaks_everything_passes_nothing() {
    let report = conformance::check(&BrokenFixture).await;
    assert_eq!(with(&report, |verdict| !matches!(verdict, Verdict::Violated(_))), Vec::<&str>::new(), "{report}");
    let report = report.to_string();
    for line in [
        "VIOLATED cancelling_ends_a_call: a cancelled call went on",
        "VIOLATED a_key_that_the_backend_repeats_is_not_shown: the key is in the error's message",
    ] {
        assert!(report.contains(line), "{report}");
    }
    assert!(!report.contains("canary"), "{report}");
}
