//! A conversation as the API has it.

use std::borrow::Cow;

use kneo_core::call::CallError;
use kneo_core::message::{Arguments, Message, Part, Role, ToolCall, ToolResult};
use serde::Serialize;

use super::tool_name::ToolNames;
use crate::http::code::Code;

/// A message of the request (<https://platform.openai.com/docs/api-reference/chat/create>).
#[derive(Serialize, PartialEq, Debug)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize, PartialEq, Debug)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize, PartialEq, Debug)]
struct WireFunction<'a> {
    name: Cow<'a, str>,
    /// JSON as text; what a model wrote that is no JSON is sent as it wrote it.
    arguments: Cow<'a, str>,
}

impl<'a> WireMessage<'a> {
    fn of(role: &'static str, content: Option<Cow<'a, str>>) -> WireMessage<'a> {
        WireMessage { role, content, tool_calls: Vec::new(), tool_call_id: None }
    }

    fn of_result(result: &'a ToolResult) -> WireMessage<'a> {
        // The API has no place for "this went wrong": the content says it.
        let content = Cow::Owned(result.content.to_text().as_ref().to_owned());
        WireMessage { tool_call_id: Some(&result.id), ..WireMessage::of("tool", Some(content)) }
    }
}

/// A conversation; a message with several tool results becomes one message for each.
///
/// # Errors
/// A message that the API has no form for.
pub(super) fn conversation<'a, M: AsRef<Message>>(
    messages: &'a [M],
    names: &'a ToolNames,
) -> Result<Vec<WireMessage<'a>>, CallError> {
    let mut wire = Vec::with_capacity(messages.len());
    for message in messages {
        let message = message.as_ref();
        match message.role {
            Role::System => wire.push(WireMessage::of("system", Some(text_only(message)?))),
            Role::User => wire.push(WireMessage::of("user", Some(text_only(message)?))),
            Role::Assistant => wire.push(assistant(message, names)?),
            Role::Tool => {
                for part in &message.parts {
                    match part {
                        Part::ToolResult(result) => wire.push(WireMessage::of_result(result)),
                        _ => return Err(no_form(message)),
                    }
                }
            }
            _ => return Err(no_form(message)),
        }
    }
    Ok(wire)
}

fn assistant<'a>(message: &'a Message, names: &'a ToolNames) -> Result<WireMessage<'a>, CallError> {
    let mut tool_calls = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text(_) => {}
            Part::ToolCall(call) => tool_calls.push(wire_call(call, names)),
            _ => return Err(no_form(message)),
        }
    }
    let text = joined(message);
    let content = (!text.is_empty() || tool_calls.is_empty()).then_some(text);
    Ok(WireMessage { tool_calls, ..WireMessage::of("assistant", content) })
}

fn wire_call<'a>(call: &'a ToolCall, names: &'a ToolNames) -> WireCall<'a> {
    let arguments = match &call.arguments {
        Arguments::Parsed(value) => Cow::Owned(value.to_string()),
        Arguments::Malformed(text) => Cow::Borrowed(&**text),
    };
    WireCall { id: &call.id, r#type: "function", function: WireFunction { name: names.sent(&call.name), arguments } }
}

fn text_only(message: &Message) -> Result<Cow<'_, str>, CallError> {
    let is_text = |part: &Part| matches!(part, Part::Text(_));
    if message.parts.iter().all(is_text) { Ok(joined(message)) } else { Err(no_form(message)) }
}

fn joined(message: &Message) -> Cow<'_, str> {
    match message.parts.as_slice() {
        [Part::Text(text)] => Cow::Borrowed(text),
        _ => Cow::Owned(message.to_text()),
    }
}

fn no_form(message: &Message) -> CallError {
    let text = format!("chat completions have no form for a message of the role {:?} with such parts", message.role);
    Code::InvalidRequest.error(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kneo_core::Value;

    use super::*;

    fn wire(messages: &[Message]) -> Result<String, CallError> {
        let messages: Vec<Arc<Message>> = messages.iter().cloned().map(Arc::new).collect();
        let names = ToolNames::of(&[]);
        Ok(serde_json::to_string(&conversation(&messages, &names)?).unwrap())
    }

    #[test]
    fn every_message_has_its_form() {
        let call = ToolCall::new("c1", "files.read", Value::from_json_text(r#"{"b":1,"a":[null,"ü"]}"#).unwrap());
        let cut = ToolCall::from_text("c2", "delete", r#"{"path": "/tm"#);
        let result = ToolResult::new(&call, Value::from_json_text(r#"{"z":1,"a":2}"#).unwrap(), false);
        let failed = ToolResult::new(&cut, Value::from("not well-formed"), true);
        let text = |role, text: &str| Message::text(role, text);
        let part = |text: &str| Part::Text(Arc::from(text));
        let calls = vec![Part::ToolCall(call), Part::ToolCall(cut)];
        let spoken = [vec![part("Let me "), part("look.")], calls.clone()].concat();
        for (message, expected) in [
            (text(Role::System, "be brief"), r#"{"role":"system","content":"be brief"}"#),
            (text(Role::User, "a\n\"b\""), r#"{"role":"user","content":"a\n\"b\""}"#),
            (Message::new(Role::User, vec![part("a"), part("b")]), r#"{"role":"user","content":"ab"}"#),
            (text(Role::Assistant, ""), r#"{"role":"assistant","content":""}"#),
            (Message::new(Role::Assistant, vec![]), r#"{"role":"assistant","content":""}"#),
            (
                Message::new(Role::Assistant, calls),
                r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"files_read","arguments":"{\"b\":1,\"a\":[null,\"ü\"]}"}},{"id":"c2","type":"function","function":{"name":"delete","arguments":"{\"path\": \"/tm"}}]}"#,
            ),
            (
                Message::new(Role::Tool, vec![Part::ToolResult(result), Part::ToolResult(failed)]),
                r#"{"role":"tool","content":"{\"z\":1,\"a\":2}","tool_call_id":"c1"},{"role":"tool","content":"not well-formed","tool_call_id":"c2"}"#,
            ),
        ] {
            assert_eq!(wire(&[message]).unwrap(), format!("[{expected}]"));
        }
        let spoken = wire(&[Message::new(Role::Assistant, spoken)]).unwrap();
        assert!(
            spoken.starts_with(r#"[{"role":"assistant","content":"Let me look.","tool_calls":[{"id":"c1""#),
            "{spoken}"
        );
    }

    #[test]
    fn what_has_no_form_is_an_error_and_is_not_left_out() {
        let call = ToolCall::new("c1", "a", Value::Null);
        let result = Part::ToolResult(ToolResult::new(&call, Value::Null, false));
        for (role, part) in [
            (Role::System, Part::ToolCall(call.clone())),
            (Role::User, result.clone()),
            (Role::Assistant, result),
            (Role::Tool, Part::Text(Arc::from("a"))),
        ] {
            let error = wire(&[Message::new(role, vec![part])]).unwrap_err();
            assert_eq!((&*error.code, error.retryable), ("provider_invalid_request", false));
        }
    }
}
