//! The suite that every provider must pass.
//!
//! Implement [`Fixture`] for a provider, in front of a mock server if it speaks to one, and give it to [`check`]:
//!
//! ```
//! # use async_trait::async_trait;
//! # use kneo_core::message::{Message, Role};
//! # use kneo_core::provider::ModelRequest;
//! # use kneo_providers::DummyProvider;
//! use kneo_providers::conformance::{self, Fixture, Setup};
//!
//! #[derive(Debug)]
//! struct Dummy;
//!
//! #[async_trait]
//! impl Fixture for Dummy {
//!     async fn answering(&self, texts: &[&str]) -> Setup {
//!         let ask = |text: &&str| ModelRequest::new("agent", 1, vec![Message::text(Role::User, *text).into()]);
//!         Setup::new(DummyProvider::new(), texts.iter().map(ask).collect())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let report = conformance::check(&Dummy).await;
//! assert!(report.violations().next().is_none(), "{report}");
//! # }
//! ```
//!
//! What a provider cannot do — call tools, take its time — the fixture leaves at its default, and the cases that need
//! it are reported as skipped.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use kneo_core::call::{CallContext, CallError, Deltas};
use kneo_core::message::{Arguments, Role, StopReason, ToolCall};
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider};
use kneo_core::{Attempt, Cancel, Namespace, Path, RunId, RunKey};

/// How soon a call must end once it is cancelled, and any other call of the suite.
const SOON: Duration = Duration::from_secs(5);

/// Sets providers up so that the suite knows what they will answer.
#[async_trait]
pub trait Fixture: fmt::Debug + Send + Sync {
    /// A provider, and for each text a request that it answers with exactly that text.
    async fn answering(&self, texts: &[&str]) -> Setup;

    /// A provider, and one request that it answers with these tool calls, in order; a pair is a tool's name and the
    /// text of the arguments as the model writes it. `None` if the provider never calls tools.
    async fn calling(&self, calls: &[(&str, &str)]) -> Option<Setup> {
        let _ = calls;
        None
    }

    /// A provider, and one request that takes longer than a minute. `None` if nothing takes time.
    async fn hanging(&self) -> Option<Setup> {
        None
    }

    /// A provider, and one request that fails in a way that can pass. `None` if nothing fails.
    async fn failing(&self) -> Option<Setup> {
        None
    }
}

/// A provider with requests for it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Setup {
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// The requests, in the order in which the suite asked for them.
    pub requests: Vec<ModelRequest>,
}

impl Setup {
    /// A provider with requests for it.
    pub fn new(provider: impl Provider, requests: Vec<ModelRequest>) -> Setup {
        Setup { provider: Arc::new(provider), requests }
    }
}

/// What the suite found.
#[derive(Debug)]
#[must_use]
pub struct Report {
    cases: Vec<(&'static str, Verdict)>,
}

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a case has no other end")]
pub enum Verdict {
    /// The provider keeps this part of the contract.
    Passed,
    /// The fixture cannot set the case up.
    Skipped,
    /// The provider breaks the contract, in this way.
    Violated(String),
}

impl Report {
    /// Every case by its name, with how it ended.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.cases.iter().map(|(name, verdict)| (*name, verdict))
    }

    /// The cases that the provider does not pass, with the reason.
    pub fn violations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cases().filter_map(|(name, verdict)| match verdict {
            Verdict::Violated(reason) => Some((name, reason.as_str())),
            Verdict::Passed | Verdict::Skipped => None,
        })
    }
}

/// One case a line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in self.cases() {
            match verdict {
                Verdict::Passed => writeln!(f, "passed   {name}")?,
                Verdict::Skipped => writeln!(f, "skipped  {name}")?,
                Verdict::Violated(reason) => writeln!(f, "VIOLATED {name}: {reason}")?,
            }
        }
        Ok(())
    }
}

/// Runs every case, and goes on past violations.
///
/// # Cancel safety
/// Dropping the future ends the case that runs.
pub async fn check(fixture: &dyn Fixture) -> Report {
    let cases = vec![
        ("answer_is_the_assistants_text", verdict(answer_is_the_assistants_text(fixture)).await),
        ("deltas_join_to_the_text", verdict(deltas_join_to_the_text(fixture)).await),
        ("concurrent_calls_do_not_mix", verdict(concurrent_calls_do_not_mix(fixture)).await),
        ("tool_calls_are_reported_in_order", verdict(tool_calls_are_reported_in_order(fixture)).await),
        ("malformed_arguments_stay_as_they_are", verdict(malformed_arguments_stay_as_they_are(fixture)).await),
        ("a_cancelled_call_ends_at_once", verdict(a_cancelled_call_ends_at_once(fixture)).await),
        ("cancelling_ends_a_call", verdict(cancelling_ends_a_call(fixture)).await),
        ("a_dropped_call_harms_no_other", verdict(a_dropped_call_harms_no_other(fixture)).await),
        ("errors_have_a_providers_code", verdict(errors_have_a_providers_code(fixture)).await),
    ];
    Report { cases }
}

/// `Ok(false)` is a case that cannot be set up.
type Checked = Result<bool, String>;

async fn verdict(case: impl Future<Output = Checked>) -> Verdict {
    match case.await {
        Ok(true) => Verdict::Passed,
        Ok(false) => Verdict::Skipped,
        Err(reason) => Verdict::Violated(reason),
    }
}

/// Texts that are easily damaged on the way.
const TEXTS: [&str; 6] = [
    "plain",
    "  spaces around  ",
    "two\nlines\n\nand a gap",
    "größe 漢字 🎉👩‍👩‍👧",
    "\u{202e}right to left",
    "{\"json\": [1, 2]}",
];

async fn answer_is_the_assistants_text(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&TEXTS).await;
    for (text, request) in TEXTS.iter().zip(requests(&setup, TEXTS.len())?) {
        let answer = ask(&setup, request, &context()).await?;
        expect("role", &answer.message.role, &Role::Assistant)?;
        expect("text", answer.message.to_text().as_str(), *text)?;
        expect("stop reason", &answer.stop, &StopReason::End)?;
        expect("number of tool calls", &answer.message.tool_calls().count(), &0)?;
    }
    Ok(true)
}

async fn deltas_join_to_the_text(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&TEXTS).await;
    for (text, request) in TEXTS.iter().zip(requests(&setup, TEXTS.len())?) {
        let received = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&received);
        let deltas = Deltas::new(move |piece| sink.lock().unwrap_or_else(PoisonError::into_inner).push_str(piece));
        ask(&setup, request, &context().with_deltas(deltas)).await?;
        let received = received.lock().unwrap_or_else(PoisonError::into_inner);
        expect("deltas, joined,", received.as_str(), *text)?;
    }
    Ok(true)
}

async fn concurrent_calls_do_not_mix(fixture: &dyn Fixture) -> Checked {
    let texts: Vec<String> = (0..32).map(|call| format!("answer number {call}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let setup = fixture.answering(&texts).await;
    let contexts: Vec<CallContext> = texts.iter().map(|_| context()).collect();
    let calls = requests(&setup, texts.len())?.iter().zip(&contexts);
    let answers = join_all(calls.map(|(request, context)| ask(&setup, request, context))).await;
    for (text, answer) in texts.iter().zip(answers) {
        expect("text", answer?.message.to_text().as_str(), *text)?;
    }
    Ok(true)
}

async fn tool_calls_are_reported_in_order(fixture: &dyn Fixture) -> Checked {
    let wanted =
        [("search", r#"{"query":"größe","deep":[1,{"a":null}]}"#), ("search", "{}"), ("no_such_tool", r#"{"x":1}"#)];
    let Some(setup) = fixture.calling(&wanted).await else { return Ok(false) };
    let answer = ask(&setup, only(&setup)?, &context()).await?;
    expect("role", &answer.message.role, &Role::Assistant)?;
    expect("stop reason", &answer.stop, &StopReason::ToolCalls)?;
    let calls: Vec<&ToolCall> = answer.message.tool_calls().collect();
    expect("number of tool calls", &calls.len(), &wanted.len())?;
    for (at, (call, (name, arguments))) in calls.iter().zip(wanted).enumerate() {
        let reference = ToolCall::from_text("", name, arguments);
        expect("tool", &*call.name, name)?;
        expect("arguments", &call.arguments, &reference.arguments)?;
        if calls.iter().take(at).any(|earlier| earlier.id == call.id) {
            return Err(format!("two calls of one answer have the id `{}`", call.id));
        }
    }
    Ok(true)
}

async fn malformed_arguments_stay_as_they_are(fixture: &dyn Fixture) -> Checked {
    for broken in [r#"{"path": "/tm"#, r#"{"a":1,}"#, "not json", r#"{"a":1} {"b":2}"#] {
        let wanted = [("delete", broken), ("search", "{}")];
        let Some(setup) = fixture.calling(&wanted).await else { return Ok(false) };
        let answer = ask(&setup, only(&setup)?, &context()).await?;
        let first = answer.message.tool_calls().next().map(|call| call.arguments.clone());
        expect("arguments", &first, &Some(Arguments::Malformed(broken.into())))?;
        expect("number of tool calls", &answer.message.tool_calls().count(), &wanted.len())?;
    }
    Ok(true)
}

async fn a_cancelled_call_ends_at_once(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&["never seen"]).await;
    let cancelled = context();
    cancelled.cancel.cancel();
    ends_cancelled(&setup, &cancelled).await
}

async fn cancelling_ends_a_call(fixture: &dyn Fixture) -> Checked {
    let Some(setup) = fixture.hanging().await else { return Ok(false) };
    let cancelled = context();
    let started = async {
        // The call below is polled first, so that it is under way.
        tokio::task::yield_now().await;
        cancelled.cancel.cancel();
    };
    tokio::join!(biased; ends_cancelled(&setup, &cancelled), started).0
}

async fn ends_cancelled(setup: &Setup, context: &CallContext) -> Checked {
    match tokio::time::timeout(SOON, setup.provider.generate(only(setup)?, context)).await {
        Ok(Err(error)) => has_providers_code(&error).map(|()| true),
        Ok(Ok(_)) => Err("a cancelled call gave an answer".to_owned()),
        Err(_) => Err(format!("a cancelled call went on for {SOON:?}")),
    }
}

async fn a_dropped_call_harms_no_other(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&["first", "second"]).await;
    let [first, second] = requests(&setup, 2)? else { return Ok(false) };
    let dropped = context();
    {
        let mut call = std::pin::pin!(setup.provider.generate(first, &dropped));
        tokio::select! {
            biased;
            _ = &mut call => {}
            () = tokio::task::yield_now() => {}
        }
    }
    let answer = ask(&setup, second, &context()).await?;
    expect("text after a dropped call", answer.message.to_text().as_str(), "second")?;
    Ok(true)
}

async fn errors_have_a_providers_code(fixture: &dyn Fixture) -> Checked {
    let Some(setup) = fixture.failing().await else { return Ok(false) };
    match tokio::time::timeout(SOON, setup.provider.generate(only(&setup)?, &context())).await {
        Ok(Err(error)) if error.retryable => has_providers_code(&error).map(|()| true),
        Ok(Err(error)) => Err(format!("the failure can pass, but `{}` is not retryable", error.code)),
        Ok(Ok(_)) => Err("the request was to fail and gave an answer".to_owned()),
        Err(_) => Err(format!("the request was to fail and went on for {SOON:?}")),
    }
}

fn has_providers_code(error: &CallError) -> Result<(), String> {
    let snake = error.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !snake || !error.code.starts_with("provider_") {
        Err(format!("the code `{}` is not like `provider_rate_limited`", error.code))
    } else if error.message.is_empty() {
        Err(format!("`{}` has no message", error.code))
    } else {
        Ok(())
    }
}

async fn ask(setup: &Setup, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, String> {
    match tokio::time::timeout(SOON, setup.provider.generate(request, context)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("the call failed: {} ({error})", error.code)),
        Err(_) => Err(format!("the call went on for {SOON:?}")),
    }
}

fn requests(setup: &Setup, count: usize) -> Result<&[ModelRequest], String> {
    let has = setup.requests.len();
    if has == count { Ok(&setup.requests) } else { Err(format!("the fixture made {has} requests instead of {count}")) }
}

fn only(setup: &Setup) -> Result<&ModelRequest, String> {
    requests(setup, 1)?.first().ok_or_else(|| "the fixture made no request".to_owned())
}

fn expect<T: PartialEq + fmt::Debug + ?Sized>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("the {what} is {found:?} instead of {wanted:?}")) }
}

fn context() -> CallContext {
    let run = RunKey::new(Namespace::default(), RunId::from_bytes([1; 16]));
    CallContext::new(run, Path::root(), Attempt::FIRST, Cancel::new())
}
