use std::sync::Arc;

use kneo_core::secret::Secret;
use reqwest::header::{HeaderName, HeaderValue};

use super::*;
use crate::http::address::Address;

const KEY: &str = "sk-proj-0123456789abcdef";

fn target(key: Option<&str>) -> Target {
    let address = Address::parse("https://example.com/v1").unwrap();
    Target { address, key: key.map(|key| Arc::new(Secret::new(key.to_owned()))), is_own: true }
}

fn fault(status: u16, headers: &[(&str, &str)], body: &str) -> CallError {
    let headers = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap()));
    of_status(StatusCode::from_u16(status).unwrap(), &headers.collect(), body, &target(Some(KEY)))
}

#[test]
fn every_error_of_a_server_has_its_code() {
    let openai = |code: &str, kind: &str, message: &str| {
        format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":"{code}"}}}}"#)
    };
    let cases: &[(u16, &str, &str, bool)] = &[
        (400, "", "provider_invalid_request", false),
        (400, &openai("", "invalid_request_error", "bad"), "provider_invalid_request", false),
        (400, &openai("context_length_exceeded", "invalid_request_error", "x"), "provider_context_too_long", false),
        // vLLM, llama.cpp and Anthropic's compatible API.
        (
            400,
            r#"{"object":"error","message":"This model's maximum context length is 4096 tokens","code":400}"#,
            "provider_context_too_long",
            false,
        ),
        (400, &openai("400", "exceed_context_size_error", "x"), "provider_context_too_long", false),
        (400, &openai("", "invalid_request_error", "prompt is too long: 9 > 8"), "provider_context_too_long", false),
        // Azure's filter.
        (400, &openai("content_filter", "", "filtered"), "provider_content_filter", false),
        (400, &openai("model_not_found", "", "x"), "provider_model_not_found", false),
        // LiteLLM.
        (
            400,
            &openai("400", "invalid_request_error", "Invalid model name passed in model=x"),
            "provider_model_not_found",
            false,
        ),
        // Gemini's compatible API.
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]"#,
            "provider_authentication",
            false,
        ),
        (401, &openai("invalid_api_key", "invalid_request_error", "x"), "provider_authentication", false),
        (401, "", "provider_authentication", false),
        (402, "", "provider_quota_exhausted", false),
        (403, &openai("unsupported_country_region_territory", "", "x"), "provider_permission", false),
        (404, &openai("model_not_found", "invalid_request_error", "x"), "provider_model_not_found", false),
        // Ollama.
        (
            404,
            r#"{"error":{"message":"model \"x\" not found, try pulling it first"}}"#,
            "provider_model_not_found",
            false,
        ),
        (404, "404 page not found", "provider_endpoint_not_found", false),
        (404, "<html>nothing here about a model</html>", "provider_endpoint_not_found", false),
        (405, "", "provider_endpoint_not_found", false),
        (408, "", "provider_timeout", true),
        (409, "", "provider_conflict", true),
        (413, "", "provider_request_too_large", false),
        (418, "", "provider_invalid_request", false),
        (422, r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, "provider_invalid_request", false),
        (429, "", "provider_rate_limited", true),
        (429, &openai("rate_limit_exceeded", "tokens", "slow down"), "provider_rate_limited", true),
        (429, &openai("insufficient_quota", "insufficient_quota", "x"), "provider_quota_exhausted", false),
        (500, "", "provider_server_error", true),
        (501, "", "provider_endpoint_not_found", false),
        (502, "<html>bad gateway</html>", "provider_server_error", true),
        (503, "", "provider_overloaded", true),
        (503, &openai("slow_down", "service_unavailable_error", "x"), "provider_overloaded", true),
        (504, "", "provider_timeout", true),
        (529, &openai("", "overloaded_error", "x"), "provider_overloaded", true),
        (599, "", "provider_server_error", true),
    ];
    for (status, body, code, retryable) in cases {
        let error = fault(*status, &[], body);
        assert_eq!((&*error.code, error.retryable), (*code, *retryable), "{status} {body}: {error}");
        assert!(error.message.contains(&status.to_string()), "{error}");
    }
}

#[test]
fn errors_in_place_of_an_answer_have_their_code_too() {
    for (error, code) in [
        (r#"{"message":"x","type":"server_error"}"#, "provider_server_error"),
        (r#"{"message":"Overloaded","type":"overloaded_error"}"#, "provider_overloaded"),
        (r#"{"message":"x","code":"rate_limit_exceeded"}"#, "provider_rate_limited"),
        (r#"{"message":"x","code":502}"#, "provider_server_error"),
        (r#"{"message":"x","code":"503"}"#, "provider_overloaded"),
        (r#"{"message":"x","code":400}"#, "provider_invalid_request"),
        (r#"{"error":{"message":"maximum context length is 5"}}"#, "provider_context_too_long"),
        (r#""upstream is at capacity""#, "provider_overloaded"),
        ("{}", "provider_server_error"),
    ] {
        let error_json: Json = serde_json::from_str(error).unwrap();
        assert_eq!(&*of_answer(&error_json, None).code, code, "{error}");
    }
}

#[test]
fn the_servers_words_stand_in_the_message_and_its_secrets_do_not() {
    let body = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {KEY}. Find it at https://example.com.","code":"invalid_api_key"}}}}"#
    );
    let error = fault(401, &[("x-request-id", "req_42")], &body);
    assert_eq!(
        &*error.message,
        "`https://example.com/v1` answered 401 (`invalid_api_key`): Incorrect API key provided: [redacted]. Find it at https://example.com; request `req_42`; see that the key is the right one for this address and still counts"
    );
    // As a gateway passes on what it got: JSON in JSON, the key in escapes.
    let split = KEY.replace("proj", r"\\u0070roj");
    let inner = format!(r#"{{\"error\":\"bad key {split}\"}}"#);
    let error = fault(401, &[], &format!(r#"{{"error":{{"message":"{inner}","code":"{KEY}"}}}}"#));
    assert!(error.message.contains("bad key [redacted]"), "{error}");
    assert!(!error.message.contains("0123456789abcdef"), "{error}");
    // A body that is cut within its JSON is text.
    let error = fault(500, &[("x-request-id", KEY)], &format!(r#"{{"error":{{"message":"{KEY}"#));
    assert_eq!(error.message.matches("[redacted]").count(), 2, "{error}");
    assert!(!error.message.contains("0123456789abcdef"), "{error}");
}

#[test]
fn who_sent_no_key_hears_of_it() {
    let of = |target: &Target| of_status(StatusCode::UNAUTHORIZED, &HeaderMap::new(), "", target).message;
    assert!(of(&target(None)).ends_with("the spec names one with `api_key_ref`, or the host gives one"));
    assert!(of(&Target { is_own: false, ..target(None) }).ends_with("(the host's own goes only to its own address)"));
    assert!(!of(&target(Some(KEY))).contains("no key was sent"));
}

#[test]
fn waits_and_overrides_of_a_server_are_obeyed() {
    for (status, headers, retryable, wait) in [
        (429, vec![("retry-after", "3")], true, Some(3)),
        (503, vec![("retry-after", "36000")], true, Some(36_000)),
        (429, vec![("retry-after", "soon")], true, None),
        (400, vec![("retry-after", "3")], false, None),
        (429, vec![("x-should-retry", "false"), ("retry-after", "3")], false, None),
        (400, vec![("x-should-retry", "true"), ("retry-after", "3")], true, Some(3)),
        (429, vec![("x-should-retry", "maybe")], true, None),
    ] {
        let error = fault(status, &headers, "");
        let waits = error.retry_after.map(|wait| wait.as_secs());
        assert_eq!((error.retryable, waits), (retryable, wait), "{status} {headers:?}");
    }
}

#[test]
fn a_redirect_is_an_error_that_says_where_it_leads() {
    for (location, to) in [
        (Some("https://other.example/v1?token=hunter2"), "redirects to `https://other.example`"),
        (Some("/elsewhere"), "redirects to `https://example.com`"),
        (Some("https://user:hunter2@other.example:8443/"), "redirects to `https://other.example:8443`"),
        (None, "redirects elsewhere"),
    ] {
        let headers: Vec<(&str, &str)> = location.map(|to| ("location", to)).into_iter().collect();
        let error = fault(307, &headers, "");
        assert_eq!((&*error.code, error.retryable), ("provider_redirected", false));
        assert!(error.message.contains(to) && !error.message.contains("hunter2"), "{error}");
    }
}
