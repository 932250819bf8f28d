//! aimock, a mock of OpenAI's API by people who have nothing to do with this crate: npm `@copilotkit/aimock`.

use std::process::Command;

use kneo_core::call::CallError;
use kneo_core::message::{Message, Role, StopReason, ToolResult};
use kneo_core::provider::{ModelAnswer, ModelRequest, OutputSchema, Provider as _, ToolOffer};
use kneo_core::secret::Secret;
use kneo_core::{Usage, Value};
use kneo_providers::openai::{Answers, OpenAiProvider};

use super::super::openai::{Told, told};
use super::super::support::{ask, at};
use kneo_tests::programs;

use super::program::Program;

const KEY: &str = "sk-wire-0123456789abcdefghij";

const FIXTURES: &str = r#"{"fixtures": [
    {"match": {"userMessage": "greet"}, "response": {"content": "größe 漢字 🎉👩‍👩‍👧, and more words than fit one piece",
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}},
    {"match": {"userMessage": "weather", "hasToolResult": true}, "response": {"content": "It is mild in both."}},
    {"match": {"userMessage": "weather"}, "response": {"toolCalls": [
        {"name": "get_weather", "arguments": {"city": "Łódź"}}, {"name": "get_weather", "arguments": {"city": "東京"}}]}},
    {"match": {"userMessage": "broken call"}, "response": {"toolCalls": [{"name": "get_weather", "arguments": "{\"city\": \"Ł"}]}},
    {"match": {"userMessage": "verdict", "responseFormat": "json_schema"}, "response": {"content": "{\"verdict\":\"good\"}"}},
    {"match": {"userMessage": "too long"}, "response": {"content": "cut at its", "finishReason": "length"}},
    {"match": {"userMessage": "limited"}, "response": {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}, "status": 429}},
    {"match": {"userMessage": "overloaded"}, "response": {"error": {"message": "busy", "type": "server_error"}, "status": 503}},
    {"match": {"userMessage": "context"}, "response": {"error": {"message": "This model's maximum context length is 8192 tokens.", "type": "invalid_request_error", "code": "context_length_exceeded"}, "status": 400}},
    {"match": {"userMessage": "disconnect"}, "response": {"content": "never"}, "chaos": {"disconnectRate": 1}},
    {"match": {"userMessage": "malformed"}, "response": {"content": "never"}, "chaos": {"malformedRate": 1}},
    {"match": {"userMessage": "drop"}, "response": {"content": "never"}, "chaos": {"dropRate": 1}},
    {"match": {"userMessage": "truncate"}, "response": {"content": "one two three four five six seven eight nine ten"}, "chunkSize": 5, "latency": 100, "truncateAfterChunks": 4},
    {"match": {"userMessage": "slowly"}, "response": {"content": "one two three four five six seven eight nine ten"}, "chunkSize": 2, "latency": 300}
]}"#;

/// The server, which takes one key; `None` where it is not installed.
pub(super) async fn aimock(key: Option<&str>, more: &[&str]) -> Option<Program> {
    let program = programs::find("llmock", "KNEO_TEST_AIMOCK")?;
    let complete = |command: &mut Command, port: u16| {
        command.args(["-f", "fixtures.json", "-p", &port.to_string(), "--strict"]).args(more);
        command.envs(key.map(|key| ("AIMOCK_API_KEYS", key)));
    };
    Some(Program::serve(&program, &[("fixtures.json", FIXTURES.to_owned())], "/health", complete).await)
}

fn provider(server: &Program, answers: Answers) -> OpenAiProvider {
    let builder = OpenAiProvider::builder().base_url(server.base_url()).api_key(Secret::new(KEY.to_owned()));
    builder.default_model("gpt-4o").answers(answers).build().unwrap()
}

async fn asked(provider: &OpenAiProvider, request: &ModelRequest) -> Told {
    told(provider, request, at("3#1/t1", 1)).await
}

fn with_tools(input: &str) -> ModelRequest {
    let mut request = ask("writer", 1, input);
    let parameters = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;
    let parameters = Value::from_json_text(parameters).unwrap();
    request.tools = vec![ToolOffer::new("get_weather", "Tells the weather", parameters)].into();
    request
}

/// Checks an answer in both forms.
async fn in_both_forms(request: &ModelRequest, check: impl Fn(Result<ModelAnswer, CallError>, Answers)) {
    let Some(server) = aimock(Some(KEY), &[]).await else { return };
    for answers in [Answers::Streamed, Answers::Plain] {
        check(asked(&provider(&server, answers), request).await.answer, answers);
    }
}

#[tokio::test]
async fn text_comes_as_it_is_with_its_cost() {
    in_both_forms(&ask("writer", 1, "greet"), |answer, answers| {
        let answer = answer.unwrap();
        assert_eq!(answer.message.to_text(), "größe 漢字 🎉👩‍👩‍👧, and more words than fit one piece", "{answers:?}");
        assert_eq!((answer.stop, answer.usage), (StopReason::End, Usage::new(11, 7)), "{answers:?}");
    })
    .await;
}

#[tokio::test]
async fn tools_are_called_side_by_side_and_their_results_taken() {
    let Some(server) = aimock(Some(KEY), &[]).await else { return };
    for answers in [Answers::Streamed, Answers::Plain] {
        let provider = provider(&server, answers);
        let mut request = with_tools("weather");
        let answer = asked(&provider, &request).await.answer.unwrap();
        assert_eq!(answer.stop, StopReason::ToolCalls);
        let calls: Vec<_> = answer.message.tool_calls().cloned().collect();
        let cities = [r#"{"city":"Łódź"}"#, r#"{"city":"東京"}"#].map(|city| Value::from_json_text(city).unwrap());
        assert_eq!(calls.len(), 2);
        for (call, city) in calls.iter().zip(cities) {
            assert_eq!((&*call.name, &call.arguments), ("get_weather", &kneo_core::message::Arguments::Parsed(city)));
        }
        let results =
            calls.iter().map(|call| kneo_core::message::Part::ToolResult(ToolResult::new(call, "mild".into(), false)));
        request.messages.push(answer.message.into());
        request.messages.push(Message::new(Role::Tool, results.collect()).into());
        let answer = asked(&provider, &request).await.answer.unwrap();
        assert_eq!((answer.message.to_text().as_str(), answer.stop), ("It is mild in both.", StopReason::End));
    }
}

#[tokio::test]
async fn cut_arguments_stay_cut() {
    in_both_forms(&with_tools("broken call"), |answer, answers| {
        let answer = answer.unwrap();
        let call = answer.message.tool_calls().next().unwrap();
        let cut = kneo_core::message::Arguments::Malformed(r#"{"city": "Ł"#.into());
        assert_eq!(call.arguments, cut, "{answers:?}");
    })
    .await;
}

#[tokio::test]
async fn a_form_is_asked_for() {
    let mut request = ask("writer", 1, "verdict");
    let schema = r#"{"type":"object","properties":{"verdict":{"type":"string"}},"required":["verdict"],"additionalProperties":false}"#;
    request.output = Some(OutputSchema::new("verdict", Value::from_json_text(schema).unwrap()));
    in_both_forms(&request, |answer, answers| {
        assert_eq!(answer.unwrap().message.to_text(), r#"{"verdict":"good"}"#, "{answers:?}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_too_long_says_so() {
    in_both_forms(&ask("writer", 1, "too long"), |answer, answers| {
        assert_eq!(answer.unwrap().stop, StopReason::Length, "{answers:?}");
    })
    .await;
}

#[tokio::test]
async fn failures_have_their_codes() {
    let Some(server) = aimock(Some(KEY), &[]).await else { return };
    for (input, code, retryable) in [
        ("limited", "provider_rate_limited", true),
        ("overloaded", "provider_overloaded", true),
        ("context", "provider_context_too_long", false),
        ("disconnect", "provider_connection_lost", true),
        ("malformed", "provider_malformed_answer", true),
        ("drop", "provider_server_error", true),
        // In strict mode what no fixture foresees is a failure of the server's.
        ("unforeseen", "provider_overloaded", true),
    ] {
        for answers in [Answers::Streamed, Answers::Plain] {
            let error = asked(&provider(&server, answers), &ask("writer", 1, input)).await.answer.unwrap_err();
            assert_eq!((&*error.code, error.retryable), (code, retryable), "{input}, {answers:?}: {error}");
        }
    }
    // Half of a stream.
    let error = asked(&provider(&server, Answers::Streamed), &ask("writer", 1, "truncate")).await.answer.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("provider_stream_cut", true), "{error}");
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait() {
    let Some(server) = aimock(Some(KEY), &["--chaos-ratelimit", "1"]).await else { return };
    let error = asked(&provider(&server, Answers::Streamed), &ask("writer", 1, "greet")).await.answer.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("provider_rate_limited", true));
    assert_eq!(error.retry_after, Some(std::time::Duration::from_secs(1)));
}

#[tokio::test]
async fn a_cancel_ends_a_slow_stream() {
    let Some(server) = aimock(Some(KEY), &[]).await else { return };
    let provider = provider(&server, Answers::Streamed);
    let context = at("3#1/t1", 1);
    let cancel = context.cancel.clone();
    let deltas = kneo_core::call::Deltas::new(move |_| cancel.cancel());
    let begun = std::time::Instant::now();
    let error = provider.generate(&ask("writer", 1, "slowly"), &context.with_deltas(deltas)).await.unwrap_err();
    assert_eq!(&*error.code, "provider_cancelled");
    // All of it takes seven seconds and a half.
    assert!(begun.elapsed() < std::time::Duration::from_secs(7), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn checks_tell_a_good_key_and_model_from_bad_ones() {
    let Some(server) = aimock(Some(KEY), &[]).await else { return };
    let mut request = ask("writer", 1, "greet");
    let good = provider(&server, Answers::Streamed);
    good.check(&request, &at("", 1)).await.unwrap();
    request.model = Some("gpt-none".into());
    let error = good.check(&request, &at("", 1)).await.unwrap_err();
    assert_eq!(&*error.code, "provider_model_not_found", "{error}");

    let wrong = Secret::new("sk-wrong-0123456789abcdefghij".to_owned());
    let wrong = OpenAiProvider::builder().base_url(server.base_url()).api_key(wrong).default_model("gpt-4o");
    let wrong = wrong.build().unwrap();
    let request = ask("writer", 1, "greet");
    let checked = wrong.check(&request, &at("", 1)).await.unwrap_err();
    let answered = wrong.generate(&request, &at("", 1)).await.unwrap_err();
    for error in [checked, answered] {
        assert_eq!((&*error.code, error.retryable), ("provider_authentication", false), "{error}");
        assert!(!format!("{error:?}").contains("sk-wrong"), "{error:?}");
    }
}
