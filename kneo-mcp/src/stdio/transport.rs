//! Messages of the protocol as lines of JSON on the pipes of a process.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ClientRequest, ErrorCode, ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::Process;
use super::lines::{Lines, Next};
use super::link::{Ending, Link};
use crate::allowance::Allowance;

/// How long output is read after the server is gone: a process that left its group may hold the pipe.
const DRAIN: Duration = Duration::from_millis(200);

/// The client's end of a server's pipes.
pub(crate) struct StdioTransport {
    lines: Lines<ChildStdout>,
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    process: Option<Process>,
    link: Arc<Link>,
    cap: usize,
    asks: Allowance,
    /// Whether the last message was not an answer.
    unasked: bool,
    /// The question which versions the server knows, once the older one was asked in its place: an answer to it comes too
    /// late to mean anything.
    asked: Asked,
    /// Set when the server is gone: until when what it wrote is still read.
    until: Option<(Instant, Ending)>,
}

impl StdioTransport {
    pub(crate) fn new(
        (process, stdin, stdout): (Process, ChildStdin, ChildStdout),
        link: Arc<Link>,
        cap: usize,
    ) -> StdioTransport {
        let stdin = Arc::new(Mutex::new(Some(stdin)));
        StdioTransport {
            lines: Lines::new(stdout, cap),
            stdin,
            process: Some(process),
            link,
            cap,
            asks: Allowance::of_requests(),
            unasked: false,
            asked: Asked::default(),
            until: None,
        }
    }

    /// Waits until the server is gone and there was time to read what it left.
    async fn over(process: Option<&mut Process>, until: &mut Option<(Instant, Ending)>) -> Ending {
        if until.is_none() {
            let status = match process {
                Some(process) => process.exited().await,
                None => None,
            };
            *until = Some((Instant::now() + DRAIN, status.map_or(Ending::Closed, Ending::Exited)));
        }
        let (at, ending) = until.unwrap_or((Instant::now(), Ending::Closed));
        sleep_until(at).await;
        ending
    }

    /// Ends the connection with a server that closed a pipe. Most often it has ended, and how is worth a moment.
    async fn end_soon(&mut self, closed: Ending) {
        let over = StdioTransport::over(self.process.as_mut(), &mut self.until);
        let ending = tokio::time::timeout(DRAIN * 2, over).await;
        self.link.end(ending.unwrap_or(closed));
    }
}

impl Transport<RoleClient> for StdioTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let (stdin, link) = (Arc::clone(&self.stdin), Arc::clone(&self.link));
        self.asked.goes_on(&item);
        async move {
            let mut line = serde_json::to_vec(&item)?;
            line.push(b'\n');
            let mut stdin = stdin.lock().await;
            let Some(pipe) = stdin.as_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
            let _writing = link.writing();
            let written = async {
                pipe.write_all(&line).await?;
                pipe.flush().await
            };
            if written.await.is_err() {
                // Whoever reads finds out how the server ended, and what it said last.
                link.deaf().cancel();
            }
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            if std::mem::take(&mut self.unasked) {
                // Each message that was not asked for is handled by a task of its own, which gets its turn here, however
                // many more are there already.
                tokio::task::yield_now().await;
            }
            let next = tokio::select! {
                biased;
                next = self.lines.next() => next,
                ending = StdioTransport::over(self.process.as_mut(), &mut self.until) => {
                    self.link.end(ending);
                    return None;
                }
                () = self.link.deaf().cancelled() => {
                    self.end_soon(Ending::Deaf).await;
                    return None;
                }
            };
            match next {
                Next::Line(line) => match read(&line, &self.link) {
                    Some(JsonRpcMessage::Request(_)) if !self.asks.take() => self.link.end(Ending::Flooded),
                    Some(message) if self.asked.is_late(&message) => continue,
                    Some(message) => {
                        self.unasked = matches!(message, JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_));
                        return Some(message);
                    }
                    None => continue,
                },
                Next::TooLong => self.link.end(Ending::TooLong { cap: self.cap }),
                Next::End => self.end_soon(Ending::Closed).await,
            }
            return None;
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.link.end(Ending::Closed);
        // A writer that waits for the server to read has the pipe; the server's end then closes it.
        if let Ok(mut stdin) = self.stdin.try_lock() {
            drop(stdin.take());
        }
        if let Some(process) = self.process.take() {
            process.end(self.lines.discard()).await;
        }
        Ok(())
    }
}

/// What was asked first.
#[derive(Debug, Default)]
struct Asked {
    versions: Option<RequestId>,
    older: bool,
}

impl Asked {
    fn goes_on(&mut self, message: &TxJsonRpcMessage<RoleClient>) {
        let JsonRpcMessage::Request(request) = message else { return };
        match request.request {
            ClientRequest::DiscoverRequest(_) => self.versions = Some(request.id.clone()),
            ClientRequest::InitializeRequest(_) => self.older = true,
            _ => {}
        }
    }

    /// Whether a message answers a question in whose place another was asked.
    fn is_late(&self, message: &ServerJsonRpcMessage) -> bool {
        let id = match message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        self.older && id.is_some() && id == self.versions.as_ref()
    }
}

/// Reads a line as a message; one that is none is counted and skipped.
fn read(line: &[u8], link: &Link) -> Option<ServerJsonRpcMessage> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let text = std::str::from_utf8(line).ok().map(|text| link.redactor.json(text));
    let text = text.as_deref().map(str::trim).unwrap_or_default();
    if text.is_empty() && line.trim_ascii().is_empty() {
        return None;
    }
    match serde_json::from_str(text) {
        Ok(message) => Some(message),
        Err(_) => {
            link.skip(line.len());
            broken_answer(text)
        }
    }
}

/// An answer that is no JSON-RPC is an error of the request that it belongs to, which would wait for its time otherwise.
fn broken_answer(text: &str) -> Option<ServerJsonRpcMessage> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let fields = value.as_object()?;
    let is_answer = !fields.contains_key("method") && (fields.contains_key("result") || fields.contains_key("error"));
    let id = fields.get("id").filter(|_| is_answer)?;
    let id = match (id.as_i64(), id.as_str()) {
        (Some(number), _) => RequestId::Number(number),
        (None, Some(text)) => RequestId::String(text.into()),
        (None, None) => return None,
    };
    let error = ErrorData::new(ErrorCode::PARSE_ERROR, "the answer is no JSON-RPC 2.0", None);
    Some(JsonRpcMessage::error(error, Some(id)))
}
