//! Tool calls.

use kneo_core::message::{Arguments, Role, StopReason, ToolCall};

use super::Checked;
use super::fixture::Fixture;
use super::support::{ask, context, expect, only};

pub(super) async fn tool_calls_are_reported_in_order(fixture: &dyn Fixture) -> Checked {
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

pub(super) async fn malformed_arguments_stay_as_they_are(fixture: &dyn Fixture) -> Checked {
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
