//! What the cases share.

use std::fmt;
use std::time::Duration;

use kneo_core::call::{CallContext, CallError};
use kneo_core::provider::ToolOffer;
use kneo_core::{Attempt, Cancel, Namespace, Path, RunId, RunKey, Value};
use tokio::time::{Instant, sleep, timeout};

use super::fixture::{Seen, ServerSetup};

/// How soon anything must be done that nothing keeps from being done.
pub(super) const SOON: Duration = Duration::from_secs(10);

const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Asks for the tools.
pub(super) async fn tools(setup: &ServerSetup) -> Result<Vec<ToolOffer>, String> {
    match timeout(SOON, setup.server.tools(&context())).await {
        Ok(Ok(tools)) => Ok(tools),
        Ok(Err(error)) => Err(format!("the server gives no tools: {} ({error})", error.code)),
        Err(_) => Err(format!("the server gives no tools for {SOON:?}")),
    }
}

/// Calls a tool that succeeds.
pub(super) async fn call(setup: &ServerSetup, tool: &str, arguments: Value) -> Result<Value, String> {
    match timeout(SOON, setup.server.call(tool, arguments, &context())).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("the call of `{tool}` failed: {} ({error})", error.code)),
        Err(_) => Err(format!("the call of `{tool}` went on for {SOON:?}")),
    }
}

/// Calls a tool that fails.
pub(super) async fn fail(setup: &ServerSetup, tool: &str, context: &CallContext) -> Result<CallError, String> {
    match timeout(SOON, setup.server.call(tool, nothing(), context)).await {
        Ok(Err(error)) => has_code(&error).map(|()| error),
        Ok(Ok(value)) => Err(format!("the call of `{tool}` was to fail and gave {value}")),
        Err(_) => Err(format!("the call of `{tool}` was to fail and went on for {SOON:?}")),
    }
}

pub(super) fn has_code(error: &CallError) -> Result<(), String> {
    let snake = error.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !snake || !error.code.starts_with("mcp_") {
        Err(format!("the code `{}` is not like `mcp_tool_error`", error.code))
    } else if error.message.is_empty() {
        Err(format!("`{}` has no message", error.code))
    } else {
        Ok(())
    }
}

pub(super) fn expect<T: PartialEq + fmt::Debug + ?Sized>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("the {what} is {found:?} instead of {wanted:?}")) }
}

/// Checks how often the server has seen something; `Ok(false)` if that cannot be told.
pub(super) fn saw(setup: &ServerSetup, what: &Seen, wanted: usize) -> Result<bool, String> {
    match setup.count(what) {
        Some(found) if found == wanted => Ok(true),
        Some(found) => Err(format!("the server has seen {what:?} {found} times instead of {wanted}")),
        None => Ok(false),
    }
}

/// Waits until the server has seen something; `Ok(false)` if that cannot be told.
pub(super) async fn sees(setup: &ServerSetup, what: &Seen) -> Result<bool, String> {
    let begun = Instant::now();
    loop {
        match setup.count(what) {
            None => return Ok(false),
            Some(0) if begun.elapsed() > SOON => return Err(format!("the server has not seen {what:?} for {SOON:?}")),
            Some(0) => sleep(LOOK_AGAIN).await,
            Some(_) => return Ok(true),
        }
    }
}

pub(super) fn nothing() -> Value {
    Value::map::<&str>([]).unwrap_or_default()
}

pub(super) fn context() -> CallContext {
    let run = RunKey::new(Namespace::default(), RunId::from_bytes([1; 16]));
    CallContext::new(run, Path::root(), Attempt::FIRST, Cancel::new())
}
