//! Conversations with models.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// The author of the agent.
    System,
    /// Whoever the agent works for.
    User,
    /// The model.
    Assistant,
    /// A tool that answers a call.
    Tool,
}

/// One item of a conversation.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// One piece of a [`Message`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Part {
    /// Plain text.
    Text(Arc<str>),
    /// The model asks for a tool.
    ToolCall(ToolCall),
    /// A tool answers.
    ToolResult(ToolResult),
}

/// A model's request to run a tool.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ToolCall {
    /// The model's own id of the call; unique within its message.
    pub id: Arc<str>,
    /// The tool's name as the model wrote it.
    pub name: Arc<str>,
    /// The arguments.
    pub arguments: Arguments,
}

/// The arguments of a [`ToolCall`].
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a text either is JSON or is not")]
pub enum Arguments {
    /// Well-formed JSON.
    Parsed(Value),
    /// Text that is not JSON, such as a stream cut short. Never executed, and never repaired.
    Malformed(Arc<str>),
}

/// The answer to a [`ToolCall`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ToolResult {
    /// The id of the call.
    pub id: Arc<str>,
    /// The tool's name.
    pub name: Arc<str>,
    /// What the tool gave, or what went wrong.
    pub content: Value,
    /// Whether the content says what went wrong.
    pub is_error: bool,
}

impl Message {
    /// A message of some parts.
    #[must_use]
    pub fn new(role: Role, parts: Vec<Part>) -> Message {
        Message { role, parts }
    }

    /// A message of plain text.
    pub fn text(role: Role, text: impl Into<Arc<str>>) -> Message {
        Message { role, parts: vec![Part::Text(text.into())] }
    }

    /// The text parts, joined.
    #[must_use]
    pub fn to_text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(&**text),
            Part::ToolCall(_) | Part::ToolResult(_) => None,
        });
        texts.collect()
    }

    /// The tool calls, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            Part::Text(_) | Part::ToolResult(_) => None,
        })
    }
}

impl ToolCall {
    /// A call with well-formed arguments.
    pub fn new(id: impl Into<Arc<str>>, name: impl Into<Arc<str>>, arguments: Value) -> ToolCall {
        ToolCall { id: id.into(), name: name.into(), arguments: Arguments::Parsed(arguments) }
    }

    /// A call whose arguments arrived as text; text that is not JSON stays what it is.
    pub fn from_text(id: impl Into<Arc<str>>, name: impl Into<Arc<str>>, text: &str) -> ToolCall {
        let arguments = match Value::from_json_text(text) {
            Ok(value) => Arguments::Parsed(value),
            Err(_) => Arguments::Malformed(Arc::from(text)),
        };
        ToolCall { id: id.into(), name: name.into(), arguments }
    }
}

impl ToolResult {
    /// The answer of a tool.
    pub fn new(call: &ToolCall, content: Value, is_error: bool) -> ToolResult {
        ToolResult { id: Arc::clone(&call.id), name: Arc::clone(&call.name), content, is_error }
    }
}

/// Why a model stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// It had said everything.
    End,
    /// It wants tools to run.
    ToolCalls,
    /// It reached a length limit.
    Length,
    /// A filter stopped it.
    ContentFilter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_arguments_stay_text() {
        let call = ToolCall::from_text("1", "delete", r#"{"path": "/tm"#);
        assert_eq!(call.arguments, Arguments::Malformed(Arc::from(r#"{"path": "/tm"#)));
        let call = ToolCall::from_text("1", "delete", "{}");
        assert!(matches!(call.arguments, Arguments::Parsed(_)));
    }
}
