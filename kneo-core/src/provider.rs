//! The contract of model providers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::call::{CallContext, CallError};
use crate::message::{Message, StopReason};
use crate::usage::Usage;
use crate::value::Value;

/// A model backend.
///
/// # Contract
/// - **One exchange.** A call asks the model once and gives its whole answer. Retries, fallbacks and budgets are the
///   engine's.
/// - **Nothing executed.** A provider reports the tool calls that the model wants and runs none. Arguments that are not
///   well-formed JSON are reported as they are, never repaired.
/// - **At least once.** After a crash the same turn may be asked again, under the same [`CallContext::key`]; a backend
///   that knows such keys is given it. An exchange whose answer was committed is never asked again.
/// - **Cancellation.** When the token is cancelled the call ends soon, and the exchange with it.
/// - **Secrets.** No key, header or credential is part of an answer or an error.
/// - **Concurrency.** Calls may run at the same time.
///
/// # Implementing
/// `kneo-providers` has providers to read and, with its feature `conformance`, the suite that a provider passes.
///
/// # Errors
/// An exchange that was paid for says so with [`CallError::with_usage`]. `retryable` says whether the same request can
/// succeed later; codes begin with `provider_`.
///
/// # Cancel safety
/// Dropping the future ends the exchange; the model may have been paid all the same.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Asks the model once.
    ///
    /// # Errors
    /// Whatever keeps the backend from a whole answer; half an answer is an error too.
    ///
    /// # Cancel safety
    /// Dropping the future ends the exchange; the model may have been paid all the same.
    async fn generate(&self, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, CallError>;

    /// Finds out whether the backend can be reached with what a request names — model, address, key — without asking
    /// the model anything. One that has nothing to find out says so by not implementing it.
    ///
    /// # Errors
    /// What would keep such a request from an answer.
    ///
    /// # Cancel safety
    /// Dropping the future ends the exchange.
    async fn check(&self, _request: &ModelRequest, _context: &CallContext) -> Result<(), CallError> {
        Ok(())
    }
}

/// What a model is asked.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ModelRequest {
    /// The agent, by the author's name.
    pub agent: Arc<str>,
    /// Which turn of the agent it is, from 1.
    pub turn: u32,
    /// The model's name; `None` leaves the choice to the provider.
    pub model: Option<Arc<str>>,
    /// The sampling temperature; `None` leaves it to the provider.
    pub temperature: Option<f64>,
    /// What only this provider understands.
    pub extra: Option<Value>,
    /// The conversation, oldest first; a system message, if any, is the first.
    pub messages: Vec<Arc<Message>>,
    /// The tools that the model may ask for.
    pub tools: Arc<[ToolOffer]>,
    /// The most tokens that the answer may have.
    pub max_output_tokens: Option<u64>,
    /// What the answer's text must be, where the agent has a schema for it. A provider that can make its model keep to
    /// a schema does; the engine checks the answer whatever the provider did.
    pub output: Option<OutputSchema>,
}

/// The form of a structured answer.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct OutputSchema {
    /// A name for it, for backends that want one.
    pub name: Arc<str>,
    /// The JSON Schema.
    pub schema: Value,
}

impl OutputSchema {
    /// The form of a structured answer.
    pub fn new(name: impl Into<Arc<str>>, schema: Value) -> OutputSchema {
        OutputSchema { name: name.into(), schema }
    }
}

impl ModelRequest {
    /// A request with a conversation, and nothing else asked for.
    pub fn new(agent: impl Into<Arc<str>>, turn: u32, messages: Vec<Arc<Message>>) -> ModelRequest {
        ModelRequest {
            agent: agent.into(),
            turn,
            model: None,
            temperature: None,
            extra: None,
            messages,
            tools: Arc::from([]),
            max_output_tokens: None,
            output: None,
        }
    }
}

/// A tool as a model sees it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ToolOffer {
    /// The name.
    pub name: Arc<str>,
    /// What it does.
    pub description: Arc<str>,
    /// The JSON Schema of the arguments.
    pub parameters: Value,
}

impl ToolOffer {
    /// A tool as a model sees it.
    pub fn new(name: impl Into<Arc<str>>, description: impl Into<Arc<str>>, parameters: Value) -> ToolOffer {
        ToolOffer { name: name.into(), description: description.into(), parameters }
    }
}

/// What a model answers.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ModelAnswer {
    /// The answer, with the role of an assistant.
    pub message: Message,
    /// Why the model stopped.
    pub stop: StopReason,
    /// What it cost.
    pub usage: Usage,
}

impl ModelAnswer {
    /// An answer.
    #[must_use]
    pub fn new(message: Message, stop: StopReason, usage: Usage) -> ModelAnswer {
        ModelAnswer { message, stop, usage }
    }
}
