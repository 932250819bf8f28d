//! An HTTP server whose every answer a test decides, written by hand so that it can do what no honest one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::support::until;

/// The session that [`well`] begins.
pub(crate) const SESSION: &str = "session-1";

/// What came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The number of the connection that it came on, from 0.
    pub(crate) connection: usize,
    method: String,
    pub(crate) path: String,
    headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Request {
    /// The method of a message, `answer` for the answer to a request of the server's own, or the verb of HTTP.
    pub(crate) fn what(&self) -> &str {
        match (&*self.method, self.body["method"].as_str()) {
            ("POST", Some(method)) => method,
            ("POST", None) => "answer",
            (verb, _) => verb,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// A result for this request.
    pub(crate) fn result(&self, result: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": self.body["id"], "result": result})
    }

    /// A JSON-RPC error for this request.
    pub(crate) fn error(&self, code: i32, message: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": self.body["id"], "error": {"code": code, "message": message}})
    }

    /// What a tool gives that says this.
    pub(crate) fn text(&self, text: &str) -> Value {
        self.result(&json!({"content": [{"type": "text", "text": text}]}))
    }
}

/// What goes back.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

enum Body {
    Whole(Vec<u8>),
    /// In chunks, to a proper end.
    Chunks(BoxStream<'static, Vec<u8>>),
    /// These bytes instead of an answer; then the connection is closed.
    Raw(BoxStream<'static, Vec<u8>>),
}

impl Answer {
    fn new(status: u16, kind: &str, body: Body) -> Answer {
        Answer { status, headers: vec![("content-type".to_owned(), kind.to_owned())], body }
    }

    pub(crate) fn json(body: &Value) -> Answer {
        Answer::new(200, "application/json", Body::Whole(body.to_string().into_bytes()))
    }

    /// JSON as it is written.
    pub(crate) fn json_text(body: &str) -> Answer {
        Answer::new(200, "application/json", Body::Whole(body.into()))
    }

    pub(crate) fn text(status: u16, text: &str) -> Answer {
        Answer::new(status, "text/plain", Body::Whole(text.into()))
    }

    /// No content.
    pub(crate) fn accepted() -> Answer {
        Answer::text(202, "")
    }

    /// A stream of events that ends after these bytes.
    pub(crate) fn events(text: impl Into<Vec<u8>>) -> Answer {
        let text: Vec<u8> = text.into();
        Answer::stream(stream::iter([text]))
    }

    /// A stream of events, in these chunks.
    pub(crate) fn stream(chunks: impl stream::Stream<Item = Vec<u8>> + Send + 'static) -> Answer {
        Answer::new(200, "text/event-stream", Body::Chunks(chunks.boxed()))
    }

    /// JSON in these chunks.
    pub(crate) fn json_chunks(chunks: impl stream::Stream<Item = Vec<u8>> + Send + 'static) -> Answer {
        Answer::new(200, "application/json", Body::Chunks(chunks.boxed()))
    }

    /// A stream of events that stays open after these bytes.
    pub(crate) fn open(text: impl Into<Vec<u8>>) -> Answer {
        let text: Vec<u8> = text.into();
        Answer::stream(
            stream::iter([text]).filter(|text| std::future::ready(!text.is_empty())).chain(stream::pending()),
        )
    }

    /// These bytes and the end of the connection, instead of an answer.
    pub(crate) fn raw(chunks: impl stream::Stream<Item = Vec<u8>> + Send + 'static) -> Answer {
        Answer::new(0, "", Body::Raw(chunks.boxed()))
    }

    /// The end of the connection after these bytes.
    pub(crate) fn cut(bytes: &str) -> Answer {
        let bytes: Vec<u8> = bytes.into();
        Answer::raw(stream::iter([bytes]))
    }

    /// Nothing at all, for ever.
    pub(crate) fn never() -> Answer {
        Answer::raw(stream::pending())
    }

    pub(crate) fn with(mut self, header: &str, value: &str) -> Answer {
        self.headers.push((header.to_owned(), value.to_owned()));
        self
    }

    /// The same with another content type.
    pub(crate) fn kind(mut self, kind: &str) -> Answer {
        self.headers = vec![("content-type".to_owned(), kind.to_owned())];
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Answer {
        self.status = status;
        self
    }
}

/// One event of a stream.
pub(crate) fn event(data: &Value) -> String {
    format!("event: message\ndata: {data}\n\n")
}

/// Bytes one by one, each after a while.
pub(crate) fn drip(bytes: impl Into<Vec<u8>>, each: Duration) -> impl stream::Stream<Item = Vec<u8>> + Send + 'static {
    let bytes: Vec<u8> = bytes.into();
    stream::iter(bytes).then(move |byte| async move {
        tokio::time::sleep(each).await;
        vec![byte]
    })
}

/// What a well-behaved server of version 2025-11-25 with sessions answers.
pub(crate) fn well(request: &Request) -> Answer {
    match request.what() {
        "server/discover" => Answer::text(400, "Bad Request: no session"),
        "initialize" => Answer::json(&request.result(&json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {"listChanged": true}},
            "serverInfo": {"name": "fake", "version": "1"},
        })))
        .with("mcp-session-id", SESSION),
        "tools/list" => Answer::json(&request.result(&json!({"tools": [tool("echo")]}))),
        "tools/call" => Answer::json(&request.text("hello")),
        "GET" => Answer::text(405, ""),
        "DELETE" => Answer::text(200, ""),
        _ => Answer::accepted(),
    }
}

/// What a server of version 2026-07-28 answers, which has neither handshake nor session.
pub(crate) fn modern(request: &Request) -> Answer {
    let complete = |mut result: Value| {
        result["resultType"] = "complete".into();
        Answer::json(&request.result(&result))
    };
    match request.what() {
        "server/discover" => complete(json!({
            "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
        })),
        "tools/list" => complete(json!({"tools": [tool("echo")], "ttlMs": 60_000, "cacheScope": "private"})),
        "tools/call" => complete(json!({"content": [{"type": "text", "text": "hello"}]})),
        _ => Answer::text(405, ""),
    }
}

pub(crate) fn tool(name: &str) -> Value {
    json!({"name": name, "description": "Says it again", "inputSchema": {"type": "object"}})
}

type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

#[derive(Default)]
struct Log {
    seen: Vec<Request>,
    /// What was given up by the client before its answer was whole.
    given_up: Vec<String>,
}

/// A server that runs until it is dropped.
pub(crate) struct Web {
    port: u16,
    scheme: &'static str,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

impl Web {
    pub(crate) async fn start(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Web {
        Web::listen("http", None, Arc::new(handler)).await
    }

    pub(crate) async fn start_tls(
        acceptor: TlsAcceptor,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Web {
        Web::listen("https", Some(acceptor), Arc::new(handler)).await
    }

    async fn listen(scheme: &'static str, tls: Option<TlsAcceptor>, handler: Arc<Handler>) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Mutex::new(Log::default()));
        let shared = Arc::clone(&log);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (log, handler, tls) = (Arc::clone(&shared), Arc::clone(&handler), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, number, &log, &*handler).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, number, &log, &*handler).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Web { port, scheme, log, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        self.at("localhost")
    }

    /// The address under a name of this machine.
    pub(crate) fn at(&self, host: &str) -> String {
        format!("{}://{host}:{}/mcp", self.scheme, self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    pub(crate) fn all(&self, what: &str) -> Vec<Request> {
        self.seen().into_iter().filter(|request| request.what() == what).collect()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.all(what).len()
    }

    /// Waits until something came.
    pub(crate) async fn one(&self, what: &str) -> Request {
        until(&format!("`{what}` to come"), || self.all(what).into_iter().next()).await
    }

    /// Waits until the client gave something up.
    pub(crate) async fn given_up(&self, what: &str) {
        let log = || self.log.lock().unwrap_or_else(PoisonError::into_inner);
        until(&format!("`{what}` to be given up"), || log().given_up.iter().any(|one| one == what).then_some(())).await;
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection, until either side closes it.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    connection: usize,
    log: &Mutex<Log>,
    handler: &Handler,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let request = read(&mut stream, connection).await?;
        log.lock().unwrap_or_else(PoisonError::into_inner).seen.push(request.clone());
        let answer = handler(&request);
        let is_last = matches!(answer.body, Body::Raw(_));
        let (mut reader, mut writer) = tokio::io::split(&mut stream);
        let mut byte = [0];
        let written = tokio::select! {
            biased;
            written = write(&mut writer, answer) => written,
            // No client of ours sends a request before the answer to the last: it closed the connection.
            _ = reader.read(&mut byte) => None,
        };
        if written.is_none() {
            log.lock().unwrap_or_else(PoisonError::into_inner).given_up.push(request.what().to_owned());
        }
        written.filter(|()| !is_last)?;
    }
}

async fn read<R: AsyncRead + Unpin>(stream: &mut BufReader<R>, connection: usize) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines.first()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Some(Request { connection, method, path, headers, body })
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, answer: Answer) -> Option<()> {
    let Answer { status, headers, body } = answer;
    let mut head = format!("HTTP/1.1 {status} Whatever\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match body {
        Body::Whole(body) => {
            head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
            writer.write_all(head.as_bytes()).await.ok()?;
            writer.write_all(&body).await.ok()?;
        }
        Body::Chunks(mut chunks) => {
            head.push_str("transfer-encoding: chunked\r\n\r\n");
            writer.write_all(head.as_bytes()).await.ok()?;
            writer.flush().await.ok()?;
            while let Some(chunk) = chunks.next().await {
                writer.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.ok()?;
                writer.write_all(&chunk).await.ok()?;
                writer.write_all(b"\r\n").await.ok()?;
                writer.flush().await.ok()?;
            }
            writer.write_all(b"0\r\n\r\n").await.ok()?;
        }
        Body::Raw(mut chunks) => {
            while let Some(chunk) = chunks.next().await {
                writer.write_all(&chunk).await.ok()?;
                writer.flush().await.ok()?;
            }
        }
    }
    writer.flush().await.ok()
}
