//! However much a server at an address sends, and however slowly: an error within its time, in bounded memory.

use std::time::{Duration, Instant};

use futures_util::stream::{self, Stream, StreamExt};
use kneo_core::plan::McpServerDef;
use serde_json::json;

use super::memory::{MOST, done, peak_memory, succeeds};
use super::support::{Host, SOON, context, failed, http, no_arguments};
use super::web::{Answer, Request, Web, drip, event, modern, well};

/// How much comes, where it is bounded at all.
const MUCH: usize = 200_000_000;

const CHUNK: usize = 64 << 10;

type Make = fn(&Request) -> Answer;
type Floods = Box<dyn Fn() -> Answer>;
type Makes = Box<dyn Fn(&Request) -> Answer + Send + Sync>;

fn much(of: &[u8]) -> impl Stream<Item = Vec<u8>> + Send + 'static {
    let chunk = of.repeat(CHUNK / of.len());
    stream::iter(0..MUCH / CHUNK).map(move |_| chunk.clone())
}

fn after(
    head: &str,
    rest: impl Stream<Item = Vec<u8>> + Send + 'static,
) -> impl Stream<Item = Vec<u8>> + Send + 'static {
    let head: Vec<u8> = head.into();
    stream::iter([head]).chain(rest)
}

/// Item 95, and the 200 MB of item 87, for servers at an address.
#[test]
fn what_never_ends_is_an_error_at_the_cap() {
    succeeds("http_bounds::floods");
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `what_never_ends_is_an_error_at_the_cap`"]
async fn floods() {
    if super::life::directory().is_none() {
        return;
    }
    let ask = json!({"jsonrpc": "2.0", "id": "x", "method": "roots/list"});
    let asks = event(&ask);
    let length = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {MUCH}\r\n\r\n{{");
    let table: Vec<(&str, Makes, &str)> = vec![
        ("a length", Box::new(move |_| Answer::raw(after(&length, much(b"x")))), "mcp_answer_too_large"),
        ("json", Box::new(|_| Answer::json_chunks(after("{\"a\":\"", much(b"x")))), "mcp_answer_too_large"),
        ("json of an error", Box::new(|_| Answer::json_chunks(much(b" ")).status(500)), "mcp_answer_too_large"),
        (
            "text of an error",
            Box::new(|_| Answer::json_chunks(much(b"x")).status(500).kind("text/html")),
            "mcp_http_error",
        ),
        ("a line", Box::new(|_| Answer::stream(after("data: ", much(b"x")))), "mcp_answer_too_large"),
        ("lines", Box::new(|_| Answer::stream(much(b"data: x\n"))), "mcp_answer_too_large"),
        ("a name", Box::new(|_| Answer::stream(after("event: ", much(b"x")))), "mcp_answer_too_large"),
        ("a comment", Box::new(|_| Answer::stream(after(": ", much(b"x")))), "mcp_answer_too_large"),
        ("requests", Box::new(move |_| Answer::stream(much(asks.as_bytes()))), "mcp_protocol_error"),
        (
            "headers",
            Box::new(|_| Answer::raw(after("HTTP/1.1 200 OK\r\n", much(b"x-a: y\r\n")))),
            "mcp_connection_lost",
        ),
        ("a header", Box::new(|_| Answer::raw(after("HTTP/1.1 200 OK\r\nx-a: ", much(b"y")))), "mcp_connection_lost"),
    ];
    for (what, make, code) in table {
        let web =
            Web::start(move |request| if request.what() == "tools/call" { make(request) } else { well(request) }).await;
        let host = Host::with(|builder| builder.max_response_bytes(1 << 20));
        let server = host.server(&http(&web.url()));
        server.tools(&context()).await.unwrap();
        let (before, started) = (peak_memory(), Instant::now());
        let (found, message) = failed(server.call("echo", no_arguments(), &context()).await);
        assert_eq!(found, code, "{what}: {message}");
        assert!(message.len() < 3_000, "{what}: {message}");
        assert!(started.elapsed() < SOON, "{what}");
        let grown = peak_memory().saturating_sub(before);
        assert!(grown < MOST, "{what}: {grown} bytes more");
        web.given_up("tools/call").await;
        server.tools(&context()).await.unwrap();
    }
    done();
}

/// Streams of what may come without end end with the time of the request, and fill no memory till then.
#[test]
fn what_may_come_without_end_fills_no_memory() {
    succeeds("http_bounds::news");
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `what_may_come_without_end_fills_no_memory`"]
async fn news() {
    if super::life::directory().is_none() {
        return;
    }
    fn endless(text: String) -> Answer {
        Answer::stream(stream::repeat(text.into_bytes()))
    }
    let changed = || event(&json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})).repeat(100);
    let on_call: Vec<(&str, Floods)> = vec![
        ("notifications", Box::new(move || endless(changed()))),
        ("comments", Box::new(|| endless(": x\n\n".repeat(100)))),
        ("interim answers", Box::new(|| Answer::raw(stream::repeat(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100))))),
        ("other events", Box::new(|| endless("event: endpoint\ndata: x\n\n".repeat(100)))),
    ];
    for (what, make) in on_call {
        for beside in [false, true] {
            let make = &make;
            let first = std::sync::Mutex::new(Some(make()));
            let web = Web::start(move |request| match (request.what(), beside) {
                ("tools/call", false) | ("GET", true) => {
                    first.lock().unwrap().take().unwrap_or_else(|| Answer::text(405, ""))
                }
                ("tools/call", true) => Answer::never(),
                _ => well(request),
            })
            .await;
            let before = peak_memory();
            let definition = McpServerDef { timeout_ms: Some(1_500), ..http(&web.url()) };
            assert_eq!(failed(Host::new().call(&definition).await).0, "mcp_timeout", "{what}");
            let grown = peak_memory().saturating_sub(before);
            assert!(grown < MOST, "{what}: {grown} bytes more");
        }
    }
    done();
}

/// A byte at a time, whatever it is a byte of, is no progress.
#[tokio::test]
async fn what_comes_too_slowly_is_an_error_in_time() {
    const EACH: Duration = Duration::from_millis(200);
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n";
    let table: Vec<(&str, Make)> = vec![
        ("json", |request| Answer::json_chunks(drip(request.text("x").to_string(), EACH))),
        ("events", |request| Answer::stream(drip(event(&request.text("x")), EACH))),
        ("comments", |_| Answer::stream(drip(": hello\n".repeat(1_000), EACH))),
        ("a head", |_| Answer::raw(drip(HEAD, EACH))),
        ("an error", |_| Answer::json_chunks(drip("x".repeat(10_000), EACH)).status(500).kind("text/plain")),
        ("nothing", |_| Answer::never()),
    ];
    for (what, make) in table {
        let web =
            Web::start(move |request| if request.what() == "tools/call" { make(request) } else { well(request) }).await;
        let host = Host::new();
        let server = host.server(&McpServerDef { timeout_ms: Some(400), ..http(&web.url()) });
        server.tools(&context()).await.unwrap();
        let started = Instant::now();
        let (code, message) = failed(server.call("echo", no_arguments(), &context()).await);
        assert_eq!(code, "mcp_timeout", "{what}: {message}");
        assert!(started.elapsed() < Duration::from_secs(5), "{what}");
        web.given_up("tools/call").await;

        let host = Host::with(|builder| builder.connect_timeout(Duration::from_millis(400)));
        let web = Web::start(make).await;
        let started = Instant::now();
        let (code, message) = failed(host.call(&http(&web.url())).await);
        assert_eq!(code, "mcp_timeout", "{what}: {message}");
        assert!(message.contains("did not get ready within 0.4 s"), "{message}");
        assert!(started.elapsed() < Duration::from_secs(5), "{what}");
    }
}

/// What a server at an address offers is held to the same bounds as what a program offers.
#[tokio::test]
async fn an_offer_is_bounded() {
    let host = Host::with(|builder| builder.max_tools(100));
    for behaves in [well as Make, modern] {
        let web = Web::start(move |request| match request.what() {
            "tools/list" => {
                let page = request.body["params"]["cursor"].as_str().map_or(0, |page| page.parse::<u32>().unwrap()) + 1;
                let name = format!("t{page}");
                let tools = json!([{"name": name, "inputSchema": {"type": "object"}}]);
                Answer::json(&request.result(&json!({"tools": tools, "nextCursor": page.to_string()})))
            }
            _ => behaves(request),
        })
        .await;
        let (code, message) = failed(host.server(&http(&web.url())).tools(&context()).await);
        assert_eq!(code, "mcp_offer_too_large", "{message}");
        assert_eq!(web.count("tools/list"), 101);
    }
}
