//! The suite that every provider passes, in front of a server.

use async_trait::async_trait;
use kneo_core::provider::{ModelRequest, OutputSchema};
use kneo_core::{Name, Usage};
use kneo_providers::conformance::{self, Fixture, Setup, Verdict};
use kneo_providers::openai::{Answers, OpenAiProvider};

use super::super::support::ask;
use super::server::{Act, FakeServer, Seen, chunk, chunked_head, done, end, json, piece, said, saying, stream, usage};

/// The provider, with answers as they arrive.
#[derive(Debug)]
struct OpenAi(Answers);

const MODEL: &str = "gpt-test";
const MODELS: &str = r#"{"object":"list","data":[{"id":"gpt-test"}]}"#;

/// What the request says last.
fn last(seen: &Seen) -> String {
    let messages = seen.json()["messages"].as_array().cloned().unwrap_or_default();
    messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
}

impl OpenAi {
    /// A provider in front of a server that lists its models and answers as a script says.
    async fn setup(
        &self,
        requests: Vec<ModelRequest>,
        script: impl Fn(&Seen) -> Vec<Act> + Send + Sync + 'static,
    ) -> Setup {
        let server = FakeServer::start(move |seen| match seen.line.as_str() {
            "GET /v1/models" => vec![json(200, MODELS)],
            "POST /v1/chat/completions" => script(seen),
            _ => vec![json(404, "")],
        })
        .await;
        let provider = OpenAiProvider::builder().base_url(server.base_url()).answers(self.0).default_model(MODEL);
        let seen = server.counter();
        Setup::new(provider.build().unwrap(), requests).with_exchanges(seen).with_guard(server)
    }

    async fn one(&self, script: impl Fn(&Seen) -> Vec<Act> + Send + Sync + 'static) -> Option<Setup> {
        Some(self.setup(vec![ask("agent", 1, "go")], script).await)
    }

    /// An answer with this delta, streamed or not.
    fn answer(&self, delta: &str, reason: &str) -> Vec<Act> {
        match self.0 {
            Answers::Streamed => stream(&[piece(delta), end(reason), usage(7, 3), done()]),
            _ => vec![json(
                200,
                &format!(
                    r#"{{"choices":[{{"index":0,"message":{delta},"finish_reason":"{reason}"}}],"usage":{{"prompt_tokens":7,"completion_tokens":3}}}}"#
                ),
            )],
        }
    }
}

fn content(text: &str) -> String {
    format!(r#"{{"role":"assistant","content":{}}}"#, serde_json::to_string(text).unwrap())
}

#[async_trait]
impl Fixture for OpenAi {
    async fn answering(&self, texts: &[&str]) -> Setup {
        let answers = OpenAi(self.0);
        self.setup(texts.iter().map(|text| ask("agent", 1, text)).collect(), move |seen| match answers.0 {
            // As models do: piece by piece.
            Answers::Streamed => {
                let pieces = last(seen).split_inclusive(' ').map(said).collect::<Vec<_>>();
                stream(&[pieces, vec![end("stop"), usage(7, 3), done()]].concat())
            }
            _ => answers.answer(&content(&last(seen)), "stop"),
        })
        .await
    }

    async fn calling(&self, calls: &[(&str, &str)]) -> Option<Setup> {
        let calls = calls.iter().enumerate().map(|(at, (name, arguments))| {
            let arguments = serde_json::to_string(arguments).unwrap();
            format!(r#"{{"index":{at},"id":"c{at}","type":"function","function":{{"name":"{name}","arguments":{arguments}}}}}"#)
        });
        let calls = calls.collect::<Vec<_>>().join(",");
        let acts = self.answer(&format!(r#"{{"content":null,"tool_calls":[{calls}]}}"#), "tool_calls");
        self.one(move |_| acts.clone()).await
    }

    async fn structured(&self, output: &OutputSchema, text: &str) -> Option<Setup> {
        let wanted = output.schema.to_json();
        let (right, wrong) = (self.answer(&content(text), "stop"), vec![json(400, "no such form was asked for")]);
        let mut setup = self
            .one(move |seen| {
                let asked = seen.json()["response_format"]["json_schema"]["schema"] == wanted;
                if asked { right.clone() } else { wrong.clone() }
            })
            .await?;
        setup.requests[0].output = Some(output.clone());
        Some(setup)
    }

    async fn hanging(&self) -> Option<Setup> {
        self.one(|_| vec![Act::Hang]).await
    }

    async fn stalling(&self, text: &str) -> Option<Setup> {
        if self.0 != Answers::Streamed {
            return None;
        }
        let acts = vec![chunked_head(), chunk(&format!("data: {}\n\n", said(text))), Act::Hang];
        self.one(move |_| acts.clone()).await
    }

    async fn failing(&self) -> Option<Setup> {
        self.one(|_| vec![json(503, r#"{"error":{"message":"later"}}"#)]).await
    }

    async fn wasting(&self, usage: Usage) -> Option<Setup> {
        let (input, output) = (usage.input, usage.output);
        let body = format!(
            r#"{{"error":{{"message":"gone"}},"usage":{{"prompt_tokens":{input},"completion_tokens":{output}}}}}"#
        );
        self.one(move |_| vec![json(200, &body)]).await
    }

    async fn refusing(&self, name: &Name, key: &str) -> Option<Setup> {
        let body =
            format!(r#"{{"error":{{"message":"Incorrect API key provided: {key}.","code":"invalid_api_key"}}}}"#);
        let expected = format!("Bearer {key}");
        let server = FakeServer::start(move |seen| match seen.header("authorization") {
            Some(sent) if sent == expected => vec![json(401, &body)],
            _ => saying("that was not the key"),
        })
        .await;
        let builder = OpenAiProvider::builder().base_url(server.base_url()).api_key_ref(name.clone());
        let provider = builder.default_model(MODEL).answers(self.0).build().unwrap();
        Some(Setup::new(provider, vec![ask("agent", 1, "go")]).with_guard(server))
    }

    async fn without_model(&self) -> Option<Setup> {
        let mut setup = self.one(|_| saying("never asked")).await?;
        setup.requests[0].model = Some("gpt-none".into());
        Some(setup)
    }
}

#[tokio::test]
async fn the_provider_passes_every_case_when_it_streams() {
    let report = conformance::check(&OpenAi(Answers::Streamed)).await;
    assert!(report.cases().all(|(_, verdict)| *verdict == Verdict::Passed), "{report}");
}

#[tokio::test]
async fn the_provider_passes_every_case_but_one_when_it_does_not() {
    let report = conformance::check(&OpenAi(Answers::Plain)).await;
    let others: Vec<_> = report.cases().filter(|(_, verdict)| **verdict != Verdict::Passed).collect();
    assert_eq!(others, [("cancelling_ends_an_answer_under_way", &Verdict::Skipped)], "{report}");
}
