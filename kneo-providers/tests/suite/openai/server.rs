//! A server that does what a test says, byte by byte.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One thing that the server does with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends the same bytes again and again, so long after each.
    Repeat(Vec<u8>, Duration),
    /// Lets the client read what was sent.
    Pause,
    /// Does nothing for a while.
    Wait(Duration),
    /// Sends nothing more, and waits until the client has closed the connection.
    Hang,
    /// Closes the connection.
    Close,
    /// Closes the connection as a machine does that has failed.
    Reset,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The method and the path.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// On which connection, from 0.
    pub(crate) connection: usize,
    /// When.
    pub(crate) at: Instant,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(seen, _)| seen == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Script = dyn Fn(&Seen) -> Vec<Act> + Send + Sync;

/// Listens on a port of its own until it is dropped.
#[derive(Debug)]
pub(crate) struct FakeServer {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrived: watch::Receiver<usize>,
    closed: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeServer {
    /// Answers every request with what the script says of it.
    pub(crate) async fn start(script: impl Fn(&Seen) -> Vec<Act> + Send + Sync + 'static) -> FakeServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (arrived, on_arrived) = watch::channel(0);
        let (closed, on_closed) = watch::channel(0);
        let connections = Connections { script: Arc::new(script), seen: Arc::clone(&seen), arrived, closed };
        let connections = Arc::new(connections);
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                stream.set_nodelay(true).unwrap();
                let connections = Arc::clone(&connections);
                tasks.spawn(async move { connections.serve(stream, connection).await });
            }
        });
        FakeServer { port, seen, arrived: on_arrived, closed: on_closed, task }
    }

    /// Answers every request with the same.
    pub(crate) async fn always(acts: Vec<Act>) -> FakeServer {
        FakeServer::start(move |_| acts.clone()).await
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Tells how many requests have arrived, also once the server is gone.
    pub(crate) fn counter(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let arrived = self.arrived.clone();
        move || *arrived.borrow()
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn has_seen(&self, requests: usize) {
        self.arrived.clone().wait_for(|arrived| *arrived >= requests).await.unwrap();
    }

    /// Waits until the client has closed so many connections.
    pub(crate) async fn has_lost(&self, connections: usize) {
        self.closed.clone().wait_for(|closed| *closed >= connections).await.unwrap();
    }
}

struct Connections {
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrived: watch::Sender<usize>,
    closed: watch::Sender<usize>,
}

impl Connections {
    async fn serve(&self, mut stream: TcpStream, connection: usize) {
        while let Some(request) = read(&mut stream, connection).await {
            let acts = (self.script)(&request);
            self.seen.lock().unwrap().push(request);
            self.arrived.send_modify(|arrived| *arrived += 1);
            for act in acts {
                match act {
                    Act::Send(bytes) => {
                        if stream.write_all(&bytes).await.is_err() {
                            break;
                        }
                    }
                    Act::Repeat(bytes, pause) => {
                        while stream.write_all(&bytes).await.is_ok() {
                            if !pause.is_zero() {
                                tokio::time::sleep(pause).await;
                            }
                        }
                        break;
                    }
                    Act::Pause => {
                        for _ in 0..3 {
                            tokio::task::yield_now().await;
                        }
                    }
                    Act::Wait(pause) => tokio::time::sleep(pause).await,
                    Act::Hang => {
                        let mut rest = Vec::new();
                        let _ = stream.read_to_end(&mut rest).await;
                        break;
                    }
                    Act::Close => return,
                    Act::Reset => {
                        stream.set_zero_linger().unwrap();
                        return;
                    }
                }
            }
        }
        self.closed.send_modify(|closed| *closed += 1);
    }
}

/// Reads one request whose body has a length; `None` once the client has closed the connection.
async fn read(stream: &mut TcpStream, connection: usize) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head..].to_vec()).unwrap();
    Some(Seen { line, headers, body, connection, at: Instant::now() })
}

/// A whole answer with a status, some header lines, and a body.
pub(crate) fn answer(status: u16, headers: &[&str], body: &str) -> Act {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    Act::Send(format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// A whole answer of JSON.
pub(crate) fn json(status: u16, body: &str) -> Act {
    answer(status, &["content-type: application/json"], body)
}

/// The head of a stream of events, which ends with the connection.
pub(crate) fn stream_head() -> Act {
    Act::Send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_vec())
}

/// The head of a stream of events in chunks.
pub(crate) fn chunked_head() -> Act {
    Act::Send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec(),
    )
}

/// A chunk; an empty one ends the stream.
pub(crate) fn chunk(text: &str) -> Act {
    Act::Send(format!("{:x}\r\n{text}\r\n", text.len()).into_bytes())
}

/// Text sent as it is.
pub(crate) fn raw(text: &str) -> Act {
    Act::Send(text.as_bytes().to_vec())
}

/// A whole stream of events in chunks, one event each.
pub(crate) fn stream(events: &[String]) -> Vec<Act> {
    let events = events.iter().map(|event| chunk(&format!("data: {event}\n\n")));
    [chunked_head()].into_iter().chain(events).chain([chunk("")]).collect()
}

/// An event with a piece of an answer.
pub(crate) fn piece(delta: &str) -> String {
    format!(
        r#"{{"id":"x","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
    )
}

/// An event with a piece of text.
pub(crate) fn said(text: &str) -> String {
    piece(&format!(r#"{{"content":{}}}"#, serde_json::to_string(text).unwrap()))
}

/// The event that ends an answer.
pub(crate) fn end(reason: &str) -> String {
    format!(
        r#"{{"object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}],"usage":null}}"#
    )
}

/// The event that tells what an answer has cost.
pub(crate) fn usage(input: u64, output: u64) -> String {
    format!(
        r#"{{"object":"chat.completion.chunk","choices":[],"usage":{{"prompt_tokens":{input},"completion_tokens":{output}}}}}"#
    )
}

/// The last event.
pub(crate) fn done() -> String {
    "[DONE]".to_owned()
}

/// A whole stream that says a text.
pub(crate) fn saying(text: &str) -> Vec<Act> {
    stream(&[piece(r#"{"role":"assistant","content":""}"#), said(text), end("stop"), usage(7, 3), done()])
}
