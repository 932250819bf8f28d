//! The suite passes what is right, and catches what is wrong.

use std::time::Duration;

use async_trait::async_trait;
use kneo_core::call::{CallContext, CallError};
use kneo_core::message::{Message, Role, StopReason};
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider};
use kneo_core::{Usage, Value};
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

    async fn hanging(&self) -> Option<Setup> {
        Scripted::one(Script::new().turn(Reply::from("late").after(Duration::from_secs(3_600))))
    }

    async fn failing(&self) -> Option<Setup> {
        Scripted::one(Script::new().turn(CallError::retryable("provider_unavailable", "try later")))
    }
}

fn with(report: &Report, verdict: fn(&Verdict) -> bool) -> Vec<&'static str> {
    report.cases().filter(|(_, found)| verdict(found)).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn the_scripted_provider_passes_every_case() {
    let report = conformance::check(&Scripted).await;
    assert_eq!(with(&report, |verdict| *verdict != Verdict::Passed), Vec::<&str>::new(), "{report}");
}

#[tokio::test]
async fn the_dummy_provider_passes_what_it_can_do() {
    let report = conformance::check(&Dummy).await;
    assert_eq!(report.violations().next(), None, "{report}");
    let skipped = with(&report, |verdict| *verdict == Verdict::Skipped);
    let expected = [
        "tool_calls_are_reported_in_order",
        "malformed_arguments_stay_as_they_are",
        "cancelling_ends_a_call",
        "errors_have_a_providers_code",
    ];
    assert_eq!(skipped, expected);
}

/// Breaks every part of the contract that can be broken.
#[derive(Debug)]
struct Broken {
    calls: Vec<(String, String)>,
}

#[async_trait]
impl Provider for Broken {
    async fn generate(&self, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, CallError> {
        match &*request.agent {
            "deaf" => {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                Ok(ModelAnswer::new(Message::text(Role::Assistant, ""), StopReason::End, Usage::default()))
            }
            "failing" => Err(CallError::retryable("429", "slow down")),
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
}

#[derive(Debug)]
struct BrokenFixture;

impl BrokenFixture {
    fn one(agent: &str, calls: &[(&str, &str)]) -> Setup {
        let calls = calls.iter().map(|(name, arguments)| ((*name).to_owned(), (*arguments).to_owned())).collect();
        Setup::new(Broken { calls }, vec![ask(agent, 1, "go")])
    }
}

#[async_trait]
impl Fixture for BrokenFixture {
    async fn answering(&self, texts: &[&str]) -> Setup {
        Setup::new(Broken { calls: Vec::new() }, texts.iter().map(|text| ask("agent", 1, text)).collect())
    }

    async fn calling(&self, calls: &[(&str, &str)]) -> Option<Setup> {
        Some(BrokenFixture::one("agent", calls))
    }

    async fn hanging(&self) -> Option<Setup> {
        Some(BrokenFixture::one("deaf", &[]))
    }

    async fn failing(&self) -> Option<Setup> {
        Some(BrokenFixture::one("failing", &[]))
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_breaks_everything_passes_nothing() {
    let report = conformance::check(&BrokenFixture).await;
    assert_eq!(with(&report, |verdict| !matches!(verdict, Verdict::Violated(_))), Vec::<&str>::new(), "{report}");
    assert!(report.to_string().contains("VIOLATED cancelling_ends_a_call: a cancelled call went on"));
}
