//! A provider without a model.

use async_trait::async_trait;
use kneo_core::call::{CallContext, CallError};
use kneo_core::message::{Message, Role, StopReason};
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider};

use crate::{cancelled, words};

/// Answers with the text of the last user message, which is empty if there is none.
///
/// Counts every word, set apart by white space, as a token; an answer of more than the request's `max_output_tokens`
/// is cut there and stops for its length. Never calls a tool, and takes no notice of the model's name, temperature and
/// extras.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct DummyProvider;

impl DummyProvider {
    /// The provider.
    #[must_use]
    pub const fn new() -> DummyProvider {
        DummyProvider
    }
}

#[async_trait]
impl Provider for DummyProvider {
    async fn generate(&self, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, CallError> {
        cancelled::wait(std::time::Duration::ZERO, &context.cancel).await?;
        let asked = request.messages.iter().rev().find(|message| message.role == Role::User);
        let text = asked.map(|message| message.to_text()).unwrap_or_default();
        let (text, cut) = words::first(&text, request.max_output_tokens.unwrap_or(u64::MAX));
        words::stream(text, &context.deltas);
        let message = Message::text(Role::Assistant, text);
        let usage = words::usage(request, &message);
        Ok(ModelAnswer::new(message, if cut { StopReason::Length } else { StopReason::End }, usage))
    }
}
