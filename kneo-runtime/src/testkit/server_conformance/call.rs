//! Calls of tools.

use std::sync::Arc;

use kneo_core::Value;

use super::Checked;
use super::fixture::{Does, Seen, ServerFixture, SuiteTool};
use super::support::{call, context, expect, fail, nothing, saw, sees};

fn called(tool: &str) -> Seen {
    Seen::Called(Arc::from(tool))
}

fn arguments(text: &str) -> Result<Value, String> {
    Value::from_json_text(text).map_err(|error| format!("the suite's own arguments are none: {error}"))
}

pub(super) async fn a_call_gives_what_the_tool_says(fixture: &dyn ServerFixture) -> Checked {
    for text in ["hello", "grüße, 世界 🦀\nand \"more\"", "{\"json\": true}", ""] {
        let tools = [SuiteTool::new("say", Does::Say(Arc::from(text)))];
        let Some(setup) = fixture.serving(&tools).await else { return Ok(false) };
        expect("answer", &call(&setup, "say", nothing()).await?, &Value::from(text))?;
    }
    Ok(true)
}

pub(super) async fn arguments_arrive_as_they_are(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[SuiteTool::new("echo", Does::Echo)]).await else { return Ok(false) };
    for text in [
        "{}",
        r#"{"a": [1, -2.5, "x", null, true, {"b": []}], "": "empty", "ключ": "значение 🦀"}"#,
        r#"{"text": "a \"b\"\\\n\t\u0001", "large": 9007199254740991}"#,
    ] {
        let wanted = arguments(text)?;
        expect("echo", &call(&setup, "echo", wanted.clone()).await?, &wanted)?;
    }
    Ok(true)
}

pub(super) async fn a_tools_own_error_is_told_in_its_words(fixture: &dyn ServerFixture) -> Checked {
    let words = "there is no file `a.txt`; write another path";
    let tools = [SuiteTool::new("fail", Does::Fail(Arc::from(words)))];
    let Some(setup) = fixture.serving(&tools).await else { return Ok(false) };
    let error = fail(&setup, "fail", &context()).await?;
    expect("code", &*error.code, "mcp_tool_error")?;
    expect("message", &*error.message, words)?;
    Ok(true)
}

pub(super) async fn a_tool_that_is_not_there_is_an_error(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[SuiteTool::new("echo", Does::Echo)]).await else { return Ok(false) };
    fail(&setup, "no-such-tool", &context()).await?;
    call(&setup, "echo", nothing()).await?;
    Ok(true)
}

pub(super) async fn a_call_is_made_once(fixture: &dyn ServerFixture) -> Checked {
    let tools = [SuiteTool::new("echo", Does::Echo), SuiteTool::new("fail", Does::Fail(Arc::from("no")))];
    let Some(setup) = fixture.serving(&tools).await else { return Ok(false) };
    call(&setup, "echo", nothing()).await?;
    fail(&setup, "fail", &context()).await?;
    Ok(saw(&setup, &called("echo"), 1)? && saw(&setup, &called("fail"), 1)?)
}

pub(super) async fn calls_run_at_the_same_time(fixture: &dyn ServerFixture) -> Checked {
    let tools = [SuiteTool::new("hang", Does::Hang), SuiteTool::new("echo", Does::Echo)];
    let Some(setup) = fixture.serving(&tools).await else { return Ok(false) };
    let context = context();
    tokio::select! {
        biased;
        result = setup.server.call("hang", nothing(), &context) => {
            Err(format!("a call that gives nothing gave {result:?}"))
        }
        echoed = call(&setup, "echo", nothing()) => echoed.map(|_| true),
    }
}

pub(super) async fn calls_at_the_same_time_do_not_mix(fixture: &dyn ServerFixture) -> Checked {
    let Some(setup) = fixture.serving(&[SuiteTool::new("echo", Does::Echo)]).await else { return Ok(false) };
    let numbered =
        (0..32).map(|number| arguments(&format!(r#"{{"number": {number}}}"#))).collect::<Result<Vec<_>, _>>()?;
    let calls = numbered.iter().map(|arguments| call(&setup, "echo", arguments.clone()));
    for (wanted, found) in numbered.iter().zip(futures_util::future::join_all(calls).await) {
        expect("echo", &found?, wanted)?;
    }
    Ok(true)
}

pub(super) async fn a_call_that_breaks_off_is_an_error_and_is_not_made_again(fixture: &dyn ServerFixture) -> Checked {
    let tools = [SuiteTool::new("break", Does::Break), SuiteTool::new("echo", Does::Echo)];
    let Some(setup) = fixture.serving(&tools).await else { return Ok(false) };
    let error = fail(&setup, "break", &context()).await?;
    if !error.retryable || *error.code == *"mcp_tool_error" {
        return Err(format!("a call that broke off is an error that does not pass: {error:?}"));
    }
    call(&setup, "echo", nothing()).await?;
    if !sees(&setup, &called("echo")).await? {
        return Ok(false);
    }
    saw(&setup, &called("break"), 1)
}
