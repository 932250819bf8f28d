//! Collectors as they are: well, down, slow, failing, talking nonsense.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// How a collector answers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Mood {
    Well,
    /// This status, and so many seconds before another try.
    Status(u16, Option<u32>),
    /// The first so many requests with 503, the others well.
    Recovers(usize),
    /// Takes the connection, and says nothing.
    Silent,
    /// One byte of an answer a second.
    Drips,
    /// What is not HTTP.
    Junk,
    /// HTTP, with a body that is not what was asked for.
    JunkBody,
    /// An answer without end.
    Endless,
    /// Closes every connection at once.
    Closes,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Request line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Default, Debug)]
pub(crate) struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn traces(&self) -> Vec<ExportTraceServiceRequest> {
        let asked = self.all().into_iter().filter(|asked| asked.head.starts_with("post /v1/traces "));
        asked.map(|asked| ExportTraceServiceRequest::decode(&*asked.body).unwrap()).collect()
    }

    pub(crate) fn metrics(&self) -> Vec<ExportMetricsServiceRequest> {
        let asked = self.all().into_iter().filter(|asked| asked.head.starts_with("post /v1/metrics "));
        asked.map(|asked| ExportMetricsServiceRequest::decode(&*asked.body).unwrap()).collect()
    }

    /// The ids of the spans in all requests, in hexadecimal digits.
    pub(crate) fn spans(&self) -> Vec<String> {
        let traces = self.traces().into_iter().flat_map(|request| request.resource_spans);
        let spans = traces.flat_map(|it| it.scope_spans).flat_map(|it| it.spans);
        spans.map(|span| span.span_id.iter().map(|byte| format!("{byte:02x}")).collect()).collect()
    }
}

/// A collector on a thread of its own, which ends with the process.
pub(crate) fn collector(mood: Mood) -> (SocketAddr, Log) {
    serve(move |stream, log| answer(stream, mood, log))
}

/// A server on a thread of its own, for each of whose connections a function is called.
pub(crate) fn serve<Fut>(
    handle: impl Fn(tokio::net::TcpStream, Log) -> Fut + Clone + Send + 'static,
) -> (SocketAddr, Log)
where
    Fut: Future<Output = io::Result<()>> + Send + 'static,
{
    let log = Log::default();
    let logs = log.clone();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(handle(stream, logs.clone()));
            }
        });
    });
    (told.recv().unwrap(), log)
}

pub(crate) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, mood: Mood, log: Log) -> io::Result<()> {
    if mood == Mood::Closes {
        return Ok(());
    }
    let mut read = Vec::new();
    loop {
        let Some(asked) = request(&mut stream, &mut read).await? else { return Ok(()) };
        let number = {
            let mut log = log.0.lock().unwrap();
            log.push(asked);
            log.len()
        };
        let status = match mood {
            Mood::Well => (200, None),
            Mood::Status(status, retry_after) => (status, retry_after),
            Mood::Recovers(failures) => (if number <= failures { 503 } else { 200 }, None),
            Mood::Silent => std::future::pending().await,
            Mood::Junk => {
                stream.write_all(b"\x16\x03\x01 hello, is it me you are looking for?\r\n\r\n").await?;
                continue;
            }
            Mood::JunkBody => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\xff\xff\xff<html").await?;
                continue;
            }
            Mood::Drips => {
                for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".iter().chain(&[b'x'; 1_000]) {
                    stream.write_all(&[*byte]).await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                continue;
            }
            Mood::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
                loop {
                    stream.write_all(b"1000\r\n").await?;
                    stream.write_all(&[b'x'; 0x1000]).await?;
                    stream.write_all(b"\r\n").await?;
                }
            }
            Mood::Closes => return Ok(()),
        };
        let retry_after = status.1.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
        let head = format!("HTTP/1.1 {} Said\r\n{retry_after}Content-Length: 0\r\n\r\n", status.0);
        stream.write_all(head.as_bytes()).await?;
    }
}

/// Reads a request; `None` once nobody asks any more.
async fn request<S: AsyncRead + Unpin>(stream: &mut S, read: &mut Vec<u8>) -> io::Result<Option<Asked>> {
    let end = loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    while read.len() < end + length {
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
    let body = read[end..end + length].to_vec();
    read.drain(..end + length);
    Ok(Some(Asked { head, body }))
}
