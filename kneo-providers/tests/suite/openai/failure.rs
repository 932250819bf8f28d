//! Servers that answer with an error, or not at all.

use std::time::Duration;

use kneo_providers::openai::OpenAiProvider;
use tokio::net::TcpListener;

use super::server::{Act, FakeServer, answer, json, raw};
use super::{KEY, asked, builder, provider};

#[tokio::test]
async fn an_error_is_asked_for_once_and_has_its_code() {
    let cases = [
        (400, "provider_invalid_request", false),
        (401, "provider_authentication", false),
        (403, "provider_permission", false),
        (404, "provider_endpoint_not_found", false),
        (429, "provider_rate_limited", true),
        (500, "provider_server_error", true),
        (503, "provider_overloaded", true),
    ];
    for (status, code, retryable) in cases {
        let server = FakeServer::always(vec![json(status, r#"{"error":{"message":"no"}}"#)]).await;
        let error = asked(&provider(&server)).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), (code, retryable));
        assert_eq!(server.seen().len(), 1, "{status}");
        assert!(error.message.starts_with(&format!("`{}` answered {status}: no", server.base_url())), "{error}");
    }
}

#[tokio::test]
async fn the_wait_that_a_server_asks_for_is_told() {
    for (headers, wait) in [
        (vec!["retry-after: 3"], Some(Duration::from_secs(3))),
        (vec!["retry-after-ms: 1500", "retry-after: 3"], Some(Duration::from_millis(1_500))),
        (
            vec!["date: Sun, 06 Nov 1994 08:49:37 GMT", "retry-after: Sun, 06 Nov 1994 08:50:07 GMT"],
            Some(Duration::from_secs(30)),
        ),
        (vec!["retry-after: 36000"], Some(Duration::from_secs(36_000))),
        (vec!["retry-after: tomorrow"], None),
        (vec![], None),
    ] {
        let server = FakeServer::always(vec![answer(429, &headers, "slow down")]).await;
        let error = asked(&provider(&server)).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retry_after), ("provider_rate_limited", wait), "{headers:?}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_key_does_not_give_it_away() {
    let escaped = KEY.replace("0123", r"\u00301\u00323");
    let twice = KEY.replace("0123", r"\\u00301\\u00323");
    let bodies = [
        format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}","code":"invalid_api_key"}}}}"#),
        format!(r#"{{"error":{{"message":"wrong: {escaped}"}}}}"#),
        format!(r#"{{"error":{{"message":"upstream said {{\"key\":\"{twice}\"}}"}}}}"#),
        format!(r#"{{"error":{{"message":"wrong","code":"{KEY}","type":"{KEY}"}}}}"#),
        format!(r#"{{"detail":"Authorization: Bearer {KEY}"}}"#),
        format!("plain text with {KEY} in it"),
        format!("a cut {}", &KEY[..20]),
    ];
    for body in bodies {
        for status in [200, 400, 401, 500] {
            let headers = ["content-type: application/json", &format!("x-request-id: {KEY}")];
            let server = FakeServer::always(vec![answer(status, &headers, &body)]).await;
            let error = asked(&provider(&server)).await.answer.unwrap_err();
            // `asked` has seen to the whole key; neither is half of it there.
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("0123456789") && !shown.contains("sk-test"), "{status} {body}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_cannot_be_reached() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for url in [format!("http://127.0.0.1:{port}/v1"), "http://name.invalid/v1".to_owned()] {
        let provider =
            OpenAiProvider::builder().base_url(&url).allow_plain_http("name.invalid").default_model("m").build();
        let error = asked(&provider.unwrap()).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_unreachable", true), "{url}: {error}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    for bytes in ["SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "\0\0\0"] {
        let server = FakeServer::always(vec![raw(bytes), Act::Close]).await;
        let error = asked(&provider(&server)).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_connection_lost", true), "{bytes}: {error}");
    }
}

#[tokio::test]
async fn an_error_whose_explanation_does_not_arrive_is_told_all_the_same() {
    let cut = raw("HTTP/1.1 503 X\r\ncontent-length: 500\r\nretry-after: 3\r\n\r\nhalf an expl");
    let server = FakeServer::always(vec![cut, Act::Close]).await;
    let error = asked(&provider(&server)).await.answer.unwrap_err();
    assert_eq!((&*error.code, error.retry_after), ("provider_overloaded", Some(Duration::from_secs(3))));
    assert!(error.message.contains("answered 503: half an expl; let the step wait"), "{error}");
    // Nor is one taken that has no end.
    let endless = raw("HTTP/1.1 500 X\r\nconnection: close\r\n\r\n");
    let server = FakeServer::always(vec![endless, Act::Repeat(vec![b'x'; 4096], Duration::ZERO)]).await;
    let error = asked(&builder(&server).max_answer_bytes(1 << 40).build().unwrap()).await.answer.unwrap_err();
    assert_eq!(&*error.code, "provider_server_error");
    assert!(error.message.len() < 1_000, "{}", error.message.len());
    server.has_lost(1).await;
}
