//! Performs one attempt of an effect.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use kneo_core::call::{CallContext, CallError};
use kneo_core::plan::{ModelDef, Plan, ServerIx};
use kneo_core::{Cancel, Failure, FailureKind, Usage, Value};
use tracing::{Instrument as _, Span};

use crate::bind::{Bound, Callable};
use crate::engine::{EffectRequest, EffectResult};

/// An attempt on its way; ends with its result, whatever the host's code does.
pub(crate) type Attempting = Pin<Box<dyn Future<Output = EffectResult> + Send>>;

/// The bounds of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) callee: Callee,
    /// Tells the attempt to stop.
    pub(crate) cancel: Cancel,
    /// How long it may take.
    pub(crate) limit: Option<Duration>,
    /// How long it may take to end once it is told to stop.
    pub(crate) grace: Duration,
}

/// The call that a request asks for; `None` if nothing of the host is bound.
pub(crate) fn attempt(bound: &Bound, request: EffectRequest, context: CallContext, span: Span) -> Option<Attempting> {
    let attempting: Attempting = match request {
        EffectRequest::Function { function, input, .. } => {
            let function = bound.function(function)?;
            let call = async move { value(function.call(input, &context).await) };
            Box::pin(guarded(FailureKind::Function, call).instrument(span))
        }
        EffectRequest::ToolCall { tool, arguments } => match bound.tool(tool)? {
            Callable::Tool(tool) => {
                let call = async move { value(tool.call(arguments, &context).await) };
                Box::pin(guarded(FailureKind::Tool, call).instrument(span))
            }
            Callable::Command(command) => {
                let call = async move { value(command.call(arguments, &context).await) };
                Box::pin(guarded(FailureKind::Tool, call).instrument(span))
            }
        },
        EffectRequest::ServerCall { server, tool, arguments } => {
            let server = bound.server(server)?;
            let call = async move { value(server.call(&tool, arguments, &context).await) };
            Box::pin(guarded(FailureKind::Tool, call).instrument(span))
        }
        EffectRequest::Discovery { server } => {
            let server = bound.server(server)?;
            let call = async move { server.tools(&context).await.map(EffectResult::Offer) };
            Box::pin(guarded(FailureKind::Tool, call).instrument(span))
        }
        EffectRequest::ModelTurn { agent, request } => {
            let provider = bound.provider(agent)?;
            let call = async move {
                provider.generate(&request, &context).await.map(|answer| EffectResult::Answer(Box::new(answer)))
            };
            Box::pin(guarded(FailureKind::Provider, call).instrument(span))
        }
    };
    Some(attempting)
}

fn value(result: Result<Value, CallError>) -> Result<EffectResult, CallError> {
    result.map(EffectResult::Value)
}

async fn guarded(
    kind: FailureKind,
    call: impl Future<Output = Result<EffectResult, CallError>> + Send,
) -> EffectResult {
    caught(kind, call).await.unwrap_or_else(|(failure, usage)| EffectResult::Failed { failure, usage })
}

/// Turns errors and panics of the host's code into failures, each with what the call has used.
pub(crate) async fn caught<T>(
    kind: FailureKind,
    call: impl Future<Output = Result<T, CallError>> + Send,
) -> Result<T, (Failure, Usage)> {
    match AssertUnwindSafe(call).catch_unwind().await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => {
            // What it says is what somebody said: the record has it, and no log.
            tracing::debug!(%kind, code = %error.code, retryable = error.retryable, "the call failed");
            Err((error.to_failure(kind), error.usage))
        }
        Err(panic) => {
            let message = format!("the {kind}'s code panicked: {}", said(&*panic));
            tracing::error!(%kind, "the {kind}'s code panicked; the run's record says how");
            let failure = Failure::new(kind, message).with_code(format!("{kind}_panicked"));
            Err((failure.with_retryable(false), Usage::default()))
        }
    }
}

/// The longest part of a panic's message that a record keeps.
const MAX_PANIC_CHARS: usize = 300;

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").chars().take(MAX_PANIC_CHARS).collect()
}

/// Waits for an attempt within its bounds.
///
/// An attempt that is told to stop, or takes too long, is really gone when this ends: it ended within the grace, or
/// its future is dropped.
pub(crate) async fn supervise(mut attempting: Attempting, bounds: Bounds) -> EffectResult {
    let Bounds { callee, cancel, limit, grace } = bounds;
    let timed_out = tokio::select! {
        biased;
        result = &mut attempting => return if cancel.is_cancelled() { stopped(result) } else { result },
        () = cancel.cancelled() => false,
        () = lapse(limit) => true,
    };
    cancel.cancel();
    let last = tokio::time::timeout(grace, attempting).await.ok();
    if last.is_none() {
        tracing::warn!("the call did not end when it was told to; it is dropped");
    }
    match last {
        _ if timed_out => EffectResult::failed(timeout(&callee, limit)),
        Some(result) => stopped(result),
        None => EffectResult::Cancelled,
    }
}

/// The result of an attempt that was told to stop: what was finished is kept, how else it ended no longer matters.
fn stopped(result: EffectResult) -> EffectResult {
    match result {
        EffectResult::Value(_) | EffectResult::Answer(_) | EffectResult::Offer(_) => result,
        EffectResult::Failed { .. } | EffectResult::Cancelled => EffectResult::Cancelled,
    }
}

async fn lapse(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

fn timeout(callee: &Callee, limit: Option<Duration>) -> Failure {
    let limit = limit.unwrap_or_default();
    // A model reads what becomes of its calls, and can change nothing of the step.
    let advice = if callee.is_tried_again { ": give it longer, or let the step try again (`max_retries`)" } else { "" };
    let message = format!("{} took longer than {limit:?}, the `timeout_seconds` of its step{advice}", callee.what);
    Failure::new(FailureKind::Timeout, message).with_code("timeout")
}

/// Who is called, in words.
#[derive(Clone, Debug)]
pub(crate) struct Callee {
    what: String,
    /// Whether the step's policy says what follows a failure: a tool's is a result for the model.
    is_tried_again: bool,
}

impl Callee {
    /// Who a request goes to.
    pub(crate) fn of(plan: &Plan, request: &EffectRequest) -> Callee {
        let server = |at: ServerIx| plan.server(at).map_or_else(String::new, |server| format!(" `{}`", server.name));
        let what = match request {
            EffectRequest::ModelTurn { agent, .. } => match plan.agent(*agent).map(|agent| &agent.model) {
                Some(ModelDef { provider, name: Some(name), .. }) => format!("the model `{name}` of `{provider}`"),
                Some(ModelDef { provider, name: None, .. }) => format!("the model of `{provider}`"),
                None => "the model".to_owned(),
            },
            EffectRequest::ToolCall { tool, .. } => {
                plan.tool(*tool).map_or_else(|| "the tool".to_owned(), |tool| format!("the tool `{}`", tool.name))
            }
            EffectRequest::ServerCall { server: at, tool, .. } => format!("the tool `{tool}` of server{}", server(*at)),
            EffectRequest::Discovery { server: at } => format!("asking server{} for its tools", server(*at)),
            EffectRequest::Function { function, .. } => {
                let function = plan.function(*function);
                function.map_or_else(|| "the function".to_owned(), |it| format!("the function `{}`", it.name))
            }
        };
        let is_call = matches!(request, EffectRequest::ToolCall { .. } | EffectRequest::ServerCall { .. });
        Callee { what, is_tried_again: !is_call }
    }
}
