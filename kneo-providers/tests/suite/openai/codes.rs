//! What a reader of errors is told: what is wrong, where, and what to do.

use kneo_providers::openai::{ErrorCode, OpenAiBuilder, OpenAiProvider};

use super::server::{Act, FakeServer, answer, json, raw};
use super::{asked, builder};

#[tokio::test]
async fn an_error_says_where_it_happened_and_what_to_do() {
    let gone = r#"{"error":{"message":"no such model","code":"model_not_found"}}"#;
    for (acts, code) in [
        (vec![json(401, r#"{"error":{"message":"wrong key"}}"#)], "provider_authentication"),
        (vec![json(404, gone)], "provider_model_not_found"),
        (vec![json(404, "")], "provider_endpoint_not_found"),
        (vec![json(403, "")], "provider_permission"),
        (vec![json(402, "")], "provider_quota_exhausted"),
        (vec![json(413, "")], "provider_request_too_large"),
        (vec![json(429, r#"{"error":{"message":"slow down"}}"#)], "provider_rate_limited"),
        (vec![json(503, "")], "provider_overloaded"),
        (vec![json(500, "oops")], "provider_server_error"),
        (vec![json(409, "")], "provider_conflict"),
        (vec![json(504, "")], "provider_timeout"),
        (vec![Act::Close], "provider_connection_lost"),
        (vec![answer(200, &["content-type: text/html"], "<html>")], "provider_malformed_answer"),
        (vec![json(200, "{}")], "provider_malformed_answer"),
        (vec![json(200, r#"{"error":{"message":"gone"}}"#)], "provider_server_error"),
        (
            vec![raw("HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"), Act::Close],
            "provider_stream_cut",
        ),
    ] {
        let server = FakeServer::always(acts).await;
        tells(builder(&server), &server.base_url(), code).await;
    }
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let dead = format!("http://127.0.0.1:{port}/v1");
    tells(OpenAiProvider::builder().base_url(&dead).default_model("m"), &dead, "provider_unreachable").await;
}

async fn tells(builder: OpenAiBuilder, place: &str, code: &str) {
    let error = asked(&builder.build().unwrap()).await.answer.unwrap_err();
    let known = ErrorCode::of(&error.code).unwrap();
    assert_eq!(known.code, code, "{error}");
    assert!(error.message.starts_with(&format!("`{place}`")), "{error}");
    assert!(error.message.ends_with(known.remedy), "{error}");
}

#[tokio::test]
async fn what_happens_on_the_way_names_the_place_too() {
    for acts in [
        vec![Act::Close],
        vec![answer(200, &["content-type: text/html"], "<html>")],
        vec![json(200, "{}")],
        vec![json(200, r#"{"error":{"message":"gone"}}"#)],
    ] {
        let server = FakeServer::always(acts).await;
        let error = asked(&builder(&server).build().unwrap()).await.answer.unwrap_err();
        assert!(error.message.starts_with(&format!("`{}`: ", server.base_url())), "{error}");
    }
}

/// The rows of the table of codes, as the guide has them.
#[test]
fn the_guide_and_the_documentation_list_every_code() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/providers.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let module = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/openai.rs")).unwrap();
    let rows = ErrorCode::ALL.iter().map(|known| {
        let again = if known.retryable { "yes" } else { "no" };
        format!("| `{}` | {again} | {} | {} |", known.code, known.meaning, known.remedy)
    });
    let rows: Vec<String> = rows.collect();
    let listed: Vec<&str> = guide.lines().filter(|line| line.starts_with("| `provider_")).collect();
    assert_eq!(listed, rows, "the guide's table is to be:\n{}\n", rows.join("\n"));
    for known in ErrorCode::ALL {
        let row = module.lines().find(|line| line.starts_with("//! | ") && line.contains(&format!("`{}`", known.code)));
        let again = if known.retryable { "| yes |" } else { "| no |" };
        assert!(row.is_some_and(|row| row.contains(again)), "{}: {row:?}", known.code);
    }
}
