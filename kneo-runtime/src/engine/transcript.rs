//! The stored form of a model's answer: the payload of a turn's `effect_succeeded`.
//!
//! `{"text": …, "calls": [{"id", "name", "arguments" | "malformed"}], "stop": …}`; `calls` is left out when empty.

use std::sync::Arc;

use kneo_core::message::{Arguments, Message, Part, Role, StopReason, ToolCall};
use kneo_core::provider::ModelAnswer;
use kneo_core::{Value, ValueError};

/// The stored form of an answer.
///
/// # Errors
/// Arguments that nest too deep to be put into a map.
pub fn answer_to_value(answer: &ModelAnswer) -> Result<Value, ValueError> {
    let mut entries = vec![("text", Value::from(answer.message.to_text()))];
    let calls = answer.message.tool_calls().map(call_to_value).collect::<Result<Vec<_>, _>>()?;
    if !calls.is_empty() {
        entries.push(("calls", Value::list(calls)?));
    }
    entries.push(("stop", Value::from(stop_word(answer.stop))));
    Value::map(entries)
}

/// Reads the stored form: the message, and why the model stopped. `None` for a value of another shape.
#[must_use]
pub fn value_to_answer(value: &Value) -> Option<(Message, StopReason)> {
    let text = value.get("text")?.as_str()?;
    let stop = stop_from(value.get("stop")?.as_str()?)?;
    let mut parts = Vec::new();
    if !text.is_empty() {
        parts.push(Part::Text(Arc::from(text)));
    }
    if let Some(Value::List(calls)) = value.get("calls") {
        for call in calls.items() {
            parts.push(Part::ToolCall(value_to_call(call)?));
        }
    }
    Some((Message::new(Role::Assistant, parts), stop))
}

fn call_to_value(call: &ToolCall) -> Result<Value, ValueError> {
    let arguments = match &call.arguments {
        Arguments::Parsed(value) => ("arguments", value.clone()),
        Arguments::Malformed(text) => ("malformed", Value::Str(Arc::clone(text))),
    };
    Value::map([("id", Value::Str(Arc::clone(&call.id))), ("name", Value::Str(Arc::clone(&call.name))), arguments])
}

fn value_to_call(value: &Value) -> Option<ToolCall> {
    let id = value.get("id")?.as_str()?;
    let name = value.get("name")?.as_str()?;
    let mut call = ToolCall::new(id, name, Value::Null);
    call.arguments = match (value.get("arguments"), value.get("malformed")) {
        (Some(arguments), None) => Arguments::Parsed(arguments.clone()),
        (None, Some(Value::Str(text))) => Arguments::Malformed(Arc::clone(text)),
        _ => return None,
    };
    Some(call)
}

fn stop_word(stop: StopReason) -> &'static str {
    match stop {
        StopReason::ToolCalls => "tool_calls",
        StopReason::Length => "length",
        StopReason::ContentFilter => "content_filter",
        _ => "end",
    }
}

fn stop_from(word: &str) -> Option<StopReason> {
    match word {
        "end" => Some(StopReason::End),
        "tool_calls" => Some(StopReason::ToolCalls),
        "length" => Some(StopReason::Length),
        "content_filter" => Some(StopReason::ContentFilter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kneo_core::Usage;

    use super::*;

    #[test]
    fn an_answer_round_trips_with_malformed_arguments_as_they_were() {
        let parts = vec![
            Part::Text(Arc::from("let me look")),
            Part::ToolCall(ToolCall::new("1", "search", Value::map([("q", Value::from("kneo"))]).unwrap())),
            Part::ToolCall(ToolCall::from_text("2", "delete", r#"{"path": "/tm"#)),
        ];
        let answer = ModelAnswer::new(Message::new(Role::Assistant, parts), StopReason::ToolCalls, Usage::default());
        let value = answer_to_value(&answer).unwrap();
        assert_eq!(value_to_answer(&value), Some((answer.message, StopReason::ToolCalls)));
        assert_eq!(value_to_answer(&Value::from("text")), None);
    }
}
