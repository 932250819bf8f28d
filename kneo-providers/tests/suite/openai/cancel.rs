//! Calls that are told to stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kneo_core::call::Deltas;
use kneo_core::provider::Provider as _;
use kneo_core::secret::{Secret, SecretError, SecretSource, Secrets};
use kneo_core::{Name, Usage};
use kneo_providers::openai::{Answers, OpenAiProvider};
use tokio::sync::Notify;

use super::super::support::at;
use super::server::{Act, FakeServer, chunk, chunked_head, said};
use super::{LONG, builder, provider, question};

/// How soon a call ends that is cancelled, and its connection with it.
const SOON: Duration = Duration::from_millis(250);

#[tokio::test]
async fn a_cancelled_call_ends_and_closes_its_connection() {
    let usage =
        r#"{"choices":[{"index":0,"delta":{"content":"half"}}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
    let half = || vec![chunked_head(), chunk(&format!("data: {usage}\n\n")), Act::Hang];
    for (acts, answers, spent) in [
        (vec![Act::Hang], Answers::Streamed, Usage::default()),
        (vec![Act::Hang], Answers::Plain, Usage::default()),
        (half(), Answers::Streamed, Usage::new(9, 2)),
    ] {
        let streams = acts.len() > 1;
        let server = FakeServer::always(acts).await;
        let provider = builder(&server).answers(answers).build().unwrap();
        let begun = Arc::new(Notify::new());
        let sink = Arc::clone(&begun);
        let context = at("3#1/t1", 1).with_deltas(Deltas::new(move |_| sink.notify_one()));
        let (request, cancel) = (question(), context.cancel.clone());
        let stopping = async {
            server.has_seen(1).await;
            if streams {
                begun.notified().await;
            }
            let at = Instant::now();
            cancel.cancel();
            at
        };
        let (answer, cancelled) = tokio::join!(provider.generate(&request, &context), stopping);
        assert!(cancelled.elapsed() < SOON, "{:?}", cancelled.elapsed());
        let error = answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable, error.usage), ("provider_cancelled", false, spent));
        tokio::time::timeout(LONG, server.has_lost(1)).await.unwrap();
        assert!(cancelled.elapsed() < SOON, "{:?}", cancelled.elapsed());
    }
}

#[tokio::test]
async fn a_call_that_is_cancelled_before_it_begins_sends_nothing() {
    let server = FakeServer::always(vec![Act::Hang]).await;
    let context = at("3#1/t1", 1);
    context.cancel.cancel();
    let provider = provider(&server);
    let error = provider.generate(&question(), &context).await.unwrap_err();
    assert_eq!(&*error.code, "provider_cancelled");
    let error = provider.check(&question(), &context).await.unwrap_err();
    assert_eq!(&*error.code, "provider_cancelled");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn dropping_a_call_closes_its_connection() {
    for acts in [vec![Act::Hang], vec![chunked_head(), chunk(&format!("data: {}\n\n", said("half"))), Act::Hang]] {
        let server = FakeServer::always(acts).await;
        let provider = provider(&server);
        let (request, context) = (question(), at("3#1/t1", 1));
        tokio::select! {
            biased;
            answer = provider.generate(&request, &context) => panic!("{answer:?}"),
            () = server.has_seen(1) => {}
        }
        tokio::time::timeout(LONG, server.has_lost(1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_check_can_be_cancelled_too() {
    let server = FakeServer::always(vec![Act::Hang]).await;
    let (provider, request, context) = (provider(&server), question(), at("3#1/t1", 1));
    let stopping = async {
        server.has_seen(1).await;
        context.cancel.cancel();
    };
    let (checked, ()) = tokio::join!(provider.check(&request, &context), stopping);
    assert_eq!(&*checked.unwrap_err().code, "provider_cancelled");
    tokio::time::timeout(LONG, server.has_lost(1)).await.unwrap();
}

/// A source that is asked and does not answer.
#[derive(Debug)]
struct Silent(Notify);

#[async_trait::async_trait]
impl SecretSource for Silent {
    async fn secret(&self, _: &Name) -> Result<Secret, SecretError> {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_secret_that_does_not_come_keeps_nobody() {
    let source = Arc::new(Silent(Notify::new()));
    let name = Name::new("KEY").unwrap();
    let builder = || OpenAiProvider::builder().api_key_ref(name.clone()).default_model("m");
    let context = at("3#1/t1", 1).with_secrets(Secrets::of(Arc::clone(&source) as Arc<dyn SecretSource>));
    let (provider, request) = (builder().build().unwrap(), question());
    let stopping = async {
        source.0.notified().await;
        context.cancel.cancel();
    };
    let (answer, ()) = tokio::join!(provider.generate(&request, &context), stopping);
    assert_eq!(&*answer.unwrap_err().code, "provider_cancelled");

    let impatient = builder().deadline(Duration::from_millis(50)).build().unwrap();
    let context = at("3#1/t1", 1).with_secrets(Secrets::of(source));
    assert_eq!(&*impatient.generate(&request, &context).await.unwrap_err().code, "provider_timeout");
}
