//! What a spec says in the model's `extra`.

use std::collections::BTreeSet;
use std::sync::Arc;

use kneo_core::call::CallError;
use kneo_core::{Name, Value};

use super::builder::MaxTokens;
use crate::http::code::Code;

/// What a spec says beside the model's name and temperature.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) base_url: Option<Arc<str>>,
    pub(super) api_key: Option<Name>,
    /// The most tokens of an answer, under the name that the author uses.
    pub(super) max_tokens: Option<(MaxTokens, u64)>,
    /// What is passed on as it is.
    pub(super) parameters: Vec<(Arc<str>, Value)>,
}

/// What becomes of a key of `extra`.
#[derive(Clone, Copy)]
enum Use {
    /// The provider reads it.
    Read,
    /// The server reads it.
    Passed,
    /// Neither, for a reason.
    Refused(&'static str),
}

const PER_CHOICE: &str = "an answer is one choice of text and tool calls";
const SET: &str = "the provider sets it";

/// The parameters of chat completions (<https://platform.openai.com/docs/api-reference/chat/create>, version 2.3.0 of
/// the published OpenAPI document), and the provider's own.
const KNOWN: &[(&str, Use)] = &[
    ("api_key", Use::Refused("a spec names its secrets: use `api_key_ref`")),
    ("api_key_ref", Use::Read),
    ("audio", Use::Refused(PER_CHOICE)),
    ("base_url", Use::Read),
    ("frequency_penalty", Use::Passed),
    ("function_call", Use::Refused("it is deprecated: use `tool_choice`")),
    ("functions", Use::Refused("they are deprecated: give the agent tools")),
    ("logit_bias", Use::Passed),
    ("logprobs", Use::Refused(PER_CHOICE)),
    ("max_completion_tokens", Use::Read),
    ("max_tokens", Use::Read),
    ("messages", Use::Refused(SET)),
    ("metadata", Use::Passed),
    ("modalities", Use::Refused(PER_CHOICE)),
    ("model", Use::Refused("name the model with `name`")),
    ("moderation", Use::Refused("its findings would be lost: answers are text and tool calls")),
    ("n", Use::Refused(PER_CHOICE)),
    ("parallel_tool_calls", Use::Passed),
    ("prediction", Use::Passed),
    ("presence_penalty", Use::Passed),
    ("prompt_cache_key", Use::Passed),
    ("prompt_cache_options", Use::Passed),
    ("prompt_cache_retention", Use::Passed),
    ("reasoning_effort", Use::Passed),
    ("response_format", Use::Refused("it follows from the agent's output schema")),
    ("safety_identifier", Use::Passed),
    ("seed", Use::Passed),
    ("service_tier", Use::Passed),
    ("stop", Use::Passed),
    ("store", Use::Passed),
    ("stream", Use::Refused("the host chooses how answers arrive")),
    ("stream_options", Use::Refused(SET)),
    ("temperature", Use::Refused("it is the model's `temperature`")),
    ("tool_choice", Use::Passed),
    ("tools", Use::Refused("give the agent tools")),
    ("top_logprobs", Use::Refused(PER_CHOICE)),
    ("top_p", Use::Passed),
    ("user", Use::Passed),
    ("verbosity", Use::Passed),
    ("web_search_options", Use::Refused("its sources would be lost: answers are text and tool calls")),
];

fn known(key: &str) -> Option<Use> {
    KNOWN.iter().find_map(|(name, usage)| (*name == key).then_some(*usage))
}

/// Why a host cannot allow a parameter of this name; `None` if it can.
pub(super) fn why_not_allowed(key: &str) -> Option<&'static str> {
    known(key).map(|usage| match usage {
        Use::Read | Use::Passed => "it is known and needs no leave",
        Use::Refused(reason) => reason,
    })
}

impl Extra {
    /// Reads what a spec says; the host allows some parameters beyond those that are known.
    ///
    /// # Errors
    /// The first key that is not read by anybody, or whose value cannot be.
    pub(super) fn read(extra: Option<&Value>, allowed: &BTreeSet<Arc<str>>) -> Result<Extra, CallError> {
        let entries = match extra {
            None | Some(Value::Null) => return Ok(Extra::default()),
            Some(Value::Map(entries)) => entries,
            Some(other) => {
                let message = format!("the model's `extra` is a map of parameters, not {}", other.type_name());
                return Err(Code::ParameterRefused.error(message));
            }
        };
        let mut read = Extra::default();
        for (key, value) in entries {
            match known(key) {
                Some(Use::Read) => read.take(key, value)?,
                Some(Use::Passed) => read.parameters.push((Arc::clone(key), value.clone())),
                Some(Use::Refused(reason)) => return Err(refused(key, reason)),
                None if allowed.contains(key) => read.parameters.push((Arc::clone(key), value.clone())),
                None => return Err(refused(key, &unknown(allowed))),
            }
        }
        Ok(read)
    }

    fn take(&mut self, key: &str, value: &Value) -> Result<(), CallError> {
        match key {
            "base_url" => {
                let text = value.as_str().ok_or_else(|| refused(key, "its value is text"))?;
                self.base_url = Some(Arc::from(text));
            }
            "api_key_ref" => {
                let name = value.as_str().and_then(|text| Name::new(text).ok());
                self.api_key = Some(name.ok_or_else(|| refused(key, "its value is the name of a secret"))?);
            }
            _ => {
                let name = if key == "max_tokens" { MaxTokens::MaxTokens } else { MaxTokens::MaxCompletionTokens };
                let most = value.as_i64().and_then(|most| u64::try_from(most).ok()).filter(|most| *most > 0);
                let most = most.ok_or_else(|| refused(key, "its value is a whole number above zero"))?;
                if self.max_tokens.replace((name, most)).is_some() {
                    return Err(refused(key, "`max_tokens` and `max_completion_tokens` are one parameter"));
                }
            }
        }
        Ok(())
    }
}

fn refused(key: &str, why: &str) -> CallError {
    Code::ParameterRefused.error(format!("`{key}` in the model's `extra` is refused: {why}"))
}

fn unknown(allowed: &BTreeSet<Arc<str>>) -> String {
    let known = KNOWN.iter().filter(|(_, usage)| !matches!(usage, Use::Refused(_))).map(|(name, _)| *name);
    let names: Vec<String> = known.chain(allowed.iter().map(|name| &**name)).map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    let remedy = Code::ParameterRefused.remedy();
    format!("it is no parameter of chat completions, and none that the host allows; known are {names}; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(extra: &str) -> Result<Extra, CallError> {
        let allowed = BTreeSet::from([Arc::from("top_k")]);
        Extra::read(Some(&Value::from_json_text(extra).unwrap()), &allowed)
    }

    #[test]
    fn every_known_key_is_read_or_passed_on_or_refused_by_name() {
        for (key, usage) in KNOWN {
            let value = if key.starts_with("max_") { "5" } else { "\"https://example.com\"" };
            match (usage, read(&format!("{{\"{key}\": {value}}}"))) {
                (Use::Read, Ok(extra)) => {
                    let taken = [extra.base_url.is_some(), extra.api_key.is_some(), extra.max_tokens.is_some()];
                    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{key}");
                    assert!(extra.parameters.is_empty(), "{key}");
                }
                (Use::Passed, Ok(extra)) => assert_eq!(&*extra.parameters[0].0, *key),
                (Use::Refused(_), Err(error)) => {
                    assert_eq!((&*error.code, error.retryable), ("provider_parameter_refused", false));
                    assert!(error.message.contains(&format!("`{key}`")), "{error}");
                }
                (_, other) => panic!("{key}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_table_is_sorted_and_names_each_key_once() {
        assert!(KNOWN.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn what_nobody_reads_is_refused_by_name() {
        for (extra, key) in [
            (r#"{"top_q": 1}"#, "`top_q`"),
            (r#"{"top_p": 1, "Top_p": 1}"#, "`Top_p`"),
            (r#"{"": 1}"#, "``"),
            (r#"{"max_tokens": 0}"#, "`max_tokens`"),
            (r#"{"max_tokens": "5"}"#, "`max_tokens`"),
            (r#"{"max_tokens": 1.5}"#, "`max_tokens`"),
            (r#"{"max_tokens": 5, "max_completion_tokens": 5}"#, "`max_completion_tokens`"),
            (r#"{"base_url": 5}"#, "`base_url`"),
            (r#"{"api_key_ref": ""}"#, "`api_key_ref`"),
            (r#"{"api_key_ref": ["a"]}"#, "`api_key_ref`"),
            (r#"["top_p"]"#, "`extra` is a map"),
        ] {
            let error = read(extra).unwrap_err();
            assert_eq!(&*error.code, "provider_parameter_refused");
            assert!(error.message.contains(key), "{extra}: {error}");
        }
        assert_eq!(read(r#"{"top_k": 5}"#).unwrap().parameters.len(), 1);
        assert!(Extra::read(None, &BTreeSet::new()).unwrap().parameters.is_empty());
    }
}
