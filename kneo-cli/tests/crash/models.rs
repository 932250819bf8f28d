//! A model server, which says outside the store what it is asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::process::rest;

/// The tokens of every turn.
pub(crate) const INPUT_TOKENS: u64 = 7;
pub(crate) const OUTPUT_TOKENS: u64 = 4;

/// How long it thinks before it answers, and again in the middle of its answer.
const THINKS: Duration = Duration::from_millis(15);

/// A model that looks three times, the second time at two things at once, and then says what it saw last.
pub(crate) struct Models {
    /// Where it is, as `base_url`.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Models {
    pub(crate) fn start() -> Models {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, log) = (stream.unwrap(), Arc::clone(&log));
                // Whoever was killed hears no answer.
                std::thread::spawn(move || drop(serve(&stream, &log)));
            }
        });
        Models { address, asked }
    }

    /// The `traceparent` of every request, in the order of their arrival.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut parent, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("traceparent") => value.clone_into(&mut parent),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    log.lock().unwrap().push(parent);
    rest(THINKS);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes())?;
    let pieces = answer(&serde_json::from_slice(&body).unwrap());
    let middle = pieces.len() / 2;
    for (at, piece) in pieces.into_iter().enumerate() {
        if at == middle {
            rest(THINKS);
        }
        stream.write_all(format!("data: {piece}\n\n").as_bytes())?;
    }
    stream.write_all(b"data: [DONE]\n\n")
}

/// The turn that follows a conversation, in pieces.
fn answer(asked: &Json) -> Vec<Json> {
    let messages = asked["messages"].as_array().unwrap();
    let said = |role: &str| messages.iter().filter(|message| message["role"] == role).collect::<Vec<_>>();
    let seen: Vec<&str> = said("tool").iter().map(|message| message["content"].as_str().unwrap()).collect();
    let first = said("user")[0]["content"].as_str().unwrap();
    let deltas: Vec<Json> = match (said("assistant").len(), seen.as_slice()) {
        (0, []) => look(0, first),
        (1, [one]) => [look(0, &format!("{one}l")), look(1, &format!("{one}r"))].concat(),
        (2, [_, left, right]) => look(0, &format!("{left}{right}")),
        (3, [_, _, _, last]) => last.chars().map(|letter| json!({"content": letter})).collect(),
        (turns, seen) => panic!("after {turns} turns it has seen {seen:?}"),
    };
    let reason = if seen.len() == 4 { "stop" } else { "tool_calls" };
    let chunk = |delta: Json, reason: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        json!({"id": "1", "object": "chat.completion.chunk", "model": "small", "choices": [choice]})
    };
    let mut chunks: Vec<Json> = deltas.into_iter().map(|delta| chunk(delta, None)).collect();
    chunks.push(chunk(json!({}), Some(reason)));
    let usage = json!({
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    });
    chunks.push(json!({"id": "1", "object": "chat.completion.chunk", "model": "small", "choices": [], "usage": usage}));
    chunks
}

/// A call of the tool, its arguments in two pieces.
fn look(index: usize, at: &str) -> Vec<Json> {
    let piece = |call: Json| json!({"tool_calls": [call]});
    let named = json!({"name": "look", "arguments": "{\"at\":"});
    vec![
        piece(json!({"index": index, "id": format!("call_{index}"), "type": "function", "function": named})),
        piece(json!({"index": index, "function": {"arguments": format!("\"{at}\"}}")}})),
    ]
}
