//! What is sent.

use kneo_core::provider::{OutputSchema, Provider as _, ToolOffer};
use kneo_core::secret::Secret;
use kneo_core::{Attempt, Usage, Value};
use kneo_providers::openai::{Answers, MaxTokens, OpenAiError, OpenAiProvider};

use super::super::support::{ask, at};
use super::server::{FakeServer, json, saying};
use super::{KEY, asked, builder, provider, question, told};

#[tokio::test]
async fn one_request_goes_out_with_its_key_and_its_trace() {
    let server = FakeServer::always(saying("hi")).await;
    let context = at("3#1/t1", 2);
    let expected = context.trace().to_string();
    let answer = told(&provider(&server), &question(), context).await.answer.unwrap();
    assert_eq!((answer.message.to_text().as_str(), answer.usage), ("hi", Usage::new(7, 3)));

    let seen = server.seen();
    let [seen] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(seen.line, "POST /v1/chat/completions");
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("content-type", "application/json".to_owned()),
        ("accept", "text/event-stream, application/json".to_owned()),
        ("traceparent", expected),
        ("user-agent", format!("kneo/{}", env!("CARGO_PKG_VERSION"))),
        ("host", server.base_url().replace("http://", "").replace("/v1", "")),
    ] {
        assert_eq!(seen.header(name), Some(&*value), "{name}");
    }
    // Nothing else: no cookie, no referrer, no list of compressions.
    let others = seen.headers.iter().filter(|(name, _)| {
        !["authorization", "content-type", "accept", "traceparent", "user-agent", "host", "content-length"]
            .contains(&&**name)
    });
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&(String, String)>::new());
    assert_eq!(
        seen.json(),
        serde_json::json!({
            "model": "gpt-test",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[tokio::test]
async fn each_attempt_has_a_span_of_its_own_in_one_trace() {
    let server = FakeServer::always(saying("hi")).await;
    let provider = provider(&server);
    for attempt in [1, 2] {
        told(&provider, &question(), at("3#1/t1", attempt)).await;
    }
    let traces: Vec<String> = server.seen().iter().map(|seen| seen.header("traceparent").unwrap().to_owned()).collect();
    let parts: Vec<Vec<&str>> = traces.iter().map(|trace| trace.split('-').collect()).collect();
    assert_eq!(parts[0][1], parts[1][1]);
    assert_ne!(parts[0][2], parts[1][2]);
    assert_eq!(Attempt::new(2).unwrap(), Attempt::FIRST.next());
}

#[tokio::test]
async fn a_plain_answer_is_asked_for_and_read() {
    let body = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
    let server = FakeServer::always(vec![json(200, body)]).await;
    let plain = builder(&server).answers(Answers::Plain).build().unwrap();
    let told = asked(&plain).await;
    assert_eq!((told.text(), told.deltas.len()), (Ok("hi".to_owned()), 1));
    assert_eq!(told.answer.unwrap().usage, Usage::new(7, 3));
    let seen = &server.seen()[0];
    assert_eq!((seen.json()["stream"].as_bool(), seen.json().get("stream_options")), (Some(false), None));
    assert_eq!(seen.header("accept"), Some("application/json"));
    // A server that does not stream is understood as well.
    assert_eq!(asked(&provider(&server)).await.text(), Ok("hi".to_owned()));
}

#[tokio::test]
async fn the_model_its_tools_and_its_parameters_are_sent() {
    let server = FakeServer::always(saying("{}")).await;
    let mut request = question();
    request.model = Some("gpt-other".into());
    request.temperature = Some(0.0);
    request.max_output_tokens = Some(50);
    request.tools =
        vec![ToolOffer::new("files.read", "Reads a file", Value::map([("type", "object".into())]).unwrap())].into();
    request.extra = Some(Value::from_json_text(r#"{"top_p":0.5,"tool_choice":"auto","top_k":5}"#).unwrap());
    let schema = r#"{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}},"required":["b","a"],"additionalProperties":false}"#;
    request.output = Some(OutputSchema::new("reply", Value::from_json_text(schema).unwrap()));
    let provider = builder(&server).allow_parameter("top_k").build().unwrap();
    told(&provider, &request, at("3#1/t1", 1)).await.answer.unwrap();
    let seen = &server.seen()[0];
    let mut body = seen.json();
    assert_eq!(body["tools"][0]["function"]["name"], "files_read");
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    // As the author wrote it: models fill in properties in that order.
    assert!(seen.body.contains(schema), "{}", seen.body);
    for (key, value) in [
        ("model", serde_json::json!("gpt-other")),
        ("temperature", serde_json::json!(0.0)),
        // Of a server that is not OpenAI's, the older name is known.
        ("max_tokens", serde_json::json!(50)),
        ("top_p", serde_json::json!(0.5)),
        ("tool_choice", serde_json::json!("auto")),
        ("top_k", serde_json::json!(5)),
    ] {
        assert_eq!(body[key].take(), value, "{key}");
    }
    let provider =
        builder(&server).allow_parameter("top_k").max_tokens(MaxTokens::MaxCompletionTokens).build().unwrap();
    told(&provider, &request, at("3#1/t1", 1)).await.answer.unwrap();
    assert_eq!(server.seen()[1].json()["max_completion_tokens"], 50);
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_before_anything_is() {
    let server = FakeServer::always(saying("hi")).await;
    let with_extra = |extra: &str| {
        let mut request = question();
        request.extra = Some(Value::from_json_text(extra).unwrap());
        request
    };
    let nameless = OpenAiProvider::builder().base_url(server.base_url()).build().unwrap();
    for (provider, request, code) in [
        (provider(&server), with_extra(r#"{"top_q":1}"#), "provider_parameter_refused"),
        (provider(&server), with_extra(r#"{"stream":true}"#), "provider_parameter_refused"),
        (provider(&server), with_extra(r#"{"api_key_ref":"NO_SUCH"}"#), "provider_key_missing"),
        (nameless, question(), "provider_model_missing"),
        (
            builder(&server).api_key(Secret::new("key with space".to_owned())).build().unwrap(),
            question(),
            "provider_key_unusable",
        ),
    ] {
        let error = told(&provider, &request, at("3#1/t1", 1)).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), (code, false));
        let error = provider.check(&request, &at("3#1/t1", 1)).await.unwrap_err();
        assert_eq!(&*error.code, code);
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = FakeServer::always(saying("hi")).await;
    let provider = provider(&server);
    for _ in 0..3 {
        asked(&provider).await.answer.unwrap();
    }
    let connections: Vec<usize> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
    drop(provider);
    server.has_lost(1).await;
}

#[tokio::test]
async fn headers_of_the_host_go_along() {
    let server = FakeServer::always(saying("hi")).await;
    let provider = builder(&server).header("OpenAI-Project", "proj_1").build().unwrap();
    asked(&provider).await.answer.unwrap();
    assert_eq!(server.seen()[0].header("openai-project"), Some("proj_1"));
}

#[test]
fn options_that_mean_nothing_are_refused() {
    use std::time::Duration;
    let new = OpenAiProvider::builder;
    for (builder, code, word) in [
        (new().base_url("nowhere"), "openai_address_invalid", "`base_url`"),
        (new().allow_base_url("ftp://example.com"), "openai_address_invalid", "`allow_base_url`"),
        (new().proxy("::hunter2::"), "openai_address_invalid", "`proxy`"),
        (new().proxy("hunter2"), "openai_address_invalid", "`proxy`"),
        (new().proxy("ftp://hunter2"), "openai_address_invalid", "`proxy`"),
        (new().proxy("socks5://hunter2"), "openai_address_invalid", "`proxy`"),
        (new().header("a b", "c"), "openai_header_invalid", "`a b`"),
        (new().header("x-key", "hunter2\n"), "openai_header_invalid", "`x-key`"),
        (new().header("Authorization", "hunter2"), "openai_header_invalid", "`Authorization`"),
        (new().header("Content-Type", "hunter2"), "openai_header_invalid", "`Content-Type`"),
        (new().header("a", "hunter2").header("A", "hunter2"), "openai_header_invalid", "`A`"),
        (new().allow_parameter("top_p"), "openai_parameter_invalid", "`top_p`"),
        (new().allow_parameter("messages"), "openai_parameter_invalid", "`messages`"),
        (new().deadline(Duration::ZERO), "openai_bound_invalid", "`deadline`"),
        (new().connect_timeout(Duration::ZERO), "openai_bound_invalid", "`connect_timeout`"),
        (new().idle_timeout(Duration::ZERO), "openai_bound_invalid", "`idle_timeout`"),
        (new().max_answer_bytes(0), "openai_bound_invalid", "`max_answer_bytes`"),
        (new().max_header_bytes(0), "openai_bound_invalid", "`max_header_bytes`"),
        (new().max_event_bytes(0), "openai_bound_invalid", "`max_event_bytes`"),
        (new().root_certificates("hunter2"), "openai_certificates_invalid", "certificates"),
        (new().root_certificates(""), "openai_certificates_invalid", "no certificate"),
    ] {
        assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
        let error: OpenAiError = builder.build().unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(word) && !shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn calls_go_on_side_by_side() {
    let server = FakeServer::start(|seen| {
        let said = seen.json()["messages"][0]["content"].as_str().unwrap().to_owned();
        saying(&said)
    })
    .await;
    let provider = provider(&server);
    let calls = (0..32).map(|call| {
        let provider = provider.clone();
        tokio::spawn(async move {
            let request = ask("writer", 1, &format!("call {call}"));
            assert_eq!(told(&provider, &request, at("3#1/t1", 1)).await.text(), Ok(format!("call {call}")));
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(server.seen().len(), 32);
}
