//! A server of models that repeats the key that it is sent: whole and in pieces, in answers and in errors.

use serde_json::{Value, json};

use super::table::value;
use super::web::{Answer, Request, Web};

/// Every way in which it answers, which is the name of a model, and so many bytes at a time.
pub(crate) const WAYS: [&str; 20] = [
    "text",
    "text_plain",
    "call",
    "call_plain",
    "call_names",
    "refusal",
    "401",
    "403_text",
    "400_escaped",
    "404_words",
    "429_header",
    "500_page",
    "503_percent",
    "307_location",
    "request_id",
    "event_error",
    "event_junk",
    "kind",
    "cut",
    "finish_reason",
];

pub(crate) async fn start() -> Web {
    Web::start(None, |request| {
        let key = request.header("authorization").strip_prefix("Bearer ").unwrap_or_default().to_owned();
        let way = request.body["model"].as_str().unwrap_or_default().to_owned();
        let has_result =
            request.body["messages"].as_array().is_some_and(|all| all.iter().any(|one| one["role"] == "tool"));
        answer(request, &way, &key, has_result)
    })
    .await
}

fn answer(request: &Request, way: &str, key: &str, has_result: bool) -> Answer {
    let said = format!("{} and {key}{key}, {key}.", value("answer"));
    let error = |message: &str| json!({"error": {"message": message, "type": "error", "code": key, "param": key}});
    match way {
        // Whether the key is good and the model there, as is asked before a run.
        "" => Answer::json(401, &error(&format!("{key} is none of ours"))),
        "text" => stream(&[json!({"content": said})]),
        // As a model does it: a token at a time.
        "text_plain" => Answer::json(200, &whole(&json!({"role": "assistant", "content": said}), "stop")),
        "call" | "call_plain" | "call_names" if has_result => stream(&[json!({"content": "done"})]),
        "call" => {
            let arguments = json!({"text": said, key: [key]}).to_string();
            let pieces = arguments.as_bytes().chunks(3).map(|piece| {
                let piece = String::from_utf8_lossy(piece);
                json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            });
            let head =
                json!({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "note", "arguments": ""}}]});
            stream(&std::iter::once(head).chain(pieces).collect::<Vec<_>>())
        }
        "call_plain" => {
            let arguments = json!({"text": said}).to_string();
            let call = json!({"id": key, "type": "function", "function": {"name": "note", "arguments": arguments}});
            Answer::json(200, &whole(&json!({"role": "assistant", "tool_calls": [call]}), "tool_calls"))
        }
        "call_names" => {
            let call = json!({"id": "call_1", "type": "function", "function": {"name": key, "arguments": key}});
            Answer::json(200, &whole(&json!({"role": "assistant", "content": key, "tool_calls": [call]}), "tool_calls"))
        }
        "refusal" => stream(&[json!({"refusal": said})]),
        "401" => Answer::json(401, &error(&format!("Incorrect API key provided: {key}. See your account.")))
            .with("www-authenticate", &format!("Bearer realm=\"{key}\"")),
        "403_text" => Answer::new(403, "text/plain", format!("{key} is not welcome")),
        "400_escaped" => {
            let within = json!({"upstream": json!({"authorization": format!("Bearer {key}")}).to_string()});
            Answer::json(400, &error(&within.to_string()))
        }
        "404_words" => Answer::json(404, &json!({"detail": [{"msg": key, "input": request.body}]})),
        "429_header" => Answer::json(429, &error("slow down")).with("retry-after", key).with("x-request-id", key),
        "500_page" => Answer::new(500, "text/html", format!("<html>{key}</html>")),
        "503_percent" => Answer::new(503, "text/plain", format!("https://in.example/?key={}", percent(key))),
        "307_location" => Answer::new(307, "text/plain", key)
            .with("location", &format!("http://{}.example/{}?k={}", "elsewhere", percent(key), percent(key))),
        "request_id" => Answer::json(400, &error("no")).with("x-request-id", key).with("x-should-retry", key),
        "event_error" => Answer::events(&format!("event: error\ndata: {}\n\n", error(key)), 5),
        "event_junk" => Answer::events(&format!("event: {key}\nid: {key}\ndata: {{\"{}\n\n", key), 7),
        "kind" => Answer::new(200, &format!("text/{}", percent(key)), format!("no JSON: {key}")),
        "cut" => Answer::events(&format!("data: {}\n\n", chunk(&json!({"content": said}), &Value::Null)), 9),
        "finish_reason" => Answer::json(200, &whole(&json!({"role": "assistant", "content": "x"}), key)),
        other => panic!("no way `{other}`"),
    }
}

fn whole(message: &Value, finish: &str) -> Value {
    json!({"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
}

fn chunk(delta: &Value, finish: &Value) -> Value {
    json!({"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

/// A stream, in which a text is split into pieces of three characters, each an event, and the bytes are sent seven by
/// seven.
fn stream(deltas: &[Value]) -> Answer {
    let mut text = String::new();
    for delta in deltas {
        let long =
            delta.as_object().and_then(|fields| fields.iter().find_map(|(name, text)| Some((name, text.as_str()?))));
        match long {
            Some((name, long)) => {
                for piece in long.chars().collect::<Vec<_>>().chunks(3) {
                    let piece = json!({name: piece.iter().collect::<String>()});
                    text.push_str(&format!("data: {}\n\n", chunk(&piece, &Value::Null)));
                }
            }
            None => text.push_str(&format!("data: {}\n\n", chunk(delta, &Value::Null))),
        }
    }
    text.push_str(&format!("data: {}\n\ndata: [DONE]\n\n", chunk(&json!({}), &"stop".into())));
    Answer::events(&text, 700)
}

/// A text with everything but letters and digits escaped as addresses have it.
pub(crate) fn percent(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

/// The same with the digits of escapes in lower case, and what forms make of spaces.
pub(crate) fn lower_percent(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02x}"),
    };
    text.bytes().map(escaped).collect()
}
