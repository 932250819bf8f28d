//! Scripts, and what they are made of.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::Usage;
use kneo_core::call::CallError;
use kneo_core::message::{Message, Part, Role, StopReason, ToolCall};
use kneo_core::run::Attempt;
use kneo_core::value::Value;

/// What an agent's model answers, turn by turn.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(super) when_input_contains: Option<Arc<str>>,
    pub(super) visit: Option<u32>,
    pub(super) turns: Vec<Turn>,
}

impl Script {
    /// A script without turns, for every request.
    #[must_use]
    pub fn new() -> Script {
        Script::default()
    }

    /// Adds the reply of the next turn.
    #[must_use]
    pub fn turn(mut self, turn: impl Into<Turn>) -> Script {
        self.turns.push(turn.into());
        self
    }

    /// Keeps the script for requests whose latest user message contains a text.
    #[must_use]
    pub fn when_input_contains(mut self, text: impl Into<Arc<str>>) -> Script {
        self.when_input_contains = Some(text.into());
        self
    }

    /// Keeps the script for one visit of the agent's step, counted from 1.
    #[must_use]
    pub fn on_visit(mut self, visit: u32) -> Script {
        self.visit = Some(visit);
        self
    }

    pub(super) fn fits(&self, input: &str, visit: u32) -> bool {
        self.when_input_contains.as_ref().is_none_or(|text| input.contains(&**text))
            && self.visit.is_none_or(|wanted| wanted == visit)
    }

    pub(super) fn turn_count(&self) -> usize {
        self.turns.len()
    }

    pub(super) fn reply(&self, turn: u32, attempt: Attempt) -> Option<&Reply> {
        let at = usize::try_from(turn.checked_sub(1)?).ok()?;
        self.turns.get(at).map(|turn| turn.reply(attempt))
    }

    fn is_for_everything(&self) -> bool {
        self.when_input_contains.is_none() && self.visit.is_none()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.turns.is_empty() {
            return Err("a script has at least one turn".to_owned());
        }
        if self.visit == Some(0) {
            return Err("a visit is counted from 1".to_owned());
        }
        self.turns.iter().flat_map(Turn::replies).try_for_each(Reply::check)
    }
}

/// Checks the scripts of one agent.
pub(super) fn check(scripts: &[Script]) -> Result<(), String> {
    scripts.iter().try_for_each(Script::check)?;
    match scripts.iter().position(Script::is_for_everything) {
        Some(at) if at + 1 < scripts.len() => {
            let (covering, hidden) = (at + 1, at + 2);
            Err(format!("script {hidden} is never reached, since script {covering} has no condition; put it last"))
        }
        _ if scripts.is_empty() => Err("an agent has at least one script".to_owned()),
        _ => Ok(()),
    }
}

/// What the model answers in one turn: a reply for each attempt.
#[derive(Debug, Clone)]
pub struct Turn {
    first: Reply,
    later: Vec<Reply>,
}

impl Turn {
    /// Replies for the attempts of a turn: the first, those that follow, and the last for all later ones.
    ///
    /// Attempts are counted by the engine, which also counts one that was lost in a crash.
    pub fn attempts<R: Into<Reply>>(first: impl Into<Reply>, later: impl IntoIterator<Item = R>) -> Turn {
        Turn { first: first.into(), later: later.into_iter().map(Into::into).collect() }
    }

    fn replies(&self) -> impl Iterator<Item = &Reply> {
        std::iter::once(&self.first).chain(&self.later)
    }

    fn reply(&self, attempt: Attempt) -> &Reply {
        let attempts = usize::try_from(attempt.as_u32()).unwrap_or(usize::MAX);
        self.replies().take(attempts).last().unwrap_or(&self.first)
    }
}

impl<R: Into<Reply>> From<R> for Turn {
    fn from(reply: R) -> Turn {
        Turn { first: reply.into(), later: Vec::new() }
    }
}

/// What one attempt gets: an answer or an error, perhaps late.
#[derive(Debug, Clone)]
pub struct Reply {
    outcome: Outcome,
    delay: Duration,
}

#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Answer(Answer),
    Error(CallError),
}

impl Reply {
    /// The same reply, given only after a while.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Reply {
        self.delay = delay;
        self
    }

    pub(super) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match &self.outcome {
            Outcome::Answer(answer) => answer.check(),
            Outcome::Error(error) => check_code(&error.code),
        }
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Reply {
        Reply { outcome: Outcome::Answer(answer), delay: Duration::ZERO }
    }
}

impl From<CallError> for Reply {
    fn from(error: CallError) -> Reply {
        Reply { outcome: Outcome::Error(error), delay: Duration::ZERO }
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Reply {
        Reply::from(Answer::text(text))
    }
}

/// The codes of providers are part of their contract, and scripts stand in for providers.
fn check_code(code: &str) -> Result<(), String> {
    let well_formed = code.strip_prefix("provider_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    });
    if well_formed { Ok(()) } else { Err(format!("the code `{code}` is not like `provider_rate_limited`")) }
}

/// What a model says and which tools it asks for.
#[derive(Debug, Clone)]
pub struct Answer {
    text: Option<Arc<str>>,
    calls: Vec<Call>,
    usage: Option<Usage>,
    stop: Option<StopReason>,
}

#[derive(Debug, Clone)]
struct Call {
    id: Option<Arc<str>>,
    name: Arc<str>,
    arguments: CallArguments,
}

#[derive(Debug, Clone)]
pub(super) enum CallArguments {
    Value(Value),
    Text(Arc<str>),
}

impl Answer {
    pub(super) fn empty() -> Answer {
        Answer { text: None, calls: Vec::new(), usage: None, stop: None }
    }

    /// An answer of text.
    pub fn text(text: impl Into<Arc<str>>) -> Answer {
        Answer { text: Some(text.into()), ..Answer::empty() }
    }

    /// An answer that asks for a tool.
    pub fn tool_call(name: impl Into<Arc<str>>, arguments: Value) -> Answer {
        Answer::empty().and_tool_call(name, arguments)
    }

    /// An answer that asks for a tool with arguments as a model wrote them, well-formed or not.
    pub fn tool_call_text(name: impl Into<Arc<str>>, arguments: impl Into<Arc<str>>) -> Answer {
        Answer::empty().and_tool_call_text(name, arguments)
    }

    /// The same answer, which asks for one more tool.
    #[must_use]
    pub fn and_tool_call(self, name: impl Into<Arc<str>>, arguments: Value) -> Answer {
        self.with_call(None, name.into(), CallArguments::Value(arguments))
    }

    /// The same answer, which asks for one more tool with arguments as a model wrote them.
    #[must_use]
    pub fn and_tool_call_text(self, name: impl Into<Arc<str>>, arguments: impl Into<Arc<str>>) -> Answer {
        self.with_call(None, name.into(), CallArguments::Text(arguments.into()))
    }

    pub(super) fn with_call(mut self, id: Option<Arc<str>>, name: Arc<str>, arguments: CallArguments) -> Answer {
        self.calls.push(Call { id, name, arguments });
        self
    }

    /// The same answer, which costs this.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Answer {
        self.usage = Some(usage);
        self
    }

    /// The same answer, which stops for this reason.
    #[must_use]
    pub fn with_stop(mut self, stop: StopReason) -> Answer {
        self.stop = Some(stop);
        self
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    pub(super) fn stop(&self) -> StopReason {
        let fitting = if self.calls.is_empty() { StopReason::End } else { StopReason::ToolCalls };
        self.stop.unwrap_or(fitting)
    }

    pub(super) fn message(&self, turn: u32) -> Message {
        let text = self.text.iter().map(|text| Part::Text(Arc::clone(text)));
        let calls = self.calls.iter().enumerate().map(|(at, call)| {
            let id = call.id.clone().unwrap_or_else(|| made_up_id(turn, at));
            Part::ToolCall(match &call.arguments {
                CallArguments::Value(value) => ToolCall::new(id, Arc::clone(&call.name), value.clone()),
                CallArguments::Text(text) => ToolCall::from_text(id, Arc::clone(&call.name), text),
            })
        });
        Message::new(Role::Assistant, text.chain(calls).collect())
    }

    fn check(&self) -> Result<(), String> {
        if self.text.is_none() && self.calls.is_empty() {
            return Err("a reply has `text`, `tool_calls` or `error`".to_owned());
        }
        let mut seen = HashSet::new();
        // The turn is part of a made-up id only to tell turns apart, and does not matter within one.
        let message = self.message(1);
        match message.tool_calls().find(|call| !seen.insert(&*call.id)) {
            Some(call) => Err(format!("two tool calls of one reply have the id `{}`", call.id)),
            None => Ok(()),
        }
    }
}

fn made_up_id(turn: u32, at: usize) -> Arc<str> {
    Arc::from(format!("call_{turn}_{}", at + 1))
}
