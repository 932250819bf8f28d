//! What a server at an address is shown, that nobody else is shown it, and that it does not come back.

use std::fmt::Write as _;
use std::io;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use futures_util::stream;
use kneo_core::call::CallError;
use kneo_core::plan::McpServerDef;
use kneo_core::{Value, call::CallContext};
use serde_json::json;

use super::fake::fake;
use super::support::{Host, http, name, no_arguments, plain, secret, with_http, with_secrets, with_stdio};
use super::web::{Answer, Request, Web, event, well};

/// A definition with a bearer token and two headers.
fn guarded(url: &str) -> McpServerDef {
    with_http(http(url), |http| {
        http.bearer_ref = Some(name("token"));
        http.headers.push((name("X-Api-Key"), secret("key")));
        http.headers.push((name("X-Region"), plain("north")));
    })
}

fn credentials() -> CallContext {
    with_secrets(&[("token", "s3cr3t-token"), ("key", "s3cr3t-key")])
}

#[tokio::test]
async fn every_request_carries_the_credentials() {
    let web = Web::start(|request| match request.what() {
        "GET" => Answer::open(": hello\n\n"),
        _ => well(request),
    })
    .await;
    let host = Host::new();
    let server = host.server(&guarded(&web.url()));
    server.tools(&credentials()).await.unwrap();
    server.call("echo", no_arguments(), &credentials()).await.unwrap();
    web.one("GET").await;
    host.connector.close().await;
    let seen = web.seen();
    assert!(seen.iter().any(|request| request.what() == "DELETE"));
    for request in seen {
        assert_eq!(request.header("authorization"), Some("Bearer s3cr3t-token"), "{request:?}");
        assert_eq!((request.header("x-api-key"), request.header("x-region")), (Some("s3cr3t-key"), Some("north")));
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_connects_to_nobody() {
    let web = Web::start(well).await;
    let error = Host::new().call(&guarded(&web.url())).await.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("secret_missing", false));
    assert!(error.message.contains("there is no secret `key`"), "{}", error.message);
    assert!(web.seen().is_empty());
}

/// Other credentials are another session; that of the old ones ends.
#[tokio::test]
async fn other_credentials_need_another_session() {
    let web = Web::start(well).await;
    let host = Host::new();
    let server = host.server(&guarded(&web.url()));
    for token in ["first-token", "first-token", "second-token"] {
        server.tools(&with_secrets(&[("token", token), ("key", "s3cr3t-key")])).await.unwrap();
    }
    assert_eq!(web.count("initialize"), 2);
    assert_eq!(web.one("DELETE").await.header("authorization"), Some("Bearer first-token"));
    assert_eq!(web.all("tools/list").last().unwrap().header("authorization"), Some("Bearer second-token"));
}

/// A redirect is not followed, to wherever it leads: nobody else sees a request, and with it a credential.
#[tokio::test]
async fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let other = Web::start(well).await;
        let to = format!("{}?key=s3cr3t-query", other.at("127.0.0.1"));
        for (what, code) in [
            ("server/discover", Some("mcp_redirect_refused")),
            ("initialize", Some("mcp_redirect_refused")),
            ("notifications/initialized", Some("mcp_redirect_refused")),
            ("tools/call", Some("mcp_redirect_refused")),
            ("GET", None),
            ("DELETE", None),
        ] {
            let target = to.clone();
            let web = Web::start(move |request| match request.what() == what {
                true => Answer::text(status, "go away").with("location", &target),
                false => well(request),
            })
            .await;
            let host = Host::new();
            let result = host.server(&guarded(&web.url())).call("echo", no_arguments(), &credentials()).await;
            if what == "GET" {
                web.one(what).await;
            }
            host.connector.close().await;
            assert_eq!(web.count(what), 1, "{what}");
            let error = result.err();
            assert_eq!(error.as_ref().map(|error| &*error.code), code, "{what}");
            if let Some(error) = error {
                let told =
                    format!("answers HTTP {status}, a redirect to `{}`, which is not followed", other.at("127.0.0.1"));
                assert!(!error.retryable && error.message.contains(&told), "{}", error.message);
                assert!(error.message.ends_with("write the final address in `url`"), "{}", error.message);
            }
        }
        assert!(other.seen().is_empty(), "{status}: {:?}", other.seen());
    }
}

/// Neither is one within the address's own origin, nor one that leads nowhere.
#[tokio::test]
async fn a_redirect_within_the_origin_is_told_and_not_followed() {
    for (location, told) in [
        (Some("/mcp/"), "a redirect to `http://localhost:"),
        (Some("http://["), "a redirect, which"),
        (None, "a redirect, which"),
    ] {
        let web = Web::start(move |_| {
            let answer = Answer::text(307, "");
            location.into_iter().fold(answer, |answer, to| answer.with("location", to))
        })
        .await;
        let error = Host::new().call(&http(&web.url())).await.unwrap_err();
        assert!(error.message.contains(told), "{}", error.message);
        assert_eq!(web.seen().len(), 1);
    }
}

/// What this process's environment says of proxies is not the host's choice.
#[tokio::test]
async fn a_proxy_is_used_only_if_the_host_names_it() {
    let proxy = Web::start(|_| Answer::text(502, "the proxy")).await;
    let host = Host::new();
    let status = tokio::task::spawn_blocking({
        let (directory, proxy) = (host.directory.path().to_owned(), proxy.at("127.0.0.1"));
        move || {
            let mut helper = Command::new(std::env::current_exe().unwrap());
            helper.args(["--exact", "suite::http_secrets::without_proxy", "--ignored", "--nocapture"]);
            for variable in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
                helper.env(variable, &proxy);
            }
            helper.env(super::life::DIRECTORY, directory).stdout(Stdio::null()).status().unwrap()
        }
    })
    .await
    .unwrap();
    assert!(status.success() && host.path("done").exists());
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());

    let host = Host::with(|builder| builder.proxy(proxy.at("127.0.0.1")).allow_plain_http("mcp.test"));
    let error = host.call(&http("http://mcp.test/x")).await.unwrap_err();
    assert!(error.message.contains("answers HTTP 502: the proxy"), "{}", error.message);
    assert_eq!(proxy.seen()[0].path, "http://mcp.test/x");

    // To this machine plain HTTP may go because nobody reads along: a proxy would.
    let (asked, web) = (proxy.seen().len(), Web::start(well).await);
    assert_eq!(host.call(&http(&web.url())).await.unwrap(), Value::from("hello"));
    assert_eq!(proxy.seen().len(), asked);
}

#[tokio::test]
#[ignore = "runs as a process of its own, for `a_proxy_is_used_only_if_the_host_names_it`"]
async fn without_proxy() {
    let Some(directory) = super::life::directory() else { return };
    assert!(std::env::var_os("http_proxy").is_some());
    let web = Web::start(well).await;
    assert_eq!(Host::new().call(&http(&web.url())).await.unwrap(), Value::from("hello"));
    std::fs::write(directory.join("done"), "").unwrap();
}

/// Everything that is logged on this thread, of every crate and level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::level_filters::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || log.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// A key as such keys are written.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+s3cr3t/\nAAAA\n-----END PRIVATE KEY-----\n";

/// Everything that a server can say with what it was shown: repeated, cut off, spread over chunks, as a name.
fn leak(request: &Request, how: &str) -> Answer {
    let token = request.header("authorization").unwrap_or_default().to_owned();
    let key = request.header("x-api-key").unwrap_or_default().to_owned();
    let said = format!("{token} and {key} and {PEM}");
    match how {
        "text" => Answer::json(&request.text(&said)),
        "structured" => {
            Answer::json(&request.result(&json!({"content": [], "structuredContent": {said.clone(): [said]}})))
        }
        "bytes" => {
            Answer::stream(stream::iter(event(&request.text(&said)).into_bytes().into_iter().map(|byte| vec![byte])))
        }
        "escaped" => {
            let escaped: String = said.chars().fold(String::new(), |mut all, one| {
                write!(all, "\\u{:04x}", u32::from(one)).unwrap();
                all
            });
            Answer::json_text(&request.text("MARK").to_string().replace("MARK", &escaped))
        }
        "tool error" => {
            Answer::json(&request.result(&json!({"isError": true, "content": [{"type": "text", "text": said}]})))
        }
        "error" => Answer::json(&request.error(-32000, &said)),
        "status" => Answer::text(500, &said),
        "status json" => Answer::json(&json!({"oops": said})).status(400),
        // So long that what people see of it ends within the token.
        "cut" => Answer::text(500, &format!("{}{}", "x".repeat(2_040), token.repeat(100))),
        "challenge" => Answer::text(401, &said).with("www-authenticate", &format!("Bearer realm=\"{token}\"")),
        "kind" => Answer::text(200, "").kind(&token),
        "redirect" => Answer::text(302, "").with("location", &format!("/{key}/x")),
        "no message" => Answer::json(&json!({"a": said})),
        "no event" => Answer::events(format!("data: {}\n\n", json!({"a": said}))),
        _ => Answer::json(&request.text("nothing")),
    }
}

const HOW: [&str; 14] = [
    "text",
    "structured",
    "bytes",
    "escaped",
    "tool error",
    "error",
    "status",
    "status json",
    "cut",
    "challenge",
    "kind",
    "redirect",
    "no message",
    "no event",
];

/// Parts of the secrets that no one else would say.
fn assert_clean(what: &str, text: &str) {
    for part in ["s3cr3t", "cr3t-t", "cr3t-k", "MC4CAQ"] {
        assert!(!text.contains(part), "{what} has `{part}`: {text}");
    }
}

#[tokio::test]
async fn no_secret_comes_back_from_an_address() {
    let log = Log::default();
    let logging = log.start();
    let web = Web::start(|request| match request.what() {
        "tools/call" => leak(request, request.body["params"]["name"].as_str().unwrap()),
        "tools/list" => {
            let key = request.header("x-api-key").unwrap();
            let tool = json!({"name": key, "description": key, "inputSchema": {"type": "object", "title": key}});
            Answer::json(&request.result(&json!({"tools": [tool]})))
        }
        "GET" => Answer::events(format!("data: {}\n\n", request.header("x-api-key").unwrap())),
        "DELETE" => Answer::text(500, request.header("x-api-key").unwrap()),
        _ => well(request),
    })
    .await;
    let host = Host::new();
    let definition = with_http(guarded(&web.url()), |http| http.headers.push((name("X-Pem"), secret("short"))));
    let context =
        with_secrets(&[("token", "s3cr3t-token"), ("key", "s3cr3t-key"), ("short", PEM.lines().nth(1).unwrap())]);
    let server = host.server(&definition);
    let offered = server.tools(&context).await.unwrap();
    assert_eq!(&*offered[0].name, "[redacted]");
    let mut shown = format!("{offered:?}");
    for how in HOW {
        let result: Result<Value, CallError> = server.call(how, no_arguments(), &context).await;
        assert!(result.is_ok() || !matches!(how, "text" | "structured" | "bytes" | "escaped"), "{how}: {result:?}");
        write!(shown, "\n{how}: {result:?}").unwrap();
        assert_clean(how, &shown);
    }
    write!(shown, "{server:?}{:?}", host.connector).unwrap();
    host.connector.close().await;
    drop(logging);
    assert_clean("what is shown", &shown);
    let log = log.text();
    assert!(log.contains("rmcp") && log.contains("hyper"), "{log}");
    assert_clean("the log", &log);
}

/// The transport logs how a server names its session and the places of its streams.
#[tokio::test]
async fn a_session_is_not_named_by_a_secret_and_no_place_of_a_stream_is() {
    let log = Log::default();
    let logging = log.start();
    let web = Web::start(|request| match request.what() {
        "initialize" => {
            let result = json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"},
            });
            Answer::json(&request.result(&result)).with("mcp-session-id", request.header("x-api-key").unwrap())
        }
        _ => well(request),
    })
    .await;
    let error =
        Host::new().server(&guarded(&web.url())).call("echo", no_arguments(), &credentials()).await.unwrap_err();
    assert_eq!(&*error.code, "mcp_protocol_error");
    assert!(error.message.contains("it named the session by a secret"), "{}", error.message);

    // A stream that broke off is read again, from no such place.
    let web = Web::start(|request| match request.what() {
        "tools/call" => Answer::events(format!("id: {}\ndata:\n\n", request.header("x-api-key").unwrap())),
        _ => well(request),
    })
    .await;
    let error =
        Host::new().server(&guarded(&web.url())).call("echo", no_arguments(), &credentials()).await.unwrap_err();
    assert_eq!(&*error.code, "mcp_connection_lost", "{}", error.message);
    drop(logging);
    assert_clean("the log", &log.text());
}

/// The same for a server that is started, whose standard error ends in the middle of a secret.
#[tokio::test]
async fn no_secret_comes_back_from_a_program() {
    let log = Log::default();
    let logging = log.start();
    let script = "on_list() { answer \"{\\\"tools\\\":[{\\\"name\\\":\\\"$TOKEN\\\",\\\"inputSchema\\\":{}}]}\"; }
      on_call() {
        case \"$line\" in
          *text*) text \"$TOKEN\" ;;
          *junk*) say \"$TOKEN\"; say \"{\\\"id\\\":$id,\\\"result\\\":\\\"$TOKEN\\\"}\" ;;
          *) say \"$KEY\" >&2; say \"$TOKEN and \" >&2; printf 'ending with %s' \"$TOKEN\" >&2; exit 1 ;;
        esac
      }";
    let definition = with_stdio(fake(script), |stdio| {
        stdio.env.push((name("TOKEN"), secret("token")));
        stdio.env.push((name("KEY"), secret("pem")));
    });
    let context = with_secrets(&[("token", "s3cr3t-token"), ("pem", PEM)]);
    let mut shown = String::new();
    // Each cuts standard error at another place.
    for max in (0..40).step_by(3).chain([100, 150, 200]) {
        let host = Host::with(|builder| builder.max_stderr_bytes(max));
        let server = host.server(&definition);
        for how in ["text", "junk", "exit"] {
            let result = server.call(how, no_arguments(), &context).await;
            write!(shown, "\n{max} {how}: {result:?}").unwrap();
        }
        write!(shown, "{:?}", server.tools(&context).await).unwrap();
    }
    drop(logging);
    assert!(shown.contains("[redacted]"));
    assert_clean("what is shown", &shown);
    assert_clean("the log", &log.text());
}
