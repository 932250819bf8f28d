//! Whether a request could be answered, without asking the model.

use std::time::Duration;

use kneo_core::call::CallError;
use kneo_core::provider::Provider as _;
use kneo_providers::openai::OpenAiProvider;

use super::super::support::at;
use super::server::{Act, FakeServer, answer, json};
use super::{KEY, builder, provider, question};

const LIST: &str = r#"{"object":"list","data":[{"id":"gpt-other","object":"model"},{"id":"gpt-tess"},{"id":"zzz"}]}"#;
const HAS_IT: &str = r#"{"object":"list","data":[{"id":"gpt-other"},{"id":"gpt-test"}]}"#;
const ONE: &str = r#"{"id":"gpt-test","object":"model"}"#;
const NONE: &str = r#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#;

/// A server whose list of models, and whose single model, are these.
async fn server(list: Act, one: Act) -> FakeServer {
    FakeServer::start(move |seen| vec![if seen.line == "GET /v1/models" { list.clone() } else { one.clone() }]).await
}

async fn checked(provider: &OpenAiProvider) -> Result<(), CallError> {
    provider.check(&question(), &at("", 1)).await
}

#[tokio::test]
async fn a_model_is_found_by_list_or_by_name() {
    let gone = || json(404, "");
    for (list, one, asked) in [
        (json(200, HAS_IT), gone(), 1),
        (json(200, r#"[{"id":"gpt-test"}]"#), gone(), 1),
        // An alias or a deployment, that no list has.
        (json(200, LIST), json(200, ONE), 2),
        (gone(), json(200, ONE), 2),
    ] {
        let server = server(list, one).await;
        checked(&provider(&server)).await.unwrap();
        let seen = server.seen();
        assert_eq!(seen.len(), asked);
        for request in &seen {
            assert!(["GET /v1/models", "GET /v1/models/gpt-test"].contains(&&*request.line), "{}", request.line);
            assert_eq!((request.header("authorization"), &*request.body), (Some(&*format!("Bearer {KEY}")), ""));
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let refused = format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}","code":"invalid_api_key"}}}}"#);
    for (list, one, code, word) in [
        (
            json(200, LIST),
            json(404, NONE),
            "provider_model_not_found",
            "no model `gpt-test`; it has `gpt-tess`, `gpt-other`, `zzz`",
        ),
        (json(200, LIST), json(200, "{}"), "provider_model_not_found", "`gpt-test`"),
        (json(200, r#"{"data":[]}"#), json(404, NONE), "provider_model_not_found", "it has none"),
        (json(401, &refused), json(200, ONE), "provider_authentication", "[redacted]"),
        (json(403, ""), json(200, ONE), "provider_permission", "403"),
        (json(404, ""), json(404, ""), "provider_endpoint_not_found", "`base_url`"),
        (
            answer(200, &["content-type: text/html"], "<html>"),
            json(200, ONE),
            "provider_endpoint_not_found",
            "`base_url`",
        ),
        (json(200, "{}"), json(200, ONE), "provider_endpoint_not_found", "no list of models"),
        (json(503, ""), json(200, ONE), "provider_overloaded", "503"),
        (
            answer(302, &["location: https://example.com"], ""),
            json(200, ONE),
            "provider_redirected",
            "https://example.com",
        ),
        (Act::Close, json(200, ONE), "provider_connection_lost", "connection"),
    ] {
        let error = checked(&provider(&server(list, one).await)).await.unwrap_err();
        assert_eq!(&*error.code, code, "{error}");
        assert!(error.message.contains(word) && !error.message.contains(KEY), "{error}");
    }
}

#[tokio::test]
async fn many_models_are_not_all_named() {
    let models: Vec<String> = (0..500).map(|at| format!(r#"{{"id":"m{at}"}}"#)).collect();
    let server = server(json(200, &format!(r#"{{"data":[{}]}}"#, models.join(","))), json(404, "")).await;
    let error = checked(&provider(&server)).await.unwrap_err();
    assert!(error.message.ends_with("and 490 more"), "{error}");
}

#[tokio::test]
async fn a_dead_server_is_told_from_a_silent_one() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let dead =
        OpenAiProvider::builder().base_url(format!("http://127.0.0.1:{port}")).default_model("m").build().unwrap();
    assert_eq!(&*checked(&dead).await.unwrap_err().code, "provider_unreachable");
    let server = FakeServer::always(vec![Act::Hang]).await;
    let silent = builder(&server).idle_timeout(Duration::from_millis(100)).build().unwrap();
    assert_eq!(&*checked(&silent).await.unwrap_err().code, "provider_stalled");
    server.has_lost(1).await;
}
