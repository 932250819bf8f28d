//! What servers at an address answer, well or badly.

use std::time::{Duration, Instant};

use futures_util::stream;
use kneo_core::Value;
use kneo_core::plan::McpServerDef;
use serde_json::json;

use super::support::{Host, SOON, context, failed, http, no_arguments};
use super::web::{Answer, Request, SESSION, Web, event, modern, tool, well};

/// A server that behaves but for what it answers to the call of a tool.
async fn calls(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Web {
    Web::start(move |request| if request.what() == "tools/call" { answer(request) } else { well(request) }).await
}

#[tokio::test]
async fn a_session_is_begun_used_and_ended() {
    let web = Web::start(well).await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    assert!(web.seen().is_empty(), "binding connects to nothing");
    assert_eq!(&*server.tools(&context()).await.unwrap()[0].name, "echo");
    let context = context();
    let arguments = Value::map([("q", Value::from("a \"b\""))]).unwrap();
    assert_eq!(server.call("echo", arguments, &context).await.unwrap(), Value::from("hello"));
    host.connector.close().await;

    let order: Vec<String> = web.seen().iter().map(|request| request.what().to_owned()).collect();
    let order: Vec<&str> = order.iter().map(String::as_str).filter(|what| *what != "GET").collect();
    let expected = ["server/discover", "initialize", "notifications/initialized", "tools/list", "tools/call", "DELETE"];
    assert_eq!(order, expected);
    for request in web.seen() {
        let begins = matches!(request.what(), "server/discover" | "initialize");
        assert_eq!(request.header("mcp-session-id"), (!begins).then_some(SESSION), "{request:?}");
        if !begins {
            assert_eq!(request.header("mcp-protocol-version"), Some("2025-11-25"), "{request:?}");
        }
        assert_eq!(request.path, "/mcp");
        assert_eq!(request.header("authorization"), None);
        match request.what() {
            "GET" => assert_eq!(request.header("accept"), Some("text/event-stream")),
            "DELETE" => {}
            _ => assert_eq!(request.header("accept"), Some("application/json, text/event-stream")),
        }
    }
    let params = &web.all("tools/call")[0].body["params"];
    assert_eq!((&params["name"], &params["arguments"]), (&"echo".into(), &json!({"q": "a \"b\""})));
    assert_eq!(params["_meta"]["traceparent"], context.trace().to_string());
    assert_eq!(params["_meta"]["io.github.kneo-project/idempotency-key"], context.key().as_str());
}

/// Seconds, or a date that counts from the server's own.
#[tokio::test]
async fn the_wait_that_a_server_asks_for_is_heard() {
    for (headers, expected) in [
        (&[("retry-after", "7")][..], Some(7_000)),
        (&[("retry-after-ms", "250")], Some(250)),
        (&[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60_000)),
        (&[("retry-after", "soon")], None),
        (&[], None),
    ] {
        let answer =
            |_: &Request| headers.iter().fold(Answer::text(503, "later"), |a, (name, value)| a.with(name, value));
        let web = calls(answer).await;
        let host = Host::new();
        let error = host.call(&http(&web.url())).await.unwrap_err();
        assert_eq!(error.retry_after, expected.map(Duration::from_millis), "{headers:?}");
    }
}

#[tokio::test]
async fn a_modern_server_has_no_handshake_and_no_session() {
    let web = Web::start(modern).await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    for _ in 0..3 {
        server.tools(&context()).await.unwrap();
    }
    assert_eq!(server.call("echo", no_arguments(), &context()).await.unwrap(), Value::from("hello"));
    host.connector.close().await;
    let order: Vec<String> = web.seen().iter().map(|request| request.what().to_owned()).collect();
    // What it says of how long its offer holds is believed.
    assert_eq!(order, ["server/discover", "tools/list", "tools/call"]);
    let call = &web.all("tools/call")[0];
    assert_eq!(call.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!((call.header("mcp-method"), call.header("mcp-name")), (Some("tools/call"), Some("echo")));
    assert_eq!(call.header("mcp-session-id"), None);
}

/// A server that has sessions in no version is called without one.
#[tokio::test]
async fn a_server_need_not_have_sessions() {
    let web = Web::start(|request| match request.what() {
        "initialize" => Answer::json(&request.result(&json!({
            "protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"},
        }))),
        _ => well(request),
    })
    .await;
    let host = Host::new();
    assert_eq!(host.call(&http(&web.url())).await.unwrap(), Value::from("hello"));
    host.connector.close().await;
    assert!(web.seen().iter().all(|request| request.header("mcp-session-id").is_none()));
    assert_eq!((web.count("GET"), web.count("DELETE")), (0, 0));
    assert_eq!(web.all("tools/call")[0].header("mcp-protocol-version"), Some("2025-06-18"));
}

/// The stream of an answer is read in whatever pieces and with whatever line ends it comes.
#[tokio::test]
async fn an_answer_may_come_as_events_in_any_pieces() {
    let said = "grüße, 世界 🦀";
    let news = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}});
    let shapes: [fn(&str, &str) -> String; 6] = [
        |_, answer| format!("data: {answer}\n\n"),
        |news, answer| format!(": hello\n\nevent: message\ndata: {news}\n\nevent: message\nid: 7\ndata: {answer}\n\n"),
        |news, answer| format!("data:{news}\r\n\r\ndata:{answer}\r\n\r\n"),
        |_, answer| format!("\u{feff}data: {answer}\r\r"),
        |_, answer| format!("event: endpoint\ndata: nonsense\n\nid: 1\ndata:\n\nretry: 5\n\ndata: {answer}\n\n"),
        // Data in several lines are joined by line ends.
        |_, answer| {
            let (before, after) = answer.split_once(',').unwrap();
            format!("data: {before},\ndata: {after}\n\n")
        },
    ];
    for (number, shape) in shapes.into_iter().enumerate() {
        for pieces in [1, 3, usize::MAX] {
            let news = news.to_string();
            let web = calls(move |request| {
                let text = shape(&news, &request.text(said).to_string());
                let chunks: Vec<Vec<u8>> = text.as_bytes().chunks(pieces.min(text.len())).map(<[u8]>::to_vec).collect();
                Answer::stream(stream::iter(chunks))
            })
            .await;
            let found = Host::new().call(&http(&web.url())).await;
            assert!(matches!(&found, Ok(text) if text.as_str() == Some(said)), "shape {number}, {pieces}: {found:?}");
        }
    }
}

/// A server may accept a request and answer on the stream that is open beside.
#[tokio::test]
async fn an_answer_may_come_on_the_stream_beside() {
    let (tell, told) = tokio::sync::watch::channel(None);
    let web = Web::start(move |request| match request.what() {
        "GET" => {
            let mut told = told.clone();
            Answer::stream(stream::once(async move {
                let answer: &Option<String> = &told.wait_for(Option::is_some).await.unwrap();
                answer.clone().unwrap().into_bytes()
            }))
        }
        "tools/call" => {
            tell.send(Some(event(&request.text("beside")))).unwrap();
            Answer::accepted()
        }
        _ => well(request),
    })
    .await;
    assert_eq!(Host::new().call(&http(&web.url())).await.unwrap(), Value::from("beside"));
}

#[tokio::test]
async fn news_on_the_stream_beside_are_taken_in() {
    let (tell, told) = tokio::sync::watch::channel(false);
    let asked = std::sync::atomic::AtomicU32::new(0);
    let web = Web::start(move |request| match request.what() {
        "GET" => {
            let mut told = told.clone();
            Answer::stream(stream::once(async move {
                let _ = told.wait_for(|told| *told).await;
                event(&json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})).into_bytes()
            }))
        }
        "tools/list" => {
            let asked = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Answer::json(&request.result(&json!({"tools": [tool(&format!("t{asked}"))]})))
        }
        _ => {
            if request.what() == "tools/call" {
                tell.send(true).unwrap();
            }
            well(request)
        }
    })
    .await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    let first = server.tools(&context()).await.unwrap();
    assert_eq!(server.tools(&context()).await.unwrap(), first);
    server.call("echo", no_arguments(), &context()).await.unwrap();
    let start = Instant::now();
    while server.tools(&context()).await.unwrap() == first {
        assert!(start.elapsed() < SOON);
    }
}

/// Requests of the server's own get answers at once, so that none waits.
#[tokio::test]
async fn requests_of_a_server_are_answered_beside() {
    let web = calls(|request| {
        let asks = [
            json!({"jsonrpc": "2.0", "id": "a", "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": "b", "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}),
            json!({"jsonrpc": "2.0", "id": "c", "method": "roots/list"}),
        ];
        let asks: String = asks.iter().map(event).collect();
        Answer::events(format!("{asks}{}", event(&request.text("done"))))
    })
    .await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    assert_eq!(server.call("echo", no_arguments(), &context()).await.unwrap(), Value::from("done"));
    let answers = super::support::until("three answers", || {
        let answers = web.all("answer");
        (answers.len() == 3).then_some(answers)
    })
    .await;
    for answer in answers {
        assert_eq!(answer.header("mcp-session-id"), Some(SESSION));
        match answer.body["id"].as_str() {
            Some("a") => assert_eq!(answer.body["result"], json!({})),
            _ => assert_eq!(answer.body["error"]["code"], -32601, "{answer:?}"),
        }
    }
}

/// Item 97: whatever an HTTP server answers to a call is a result, or an error within its time.
#[tokio::test]
async fn every_answer_that_is_none_is_an_error_with_a_code() {
    type Make = fn(&Request) -> Answer;
    let table: Vec<(Make, &str, bool, &str)> = vec![
        (|_| Answer::text(400, "what?"), "mcp_http_error", false, "answers HTTP 400: what?"),
        (
            |_| Answer::text(401, "who?"),
            "mcp_unauthorized",
            false,
            "answers HTTP 401, which asks for other credentials",
        ),
        (
            |_| Answer::text(403, "no"),
            "mcp_unauthorized",
            false,
            "HTTP 403, which asks for other credentials: no; correct",
        ),
        (|_| Answer::text(405, ""), "mcp_http_error", false, "HTTP 405"),
        (|_| Answer::text(408, ""), "mcp_http_error", true, "HTTP 408"),
        (|_| Answer::text(429, "slow down").with("retry-after", "7"), "mcp_http_error", true, "HTTP 429: slow down"),
        (|_| Answer::text(500, "<h1>\n oops </h1>"), "mcp_http_error", true, "HTTP 500: <h1> oops </h1>"),
        (|_| Answer::text(503, ""), "mcp_http_error", true, "HTTP 503"),
        (
            |request| Answer::json(&request.error(-32602, "no such tool")).status(400),
            "mcp_request_refused",
            false,
            "no such tool",
        ),
        (
            |request| Answer::json(&request.error(-32000, "later")).status(500),
            "mcp_server_error",
            true,
            "later (JSON-RPC error -32000)",
        ),
        (
            |request| Answer::json(&request.error(-32601, "none")),
            "mcp_request_refused",
            false,
            "none (JSON-RPC error -32601)",
        ),
        (|request| Answer::events(event(&request.error(-32603, "broke"))), "mcp_server_error", true, "broke"),
        (
            |_| Answer::json(&json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "bad"}})),
            "mcp_request_refused",
            false,
            "bad",
        ),
        (|_| Answer::text(200, "<html>"), "mcp_protocol_error", false, "the content type `text/plain`"),
        (|_| Answer::json(&json!({"hello": 1})), "mcp_protocol_error", false, "its answer is no JSON-RPC message"),
        (|_| Answer::json(&json!([])), "mcp_protocol_error", false, "its answer is no JSON-RPC message"),
        (
            |_| Answer::json(&json!({"jsonrpc": "2.0", "id": 77, "result": {}})),
            "mcp_protocol_error",
            false,
            "that of another request",
        ),
        (
            |_| Answer::text(200, "").with("content-length", "x"),
            "mcp_connection_lost",
            true,
            "whether a call acted is unknown",
        ),
        (|_| Answer::cut(""), "mcp_connection_lost", true, "whether a call acted is unknown"),
        (
            |_| Answer::cut("HTTP/1.1 200 OK\r\ncontent-ty"),
            "mcp_connection_lost",
            true,
            "whether a call acted is unknown",
        ),
        (
            |_| Answer::cut("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"js"),
            "mcp_connection_lost",
            true,
            "whether a call acted is unknown",
        ),
        (|_| Answer::cut("SSH-2.0-OpenSSH_9.2\r\n"), "mcp_connection_lost", true, "whether a call acted is unknown"),
        (|_| Answer::events(""), "mcp_connection_lost", true, "it closed the connection before it answered"),
        (
            |_| Answer::events(": nothing\n\n"),
            "mcp_connection_lost",
            true,
            "it closed the connection before it answered",
        ),
        (
            |_| Answer::events("data: {\"jsonrpc\":\"2.0\",\"id\":3,\"resu"),
            "mcp_connection_lost",
            true,
            "it closed the connection before it answered",
        ),
        (
            |_| Answer::events("data: {\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}\n\n"),
            "mcp_protocol_error",
            false,
            "that of another request",
        ),
        (
            |_| {
                Answer::events(
                    "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"bad\"}}\n\n",
                )
            },
            "mcp_request_refused",
            false,
            "bad",
        ),
        (|_| Answer::events("data\n\n"), "mcp_protocol_error", false, "its stream of events is none"),
        (|_| Answer::events("data: no message\n\n"), "mcp_protocol_error", false, "its answer is no JSON-RPC message"),
        (
            |_| Answer::open("data: {\"jsonrpc\":\"2.0\"\n\n"),
            "mcp_protocol_error",
            false,
            "its answer is no JSON-RPC message",
        ),
        (
            |_| {
                Answer::cut(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:",
                )
            },
            "mcp_connection_lost",
            true,
            "whether a call acted is unknown",
        ),
    ];
    let (cases, mut reused) = (table.len(), 0);
    for (make, code, retryable, says) in table {
        let web = calls(make).await;
        let host = Host::new();
        let server = host.server(&http(&web.url()));
        // Most often on a connection that was used before.
        server.tools(&context()).await.unwrap();
        let started = Instant::now();
        let error = server.call("echo", no_arguments(), &context()).await.unwrap_err();
        assert_eq!((&*error.code, error.retryable), (code, retryable), "{says}: {error:?}");
        assert!(error.message.contains(says), "{}", error.message);
        assert!(started.elapsed() < SOON, "{says}");
        assert_eq!(web.count("tools/call"), 1, "{says}: nothing is sent twice");
        let seen = web.seen();
        let at = seen.iter().position(|request| request.what() == "tools/call").unwrap();
        reused += usize::from(seen[..at].iter().any(|earlier| earlier.connection == seen[at].connection));
        let waits = says.contains("slow down").then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after, waits);
        // It is the call that failed and not the session, unless it may have been about that.
        server.tools(&context()).await.unwrap();
        assert_eq!(web.count("initialize"), if says.contains("HTTP 400") { 2 } else { 1 }, "{says}");
    }
    assert!(reused > cases / 2, "{reused} of {cases} calls were made on a connection that was used before");
}

/// A server of before 2026-07-28 may do anything with the question which versions it knows.
#[tokio::test]
async fn a_server_need_not_know_what_is_asked_first() {
    let reactions: [fn(&Request) -> Answer; 10] = [
        |request| Answer::json(&request.error(-32601, "no such method")),
        |request| Answer::json(&request.error(-32600, "no session")).status(400),
        |request| Answer::json(&request.result(&json!({}))),
        |request| Answer::events(event(&request.result(&json!({"odd": true})))),
        |_| Answer::text(404, "no such method"),
        |_| Answer::text(500, "what?"),
        |_| Answer::text(200, "<html>"),
        |_| Answer::accepted(),
        |_| Answer::events(""),
        |_| Answer::cut(""),
    ];
    for (number, reaction) in reactions.into_iter().enumerate() {
        let web = Web::start(move |request| match request.what() {
            "server/discover" => reaction(request),
            _ => well(request),
        })
        .await;
        let host = Host::new();
        let said = host.call(&http(&web.url())).await;
        assert!(said.is_ok(), "{number}: {said:?}");
        assert_eq!((web.count("server/discover"), web.count("initialize")), (1, 1), "{number}");
        assert_eq!(web.all("initialize")[0].body["params"]["protocolVersion"], "2025-11-25", "{number}");
    }
}

/// A server may be silent about what is asked first: an older one for ever, a newer one while it is busy.
#[tokio::test]
async fn a_server_may_be_silent_at_first() {
    let first = |behaves: fn(&Request) -> Answer| {
        let asked = std::sync::atomic::AtomicU32::new(0);
        Web::start(move |request| match request.what() {
            "server/discover" if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 => Answer::never(),
            _ => behaves(request),
        })
    };
    let (older, newer) = (first(well).await, first(modern).await);
    let host = Host::new();
    let (to_older, to_newer) = (http(&older.url()), http(&newer.url()));
    let (old, new) = tokio::join!(host.call(&to_older), host.call(&to_newer));
    assert_eq!((old.unwrap(), new.unwrap()), (Value::from("hello"), Value::from("hello")));
    assert_eq!((older.count("server/discover"), older.count("initialize")), (1, 1));
    assert_eq!((newer.count("server/discover"), newer.count("initialize")), (2, 1));
}

/// The same for the first thing that is said.
#[tokio::test]
async fn a_server_that_cannot_be_connected_to_says_why() {
    type Make = fn(&Request) -> Answer;
    let table: Vec<(Make, &str, &str)> = vec![
        (|_| Answer::text(404, "nothing here"), "mcp_http_error", "answers HTTP 404: nothing here"),
        (|_| Answer::text(401, ""), "mcp_unauthorized", "correct `bearer_ref` or `headers`"),
        (|_| Answer::text(502, "bad gateway"), "mcp_http_error", "answers HTTP 502: bad gateway"),
        (|_| Answer::text(200, "<html>"), "mcp_protocol_error", "the content type `text/plain`"),
        (|_| Answer::cut(""), "mcp_unreachable", "cannot be reached: "),
        (|_| Answer::events(""), "mcp_unreachable", "it closed the connection before it answered"),
        (|_| Answer::events("data: no message\n\n"), "mcp_protocol_error", "its answer is no JSON-RPC message"),
        (|request| Answer::json(&request.result(&json!({"odd": true}))), "mcp_protocol_error", "handshake"),
        (
            |request| match request.what() {
                "initialize" => Answer::json(&request.error(-32602, "version 1 only")),
                _ => well(request),
            },
            "mcp_protocol_error",
            "it refuses the handshake: version 1 only",
        ),
        (
            |request| match request.what() {
                "notifications/initialized" => Answer::text(500, "no news"),
                _ => well(request),
            },
            "mcp_http_error",
            "answers HTTP 500: no news",
        ),
    ];
    for (make, code, says) in table {
        let web = Web::start(make).await;
        let (found, message) = failed(Host::new().call(&http(&web.url())).await);
        assert_eq!(found, code, "{says}: {message}");
        assert!(message.contains(says), "{message}");
    }
    // Nobody listens at a port that was just given back.
    let gone = {
        let web = Web::start(well).await;
        web.url()
    };
    let host = Host::new();
    let start = Instant::now();
    loop {
        let error = host.call(&http(&gone)).await.unwrap_err();
        if &*error.code == "mcp_unreachable" {
            assert!(error.retryable && error.message.contains("see that it runs, and that its `url` is right"));
            break;
        }
        assert!(start.elapsed() < SOON, "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_of_content_less_kind_is_nothing() {
    let web = calls(|request| Answer::json(&request.result(&json!({})))).await;
    assert_eq!(Host::new().call(&http(&web.url())).await.unwrap(), Value::from(""));
}

#[tokio::test]
async fn a_spec_may_bound_a_request_and_an_answer() {
    let web = calls(|request| match request.body["params"]["name"].as_str() {
        Some("slow") => Answer::never(),
        _ => Answer::json(&request.text(&"x".repeat(5_000))),
    })
    .await;
    let host = Host::new();
    let bounded = McpServerDef { timeout_ms: Some(300), max_response_bytes: Some(4_000), ..http(&web.url()) };
    let server = host.server(&bounded);
    assert_eq!(failed(server.call("slow", no_arguments(), &context()).await).0, "mcp_timeout");
    assert_eq!(failed(server.call("echo", no_arguments(), &context()).await).0, "mcp_answer_too_large");
    let roomy = McpServerDef { max_response_bytes: Some(6_000), ..bounded };
    assert!(host.server(&roomy).call("echo", no_arguments(), &context()).await.is_ok());
}
