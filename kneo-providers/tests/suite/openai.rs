//! The OpenAI provider in front of a server that does what a test says.

mod address;
mod bounds;
mod cancel;
mod check;
mod codes;
mod conformance;
mod failure;
mod request;
mod runs;
pub(crate) mod server;
mod stream;
mod tls;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kneo_core::call::{CallContext, CallError, Deltas};
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider};
use kneo_core::secret::Secret;
use kneo_providers::openai::{OpenAiBuilder, OpenAiProvider};

use self::server::FakeServer;
use super::support::{ask, at};

/// The key that the host gives.
pub(crate) const KEY: &str = "sk-test-0123456789abcdefghij";

/// Longer than anything here may take.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) fn builder(server: &FakeServer) -> OpenAiBuilder {
    let key = Secret::new(KEY.to_owned());
    OpenAiProvider::builder().base_url(server.base_url()).api_key(key).default_model("gpt-test")
}

pub(crate) fn provider(server: &FakeServer) -> OpenAiProvider {
    builder(server).build().unwrap()
}

pub(crate) fn question() -> ModelRequest {
    ask("writer", 1, "hello")
}

/// What a call gave, and the text that arrived on the way.
pub(crate) struct Told {
    pub(crate) answer: Result<ModelAnswer, CallError>,
    pub(crate) deltas: Vec<String>,
}

impl Told {
    pub(crate) fn text(&self) -> Result<String, &str> {
        self.answer.as_ref().map(|answer| answer.message.to_text()).map_err(|error| &*error.code)
    }
}

/// Asks once. Whatever became of it, the key is nowhere, and the deltas are the text if there is one.
pub(crate) async fn told(provider: &OpenAiProvider, request: &ModelRequest, context: CallContext) -> Told {
    let pieces = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&pieces);
    let context = context.with_deltas(Deltas::new(move |text| sink.lock().unwrap().push(text.to_owned())));
    let answer = tokio::time::timeout(LONG, provider.generate(request, &context)).await.unwrap();
    let deltas = pieces.lock().unwrap().clone();
    let shown = format!("{answer:?} {deltas:?} {provider:?}");
    assert!(!shown.contains(KEY) && !shown.contains(&KEY[8..]), "{shown}");
    if let Ok(answer) = &answer {
        assert_eq!(deltas.concat(), answer.message.to_text());
    }
    Told { answer, deltas }
}

pub(crate) async fn asked(provider: &OpenAiProvider) -> Told {
    told(provider, &question(), at("3#1/t1", 1)).await
}
