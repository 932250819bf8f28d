//! An MCP server at an address, which repeats the secrets that it is shown wherever the protocol lets it say something.

use kneo_tests::canary::base64;
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

use super::model::{lower_percent, percent};
use super::table::value;
use super::web::{Answer, Request, Web};

/// Its tools, each a way in which it answers.
pub(crate) const WAYS: [&str; 22] = [
    "text",
    "contents",
    "structured",
    "escaped",
    "nested",
    "percent",
    "base64",
    "number",
    "large",
    "private",
    "tool_error",
    "error",
    "error_data",
    "status_500",
    "status_401",
    "status_429",
    "redirect",
    "kind",
    "events",
    "event_ids",
    "log",
    "junk",
];

/// A server that knows secrets: those of its requests' headers, and what it is told here.
pub(crate) async fn start(tls: Option<TlsAcceptor>, more: &'static str) -> Web {
    Web::start(tls, move |request| {
        let shown = ["authorization", "x-key", "x-escaped", "x-number"].map(|name| request.header(name).to_owned());
        let mut secrets: Vec<String> = shown.into_iter().filter(|secret| !secret.is_empty()).collect();
        if !more.is_empty() {
            secrets.push(more.to_owned());
        }
        answer(request, &secrets)
    })
    .await
}

fn answer(request: &Request, secrets: &[String]) -> Answer {
    let said = secrets.join(" and ");
    match (&*request.verb, request.body["method"].as_str()) {
        ("POST", Some("server/discover")) => Answer::new(400, "text/plain", format!("no session: {said}")),
        ("POST", Some("initialize")) => {
            let capabilities = json!({"tools": {"listChanged": true}, "logging": {}});
            let info = json!({"name": said, "version": said});
            let result = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info, "instructions": said});
            let session = if request.header("x-session").is_empty() { "session-1".to_owned() } else { one_line(&said) };
            Answer::json(200, &result_of(request, &result)).with("mcp-session-id", &session)
        }
        ("POST", Some("tools/list")) => {
            let tool = |name: &str| json!({"name": name, "description": said, "inputSchema": {"type": "object", "title": said}});
            let named = WAYS.iter().copied().chain((!request.header("x-named").is_empty()).then_some(&*said));
            let tools: Vec<Value> = named.map(tool).collect();
            Answer::json(200, &result_of(request, &json!({"tools": tools})))
        }
        ("POST", Some("tools/call")) => call(request, request.body["params"]["name"].as_str().unwrap(), secrets, &said),
        ("POST", _) => Answer::new(202, "text/plain", said),
        ("GET", _) => {
            let log = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": said}});
            Answer::events(&format!("data: {log}\n\nevent: {0}\ndata: {0}\n\n", one_line(&said)), 50)
        }
        _ => Answer::new(500, "text/plain", said),
    }
}

fn call(request: &Request, way: &str, secrets: &[String], said: &str) -> Answer {
    let texts = |texts: Vec<String>| {
        let content: Vec<Value> = texts.into_iter().map(|text| json!({"type": "text", "text": text})).collect();
        result_of(request, &json!({"content": content}))
    };
    let ok = |body: &Value| Answer::json(200, body);
    let error = |data: Value| json!({"jsonrpc": "2.0", "id": request.body["id"], "error": {"code": -32000, "message": said, "data": data}});
    match way {
        "text" => ok(&texts(vec![said.to_owned()])),
        // Everything on a line, in an item, of its own.
        "contents" => ok(&texts(secrets.iter().flat_map(|secret| secret.lines()).map(str::to_owned).collect())),
        "structured" => {
            ok(&result_of(request, &json!({"content": [], "structuredContent": {said: [said, {"a": said}]}})))
        }
        "escaped" => {
            let escaped: String = said.chars().map(|char| format!("\\u{:04x}", u32::from(char))).collect();
            Answer::new(200, "application/json", texts(vec!["MARK".to_owned()]).to_string().replace("MARK", &escaped))
        }
        // JSON in a text, as most servers give it.
        "nested" => {
            let text = json!({"environment": secrets}).to_string();
            ok(&texts(vec![text.replace('/', "\\/"), text]))
        }
        "percent" => ok(&texts(
            secrets
                .iter()
                .map(|secret| percent(secret))
                .chain(secrets.iter().map(|secret| lower_percent(secret)))
                .collect(),
        )),
        "base64" => {
            let basic = secrets.iter().map(|secret| base64(format!("user:{secret}").as_bytes()));
            let bare = secrets.iter().map(|secret| base64(secret.as_bytes()).replace('+', "-").replace('/', "_"));
            // What a header means, without its scheme, and as it is once it is read.
            let words =
                secrets.iter().filter_map(|secret| secret.strip_prefix("Bearer ").or(secret.strip_prefix("Basic ")));
            let password = secrets.iter().filter(|secret| *secret == value("far_basic")).map(|_| value("far_password"));
            ok(&texts(basic.chain(bare).chain(words.chain(password).map(str::to_owned)).collect()))
        }
        "number" => {
            let number: Value = request.header("x-number").parse::<u64>().map_or(Value::Null, Value::from);
            ok(&result_of(request, &json!({"content": [], "structuredContent": {"pin": number, "pins": [number]}})))
        }
        "large" => ok(&texts(vec![format!("{} {said} {}", value("large_result"), "x".repeat(200_000))])),
        "private" => ok(&texts(vec![format!("{} {}", value("result"), value("shown_pem"))])),
        "tool_error" => {
            let text = format!("{} {said}", value("tool_error"));
            ok(&result_of(request, &json!({"isError": true, "content": [{"type": "text", "text": text}]})))
        }
        "error" => ok(&error(Value::Null)),
        "error_data" => Answer::json(400, &error(json!({"seen": secrets}))),
        "status_500" => Answer::new(500, "text/plain", said),
        "status_401" => Answer::new(401, "text/plain", said)
            .with("www-authenticate", &format!("Bearer realm=\"{}\"", one_line(said))),
        "status_429" => Answer::json(429, &json!({"seen": secrets})).with("retry-after", &one_line(said)),
        "redirect" => {
            Answer::new(307, "text/plain", said).with("location", &format!("/x/{}?k={}", percent(said), one_line(said)))
        }
        "kind" => Answer::new(200, &one_line(said), said),
        "events" => Answer::events(&format!("data: {}\n\n", texts(vec![said.to_owned()])), 11),
        "event_ids" => {
            let junk = format!("id: {0}\nevent: {0}\ndata: {0}\n\n", one_line(said));
            Answer::events(&format!("{junk}id: {}\ndata: {}\n\n", one_line(said), texts(vec!["x".to_owned()])), 40)
        }
        "log" => {
            let log = |data: Value| json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "logger": said, "data": data}});
            let answer = texts(vec!["x".to_owned()]);
            Answer::events(
                &format!("data: {}\n\ndata: {}\n\ndata: {answer}\n\n", log(said.into()), log(json!(secrets))),
                90,
            )
        }
        "junk" => Answer::new(200, "application/json", format!("{{\"{}", one_line(said))),
        other => panic!("no way `{other}`"),
    }
}

fn result_of(request: &Request, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": request.body["id"], "result": result})
}

/// What a header or a field of an event can hold.
fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}
