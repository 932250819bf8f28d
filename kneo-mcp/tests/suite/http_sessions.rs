//! Sessions that servers forget, streams that break, and what is sent again: once at most, and only where the server
//! says that it has not looked at it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use kneo_core::plan::McpServerDef;
use kneo_core::tool_server::ToolServer;
use kneo_core::{Cancel, Value};
use serde_json::json;

use super::support::{Host, SOON, context, failed, http, no_arguments, with_cancel};
use super::web::{Answer, Request, Web, event, modern, well};

/// A server that knows the session it began last, until it is told to forget it.
#[derive(Clone, Default)]
struct Forgetful(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    begun: usize,
    session: Option<String>,
    acted: usize,
}

impl Forgetful {
    fn forget(&self) {
        self.0.lock().unwrap().session = None;
    }

    fn acted(&self) -> usize {
        self.0.lock().unwrap().acted
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut known = self.0.lock().unwrap();
        match request.what() {
            "initialize" => {
                known.begun += 1;
                known.session = Some(format!("session-{}", known.begun));
                let answer = request.result(&json!({
                    "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"},
                }));
                Answer::json(&answer).with("mcp-session-id", known.session.as_ref().unwrap())
            }
            "server/discover" => well(request),
            _ if request.header("mcp-session-id") != known.session.as_deref() => Answer::text(404, "no such session"),
            what => {
                known.acted += usize::from(what == "tools/call");
                well(request)
            }
        }
    }
}

/// Item 98: a session that the server does not know any more is begun anew, and what was not looked at is sent again.
#[tokio::test]
async fn a_forgotten_session_is_begun_anew_once() {
    let server_side = Forgetful::default();
    let answers = server_side.clone();
    let web = Web::start(move |request| answers.answer(request)).await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    server.call("echo", no_arguments(), &context()).await.unwrap();
    server_side.forget();
    assert_eq!(server.call("echo", no_arguments(), &context()).await.unwrap(), Value::from("hello"));
    assert_eq!((web.count("initialize"), server_side.acted()), (2, 2));
    let calls = web.all("tools/call");
    let sessions: Vec<_> = calls.iter().map(|call| call.header("mcp-session-id")).collect();
    assert_eq!(sessions, [Some("session-1"), Some("session-1"), Some("session-2")]);
    let key = |call: &Request| call.body["params"]["_meta"]["io.github.kneo-project/idempotency-key"].clone();
    assert_eq!(key(&calls[1]), key(&calls[2]));
    assert!(web.all("initialize").iter().all(|begin| begin.header("mcp-session-id").is_none()));
    // What was offered in the session before says nothing about this one.
    server.tools(&context()).await.unwrap();
    assert_eq!(web.count("tools/list"), 1);
    server_side.forget();
    server.call("echo", no_arguments(), &context()).await.unwrap();
    server.tools(&context()).await.unwrap();
    assert_eq!(web.count("tools/list"), 2);
    host.connector.close().await;
    assert_eq!(web.one("DELETE").await.header("mcp-session-id"), Some("session-3"));
}

#[tokio::test]
async fn many_calls_in_a_forgotten_session_begin_one_anew() {
    let server_side = Forgetful::default();
    let answers = server_side.clone();
    let web = Web::start(move |request| answers.answer(request)).await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    server.tools(&context()).await.unwrap();
    server_side.forget();
    let context = context();
    let calls = (0..8).map(|_| server.call("echo", no_arguments(), &context));
    for said in futures_util::future::join_all(calls).await {
        assert_eq!(said.unwrap(), Value::from("hello"));
    }
    assert_eq!((web.count("initialize"), server_side.acted()), (2, 8));
}

/// A server that never knows any session is not asked for ever.
#[tokio::test]
async fn a_session_that_is_forgotten_at_once_is_an_error() {
    let web = Web::start(|request| match request.what() {
        "tools/call" => Answer::text(404, "no such session"),
        _ => well(request),
    })
    .await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    let error = server.call("echo", no_arguments(), &context()).await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("mcp_connection_lost", true));
    assert!(error.message.contains("it forgot the session, and the one that was begun anew"), "{}", error.message);
    assert_eq!((web.count("tools/call"), web.count("initialize")), (2, 2));
}

#[tokio::test]
async fn a_session_that_cannot_be_begun_anew_is_an_error() {
    type Make = fn(&Request) -> Answer;
    let table: [(Make, &str, &str); 3] = [
        (|_| Answer::text(503, "down"), "mcp_http_error", "answers HTTP 503: down"),
        (|request| Answer::json(&request.error(-32602, "not again")), "mcp_protocol_error", "not again"),
        (|_| Answer::cut(""), "mcp_connection_lost", "was lost"),
    ];
    for (again, code, says) in table {
        let begun = AtomicUsize::new(0);
        let web = Web::start(move |request| match request.what() {
            "initialize" if begun.fetch_add(1, Ordering::Relaxed) > 0 => again(request),
            "tools/call" => Answer::text(404, ""),
            _ => well(request),
        })
        .await;
        let (found, message) = failed(Host::new().call(&http(&web.url())).await);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(says), "{message}");
        assert_eq!(web.count("tools/call"), 1);
    }
}

/// Many servers answer 400 where the protocol has 404: the call fails, and the next is made in a session of its own.
#[tokio::test]
async fn a_session_that_may_be_forgotten_is_not_used_again() {
    type Make = fn(&Request) -> Answer;
    let vague: Make = |request| Answer::json(&request.error(-32000, "Bad Request: no valid session")).status(400);
    let text: Make = |_| Answer::text(400, "no valid session");
    let clear: Make = |request| Answer::json(&request.error(-32602, "no such tool")).status(400);
    for (answer, code, begun) in
        [(vague, "mcp_server_error", 2), (text, "mcp_http_error", 2), (clear, "mcp_request_refused", 1)]
    {
        let called = AtomicUsize::new(0);
        let web = Web::start(move |request| match request.what() {
            "tools/call" if called.fetch_add(1, Ordering::Relaxed) == 0 => answer(request),
            _ => well(request),
        })
        .await;
        let host = Host::new();
        let server = host.server(&http(&web.url()));
        assert_eq!(failed(server.call("echo", no_arguments(), &context()).await).0, code);
        assert_eq!(web.count("tools/call"), 1);
        assert_eq!(server.call("echo", no_arguments(), &context()).await.unwrap(), Value::from("hello"));
        assert_eq!(web.count("initialize"), begun, "{code}");
    }
}

/// A call whose answer is on its way when another finds the session forgotten may have acted: it is not sent again.
#[tokio::test]
async fn a_call_on_its_way_in_a_forgotten_session_is_lost_and_not_repeated() {
    let server_side = Forgetful::default();
    let answers = server_side.clone();
    let web = Web::start(move |request| match request.body["params"]["name"].as_str() {
        Some("slow") => Answer::open(": working\n\n"),
        _ => answers.answer(request),
    })
    .await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    let slow = tokio::spawn({
        let server = Arc::clone(&server);
        async move { server.call("slow", no_arguments(), &context()).await }
    });
    web.one("tools/call").await;
    server_side.forget();
    assert_eq!(server.call("echo", no_arguments(), &context()).await.unwrap(), Value::from("hello"));
    let error = slow.await.unwrap().unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("mcp_connection_lost", true));
    assert!(error.message.contains("whether a call acted is unknown: it forgot the session"), "{}", error.message);
    let slow = |call: &&Request| call.body["params"]["name"] == "slow";
    assert_eq!(web.all("tools/call").iter().filter(slow).count(), 1);
}

/// A stream that is numbered is taken up again where it broke; the call is not.
#[tokio::test]
async fn a_broken_stream_is_taken_up_again() {
    for ends in [false, true] {
        let answer = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&answer);
        let web = Web::start(move |request| match request.what() {
            "tools/call" => {
                *kept.lock().unwrap() = Some(request.text("late"));
                let begins = "id: e-1\nretry: 20\ndata:\n\n";
                match ends {
                    true => Answer::events(begins),
                    false => Answer::cut(&format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{begins}\r\n",
                        begins.len()
                    )),
                }
            }
            "GET" => match (request.header("last-event-id"), &*kept.lock().unwrap()) {
                (Some("e-1"), Some(answer)) => Answer::events(event(answer)),
                _ => Answer::text(405, ""),
            },
            _ => well(request),
        })
        .await;
        assert_eq!(Host::new().call(&http(&web.url())).await.unwrap(), Value::from("late"), "{ends}");
        assert_eq!(web.count("tools/call"), 1);
    }
}

/// What cannot be read is not read again and again, nor is what the server says is not there.
#[tokio::test]
async fn a_stream_that_cannot_be_read_is_not_taken_up_again() {
    type Make = fn(&Request) -> Answer;
    let none = |_: &Request| Answer::text(405, "");
    let large = |_: &Request| Answer::events(format!("id: e-1\ndata:\n\ndata: {}\n\n", "x".repeat(20_000)));
    let junk = |_: &Request| Answer::events("id: e-1\ndata: junk\n\n");
    let broken = |_: &Request| Answer::events("id: e-1\ndata:\n\n");
    let gone = |_: &Request| Answer::text(404, "");
    let table: [(Make, Make, &str, usize); 4] = [
        (large, gone, "mcp_answer_too_large", 0),
        (junk, gone, "mcp_protocol_error", 0),
        (broken, gone, "mcp_connection_lost", 1),
        (broken, large, "mcp_answer_too_large", 1),
    ];
    for (call, resume, code, resumed) in table {
        let web = Web::start(move |request| match request.what() {
            "tools/call" => call(request),
            "GET" if request.header("last-event-id").is_some() => resume(request),
            "GET" => none(request),
            _ => well(request),
        })
        .await;
        let host = Host::with(|builder| builder.max_response_bytes(10_000));
        let server = host.server(&http(&web.url()));
        let started = Instant::now();
        assert_eq!(failed(server.call("echo", no_arguments(), &context()).await).0, code);
        assert!(started.elapsed() < SOON);
        let gets = web.all("GET").iter().filter(|get| get.header("last-event-id").is_some()).count();
        assert_eq!((web.count("tools/call"), gets), (1, resumed), "{code}");
    }
}

/// A server that ends its stream at once, and says that it may be opened again at once, keeps nobody busy.
#[tokio::test]
async fn a_stream_beside_that_always_ends_is_not_opened_all_the_time() {
    let web = Web::start(|request| match request.what() {
        "GET" => Answer::events("retry: 0\n\n"),
        _ => well(request),
    })
    .await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    let started = Instant::now();
    server.tools(&context()).await.unwrap();
    super::support::until("the stream to be opened ten times", || (web.count("GET") >= 10).then_some(())).await;
    // Eight at once, and one a second after that.
    assert!(started.elapsed() >= Duration::from_secs(2));
}

fn slow(request: &Request) -> Answer {
    match request.what() {
        "tools/call" => Answer::open(": working\n\n"),
        _ => well(request),
    }
}

/// Tells the server, and closes the connection of the call.
async fn called_off(web: &Web, call: &Request, reason: &str) {
    let told = web.one("notifications/cancelled").await;
    assert_eq!((&told.body["params"]["requestId"], &told.body["params"]["reason"]), (&call.body["id"], &reason.into()));
    assert_eq!(told.header("mcp-session-id"), call.header("mcp-session-id"));
    web.given_up("tools/call").await;
}

#[tokio::test]
async fn a_server_is_told_of_calls_that_nobody_waits_for() {
    let host = Host::new();
    // By the token, before and after the answer has begun.
    let hung = |request: &Request| match request.what() {
        "tools/call" => Answer::never(),
        _ => well(request),
    };
    for handler in [slow, hung] {
        let web = Web::start(handler).await;
        let server = host.server(&http(&web.url()));
        let cancel = Cancel::new();
        let context = with_cancel(cancel.clone());
        let started = Instant::now();
        let (result, call) = tokio::join!(server.call("echo", no_arguments(), &context), async {
            let call = web.one("tools/call").await;
            cancel.cancel();
            call
        });
        assert_eq!(failed(result).0, "mcp_cancelled");
        assert!(started.elapsed() < SOON);
        called_off(&web, &call, "the call was cancelled").await;
        server.tools(&super::support::context()).await.unwrap();
    }
    // By dropping the future.
    let web = Web::start(slow).await;
    let server = host.server(&http(&web.url()));
    let context = context();
    let call = tokio::select! {
        result = server.call("echo", no_arguments(), &context) => panic!("{result:?}"),
        call = web.one("tools/call") => call,
    };
    called_off(&web, &call, "the caller is gone").await;
    // By the time that the spec gives it.
    let web = Web::start(slow).await;
    let server = host.server(&McpServerDef { timeout_ms: Some(200), ..http(&web.url()) });
    assert_eq!(failed(server.call("echo", no_arguments(), &context).await).0, "mcp_timeout");
    called_off(&web, &web.one("tools/call").await, "the answer did not come in time").await;
}

/// Without sessions, from version 2026-07-28 on, the end of the connection is what tells the server.
#[tokio::test]
async fn a_modern_server_sees_the_end_of_the_connection() {
    let web = Web::start(|request| match request.what() {
        "tools/call" => Answer::open(": working\n\n"),
        _ => modern(request),
    })
    .await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    let cancel = Cancel::new();
    let context = with_cancel(cancel.clone());
    let (result, ()) = tokio::join!(server.call("echo", no_arguments(), &context), async {
        web.one("tools/call").await;
        cancel.cancel();
        web.given_up("tools/call").await;
    });
    assert_eq!(failed(result).0, "mcp_cancelled");
    assert_eq!(web.count("notifications/cancelled"), 0);
}

/// Item 97: a server that dies while it is asked.
#[tokio::test]
async fn a_server_that_dies_mid_call_is_an_error_and_is_found_again() {
    let web = Web::start(slow).await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    let call = tokio::spawn({
        let server: Arc<dyn ToolServer> = Arc::clone(&server);
        async move { server.call("echo", no_arguments(), &context()).await }
    });
    web.one("tools/call").await;
    drop(web);
    let started = Instant::now();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("mcp_connection_lost", true));
    assert!(started.elapsed() < SOON);
    assert_eq!(failed(server.call("echo", no_arguments(), &context()).await).0, "mcp_unreachable");
}

/// Progress on a stream begins the idle time anew; what is no progress does not.
#[tokio::test]
async fn progress_counts_and_comments_do_not() {
    let host = Host::with(|builder| builder.idle_timeout(Duration::from_millis(600)));
    let web = Web::start(|request| match request.what() {
        "tools/call" => {
            let token = request.body["params"]["_meta"]["progressToken"].clone();
            let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 1}});
            let says = match request.body["params"]["name"].as_str() {
                Some("steady") => event(&progress),
                _ => ": still here\n\n".to_owned(),
            };
            let answer = event(&request.text("done"));
            let steps = stream::iter(vec![says; 5].into_iter().chain([answer]));
            Answer::stream(steps.then(|text| async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                text.into_bytes()
            }))
        }
        _ => well(request),
    })
    .await;
    let server = host.server(&http(&web.url()));
    assert_eq!(server.call("steady", no_arguments(), &context()).await.unwrap(), Value::from("done"));
    let (code, message) = failed(server.call("chatty", no_arguments(), &context()).await);
    assert_eq!(code, "mcp_timeout");
    assert!(message.contains("gave no sign of progress within 0.6 s"), "{message}");
}

/// A server that does not end its session holds nobody up for long.
#[tokio::test]
async fn a_close_waits_for_no_server() {
    let web = Web::start(|request| match request.what() {
        "DELETE" => Answer::never(),
        _ => well(request),
    })
    .await;
    let host = Host::new();
    let server = host.server(&http(&web.url()));
    server.tools(&context()).await.unwrap();
    let started = Instant::now();
    host.connector.close().await;
    assert!(started.elapsed() < Duration::from_secs(8));
    assert_eq!(failed(server.tools(&context()).await).0, "mcp_closed");
}
