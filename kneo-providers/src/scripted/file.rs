//! Scripts as JSON.
//!
//! Every check runs while the text is read, so that a mistake has a place.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::Usage;
use kneo_core::call::CallError;
use kneo_core::message::StopReason;
use kneo_core::value::{Map, Value};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::script::{self, Answer, CallArguments, Reply, Script, Turn};

/// What is wrong with a text, and where.
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

pub(super) fn read(text: &str) -> Result<BTreeMap<Arc<str>, Vec<Script>>, Mistake> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        Mistake { line, column, message: text.strip_suffix(&place).unwrap_or(&text).to_owned() }
    })?;
    Ok(file.agents.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    agents: Agents,
}

struct Agents(BTreeMap<Arc<str>, Vec<Script>>);

impl<'de> Deserialize<'de> for Agents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Agents, D::Error> {
        deserializer.deserialize_map(AgentsVisitor)
    }
}

struct AgentsVisitor;

impl<'de> Visitor<'de> for AgentsVisitor {
    type Value = Agents;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scripts by the name of the agent")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Agents, A::Error> {
        let mut agents = BTreeMap::new();
        while let Some((agent, Scripts(scripts))) = map.next_entry::<Arc<str>, Scripts>()? {
            if agents.insert(Arc::clone(&agent), scripts).is_some() {
                return Err(A::Error::custom(format!("agent `{agent}` stands here twice")));
            }
        }
        Ok(Agents(agents))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "Vec<OneScript>")]
struct Scripts(Vec<Script>);

impl TryFrom<Vec<OneScript>> for Scripts {
    type Error = String;

    fn try_from(scripts: Vec<OneScript>) -> Result<Scripts, String> {
        let scripts: Vec<Script> = scripts.into_iter().map(|script| script.0).collect();
        script::check(&scripts)?;
        Ok(Scripts(scripts))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "RawScript")]
struct OneScript(Script);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    #[serde(default)]
    when_input_contains: Option<Arc<str>>,
    #[serde(default)]
    visit: Option<u32>,
    turns: Vec<RawTurn>,
}

impl TryFrom<RawScript> for OneScript {
    type Error = String;

    fn try_from(raw: RawScript) -> Result<OneScript, String> {
        let RawScript { when_input_contains, visit, turns } = raw;
        let script = Script { when_input_contains, visit, turns: turns.into_iter().map(|turn| turn.0).collect() };
        script.check()?;
        Ok(OneScript(script))
    }
}

/// A reply, or a list of replies.
struct RawTurn(Turn);

impl<'de> Deserialize<'de> for RawTurn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawTurn, D::Error> {
        deserializer.deserialize_any(TurnVisitor)
    }
}

struct TurnVisitor;

impl<'de> Visitor<'de> for TurnVisitor {
    type Value = RawTurn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a reply or a list of replies")
    }

    fn visit_str<E>(self, text: &str) -> Result<RawTurn, E> {
        Ok(RawTurn(Turn::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawTurn, A::Error> {
        let RawReply(reply) = ReplyVisitor.visit_map(map)?;
        Ok(RawTurn(Turn::from(reply)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawTurn, A::Error> {
        let Some(RawReply(first)) = seq.next_element()? else {
            return Err(A::Error::custom("a turn has at least one reply"));
        };
        let mut later = Vec::new();
        while let Some(RawReply(reply)) = seq.next_element()? {
            later.push(reply);
        }
        Ok(RawTurn(Turn::attempts(first, later)))
    }
}

/// A text, or a reply in full.
struct RawReply(Reply);

impl<'de> Deserialize<'de> for RawReply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawReply, D::Error> {
        deserializer.deserialize_any(ReplyVisitor)
    }
}

struct ReplyVisitor;

impl<'de> Visitor<'de> for ReplyVisitor {
    type Value = RawReply;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a reply")
    }

    fn visit_str<E>(self, text: &str) -> Result<RawReply, E> {
        Ok(RawReply(Reply::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawReply, A::Error> {
        let full = FullReply::deserialize(MapAccessDeserializer::new(map))?;
        full.into_reply().map(RawReply).map_err(A::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FullReply {
    #[serde(default)]
    text: Option<Arc<str>>,
    #[serde(default)]
    tool_calls: Vec<RawCall>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    stop: Option<StopReason>,
    #[serde(default)]
    error: Option<RawError>,
    #[serde(default)]
    delay_seconds: Option<Seconds>,
}

impl FullReply {
    fn into_reply(self) -> Result<Reply, String> {
        let FullReply { text, tool_calls, usage, stop, error, delay_seconds } = self;
        let says_something = text.is_some() || !tool_calls.is_empty();
        let reply = match error {
            Some(_) if says_something || stop.is_some() => {
                return Err("a reply with `error` has nothing else but `usage` and `delay_seconds`".to_owned());
            }
            Some(error) => Reply::from(error.into_call_error().with_usage(usage.unwrap_or_default())),
            None => {
                let mut answer = text.map_or_else(Answer::empty, Answer::text);
                for call in tool_calls {
                    answer = call.add_to(answer)?;
                }
                answer = usage.into_iter().fold(answer, Answer::with_usage);
                Reply::from(stop.into_iter().fold(answer, Answer::with_stop))
            }
        };
        reply.check()?;
        Ok(reply.after(delay_seconds.map_or(Duration::ZERO, |delay| delay.0)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCall {
    #[serde(default)]
    id: Option<Arc<str>>,
    name: Arc<str>,
    #[serde(default)]
    arguments: Option<Value>,
    #[serde(default)]
    arguments_text: Option<Arc<str>>,
}

impl RawCall {
    fn add_to(self, answer: Answer) -> Result<Answer, String> {
        let arguments = match (self.arguments, self.arguments_text) {
            (Some(_), Some(_)) => return Err("a tool call has `arguments` or `arguments_text`, not both".to_owned()),
            (Some(value), None) => CallArguments::Value(value),
            (None, Some(text)) => CallArguments::Text(text),
            (None, None) => CallArguments::Value(Map::new(Vec::new()).map_err(|error| error.to_string())?.into()),
        };
        Ok(answer.with_call(self.id, self.name, arguments))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawError {
    code: Arc<str>,
    message: Arc<str>,
    #[serde(default)]
    retryable: bool,
    #[serde(default)]
    retry_after_seconds: Option<Seconds>,
}

impl RawError {
    fn into_call_error(self) -> CallError {
        let error = if self.retryable { CallError::retryable } else { CallError::fatal }(self.code, self.message);
        self.retry_after_seconds.into_iter().fold(error, |error, wait| error.with_retry_after(wait.0))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "f64")]
struct Seconds(Duration);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Seconds, String> {
        let duration = Duration::try_from_secs_f64(seconds);
        duration.map(Seconds).map_err(|_| format!("`{seconds}` is not a number of seconds from 0 up"))
    }
}
