//! Answers.

use std::sync::Arc;

use futures_util::future::join_all;
use kneo_core::Value;
use kneo_core::call::CallContext;
use kneo_core::message::{Message, Part, Role, StopReason, ToolCall, ToolResult};
use kneo_core::provider::OutputSchema;

use super::Checked;
use super::fixture::Fixture;
use super::support::{Received, ask, context, expect, only, requests};

/// Texts that are easily damaged on the way.
const TEXTS: [&str; 6] = [
    "plain",
    "  spaces around  ",
    "two\nlines\n\nand a gap",
    "größe 漢字 🎉👩‍👩‍👧",
    "\u{202e}right to left",
    "{\"json\": [1, 2]}",
];

pub(super) async fn answer_is_the_assistants_text(fixture: &dyn Fixture) -> Checked {
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

pub(super) async fn deltas_join_to_the_text(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&TEXTS).await;
    for (text, request) in TEXTS.iter().zip(requests(&setup, TEXTS.len())?) {
        let received = Received::default();
        ask(&setup, request, &context().with_deltas(received.sink(|| {}))).await?;
        expect("deltas, joined,", received.text().as_str(), *text)?;
    }
    Ok(true)
}

pub(super) async fn usage_is_told(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&["some words"]).await;
    let usage = ask(&setup, only(&setup)?, &context()).await?.usage;
    if usage.input == 0 || usage.output == 0 {
        return Err(format!("an answer cost {usage:?}: neither its request nor its text is nothing"));
    }
    Ok(true)
}

pub(super) async fn concurrent_calls_do_not_mix(fixture: &dyn Fixture) -> Checked {
    let texts: Vec<String> = (0..32).map(|call| format!("answer number {call}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let setup = fixture.answering(&texts).await;
    let received: Vec<Received> = texts.iter().map(|_| Received::default()).collect();
    let contexts: Vec<CallContext> =
        received.iter().map(|received| context().with_deltas(received.sink(|| {}))).collect();
    let calls = requests(&setup, texts.len())?.iter().zip(&contexts);
    let answers = join_all(calls.map(|(request, context)| ask(&setup, request, context))).await;
    for ((text, answer), received) in texts.iter().zip(answers).zip(received) {
        expect("text", answer?.message.to_text().as_str(), *text)?;
        expect("deltas, joined,", received.text().as_str(), *text)?;
    }
    Ok(true)
}

pub(super) async fn a_structured_answer_is_its_text(fixture: &dyn Fixture) -> Checked {
    let closed = r#"{"type":"object","properties":{"verdict":{"type":"string"},"score":{"type":"integer"}},"required":["verdict","score"],"additionalProperties":false}"#;
    let open = r#"{"type":"object","properties":{"note":{"type":"string","minLength":1}}}"#;
    for (schema, text) in [(closed, r#"{"verdict": "größe", "score": 3}"#), (open, r#"{"note":"n","more":[1]}"#)] {
        let schema = Value::from_json_text(schema).map_err(|error| error.to_string())?;
        let output = OutputSchema::new("the verdict", schema);
        let Some(setup) = fixture.structured(&output, text).await else { return Ok(false) };
        let request = only(&setup)?;
        expect("form of the fixture's request", &request.output, &Some(output))?;
        let received = Received::default();
        let answer = ask(&setup, request, &context().with_deltas(received.sink(|| {}))).await?;
        expect("text", answer.message.to_text().as_str(), text)?;
        expect("deltas, joined,", received.text().as_str(), text)?;
        expect("stop reason", &answer.stop, &StopReason::End)?;
    }
    Ok(true)
}

/// What a conversation holds after turns with tools: calls well and ill formed, results good and bad.
pub(super) async fn a_conversation_with_tool_calls_is_gone_on_with(fixture: &dyn Fixture) -> Checked {
    let setup = fixture.answering(&["and so on"]).await;
    let mut request = only(&setup)?.clone();
    let good = ToolCall::from_text("call_1", "search", r#"{"query":"größe"}"#);
    let cut = ToolCall::from_text("call_2", "files.delete", r#"{"path": "/tm"#);
    let results = [
        ToolResult::new(&good, Value::list([Value::from("found")]).unwrap_or_default(), false),
        ToolResult::new(&cut, Value::from("the arguments are not well-formed"), true),
    ];
    let spoken = Part::Text(Arc::from("Let me look."));
    let calls = [good, cut].into_iter().map(Part::ToolCall);
    let before = [
        Message::text(Role::System, "Be brief."),
        Message::text(Role::User, "an earlier question"),
        Message::new(Role::Assistant, std::iter::once(spoken).chain(calls).collect()),
        Message::new(Role::Tool, results.into_iter().map(Part::ToolResult).collect()),
        Message::text(Role::Assistant, "an earlier answer"),
    ];
    request.messages.splice(0..0, before.map(Arc::new));
    let answer = ask(&setup, &request, &context()).await?;
    expect("text", answer.message.to_text().as_str(), "and so on")?;
    Ok(true)
}
