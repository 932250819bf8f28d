//! An answer read off the wire, streamed or whole.

use std::time::Duration;

use kneo_core::call::CallError;
use kneo_core::provider::ModelAnswer;
use reqwest::header::{CONTENT_TYPE, HeaderMap};

use super::answer::Assembly;
use super::builder::Answers;
use super::fault;
use super::wire::Completion;
use crate::http::bounds::Bounds;
use crate::http::code::Code;
use crate::http::exchange::{Body, BodyError};
use crate::http::redact::redact;
use crate::http::sse::{SseError, SseEvent, SseParser};

/// How long the end of a stream may take once the answer is complete: only the usage is still to come.
const TAIL: Duration = Duration::from_secs(5);

/// In which form an answer comes, whatever was asked for: some servers do not stream.
///
/// # Errors
/// A form that no answer has.
pub(super) fn form(headers: &HeaderMap, asked: Answers) -> Result<Answers, CallError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/event-stream" => Ok(Answers::Streamed),
        "application/json" => Ok(Answers::Plain),
        "text/html" => {
            let mut error = Code::MalformedAnswer.error("the server answered with a page");
            error.retryable = false;
            Err(error)
        }
        _ => Ok(asked),
    }
}

/// Reads a whole answer that comes at once.
///
/// # Errors
/// Whatever keeps it from being whole.
pub(super) async fn plain(body: Body, mut assembly: Assembly<'_>, key: Option<&str>) -> Result<ModelAnswer, CallError> {
    let bytes = body.whole().await?;
    let text = str::from_utf8(&bytes).map_err(|_| malformed("it is not UTF-8", key))?;
    let mut whole = read(text, key)?;
    whole.number_calls();
    take(whole, text, &mut assembly, key)?;
    assembly.finish()
}

/// Reads an answer that comes piece by piece.
///
/// It is complete when the model has said why it stopped; `[DONE]` is not waited for long, and what breaks after that
/// breaks nothing.
///
/// # Errors
/// Whatever keeps it from being whole.
pub(super) async fn streamed(
    mut body: Body,
    mut assembly: Assembly<'_>,
    bounds: &Bounds,
    key: Option<&str>,
) -> Result<ModelAnswer, CallError> {
    let mut parser = SseParser::new(bounds.event_bytes);
    loop {
        let patience = if assembly.is_complete() { bounds.idle.min(TAIL) } else { bounds.idle };
        let piece = match body.next_within(patience).await {
            Ok(piece) => piece,
            Err(BodyError::Cut(_) | BodyError::Stalled(_)) if assembly.is_complete() => return assembly.finish(),
            Err(error) => return Err(error.into()),
        };
        let Some(piece) = piece else { break };
        for event in parser.push(piece.as_ref()).map_err(|error| unreadable(error, bounds))? {
            if take_event(&event, &mut assembly, key)? == Next::Nothing {
                body.settle().await;
                return assembly.finish();
            }
        }
    }
    // A last event without the blank line that ends it counts, unless it was cut.
    if let Ok(Some(event)) = parser.finish()
        && let Err(error) = take_event(&event, &mut assembly, key)
        && &*error.code != Code::MalformedAnswer.as_str()
    {
        return Err(error);
    }
    assembly.finish()
}

/// What comes after an event.
#[derive(PartialEq)]
enum Next {
    /// Another.
    Event,
    /// Nothing: it was `[DONE]`.
    Nothing,
}

fn take_event(event: &SseEvent, assembly: &mut Assembly<'_>, key: Option<&str>) -> Result<Next, CallError> {
    match (event.name.as_str(), event.data.trim()) {
        (_, "[DONE]") => return Ok(Next::Nothing),
        (_, "") => {}
        ("error", data) => {
            let error = serde_json::from_str(data).unwrap_or_else(|_| serde_json::Value::String(data.to_owned()));
            return Err(fault::of_answer(&error, key));
        }
        (name, data) => match read(data, key) {
            Ok(piece) => take(piece, data, assembly, key)?,
            Err(error) if matches!(name, "" | "message") => return Err(error),
            // Events of a server's own, such as a heartbeat, have whatever form they like.
            Err(_) => {}
        },
    }
    Ok(Next::Event)
}

fn read(text: &str, key: Option<&str>) -> Result<Completion, CallError> {
    serde_json::from_str(text).map_err(|error| malformed(&error.to_string(), key))
}

fn take(mut piece: Completion, text: &str, assembly: &mut Assembly<'_>, key: Option<&str>) -> Result<(), CallError> {
    if let Some(error) = piece.take_error(|| serde_json::from_str(text).ok()) {
        // What it has cost by then may stand beside the error.
        assembly.take(piece)?;
        return Err(fault::of_answer(&error, key));
    }
    assembly.take(piece)
}

fn malformed(why: &str, key: Option<&str>) -> CallError {
    Code::MalformedAnswer.error(format!("the answer is not what chat completions give: {}", redact(why, key)))
}

fn unreadable(error: SseError, bounds: &Bounds) -> CallError {
    match error {
        SseError::TooLarge => {
            let message = format!("an event of the answer has more than {} bytes", bounds.event_bytes);
            Code::AnswerTooLarge.error(message)
        }
        SseError::NotUtf8 => Code::MalformedAnswer.error("the answer is not UTF-8"),
    }
}
