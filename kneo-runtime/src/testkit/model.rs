use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use kneo_core::call::{CallContext, CallError};
use kneo_core::message::{Message, Part, Role, StopReason, ToolCall};
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider};
use kneo_core::{Usage, Value};

/// A model whose answers are a closure's.
pub struct ScriptedModel(Box<Script>);

type Script = dyn Fn(ModelRequest, CallContext) -> BoxFuture<'static, Result<ModelAnswer, CallError>> + Send + Sync;

impl ScriptedModel {
    /// A model that answers at once.
    pub fn new(
        script: impl Fn(&ModelRequest) -> Result<ModelAnswer, CallError> + Send + Sync + 'static,
    ) -> ScriptedModel {
        ScriptedModel(Box::new(move |request, _| {
            let answer = script(&request);
            Box::pin(std::future::ready(answer))
        }))
    }

    /// A model that takes its time.
    pub fn taking_time<Fut>(script: impl Fn(ModelRequest, CallContext) -> Fut + Send + Sync + 'static) -> ScriptedModel
    where
        Fut: Future<Output = Result<ModelAnswer, CallError>> + Send + 'static,
    {
        ScriptedModel(Box::new(move |request, context| Box::pin(script(request, context))))
    }
}

impl fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedModel")
    }
}

#[async_trait]
impl Provider for ScriptedModel {
    async fn generate(&self, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, CallError> {
        (self.0)(request.clone(), context.clone()).await
    }
}

/// A final answer, which costs ten tokens in and five out.
#[must_use]
pub fn answer(text: &str) -> ModelAnswer {
    ModelAnswer::new(Message::text(Role::Assistant, text), StopReason::End, Usage::new(10, 5))
}

/// An answer that asks for tools, by name and arguments, with the ids `call_0`, `call_1` and so on.
pub fn asks_for<'a>(calls: impl IntoIterator<Item = (&'a str, Value)>) -> ModelAnswer {
    let calls = calls.into_iter().enumerate();
    let parts =
        calls.map(|(at, (name, arguments))| Part::ToolCall(ToolCall::new(format!("call_{at}"), name, arguments)));
    let message = Message::new(Role::Assistant, parts.collect());
    ModelAnswer::new(message, StopReason::ToolCalls, Usage::new(10, 5))
}
