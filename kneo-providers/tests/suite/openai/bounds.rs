//! What a server may not do for ever.

use std::time::{Duration, Instant};

use kneo_providers::openai::Answers;

use super::server::{Act, FakeServer, chunk, chunked_head, end, json, raw, said, saying, stream};
use super::{Told, asked, builder, provider};

const SHORT: Duration = Duration::from_millis(300);

/// Asks, and says how long it took.
async fn timed(provider: &kneo_providers::openai::OpenAiProvider) -> (Told, Duration) {
    let begun = Instant::now();
    let told = asked(provider).await;
    (told, begun.elapsed())
}

#[tokio::test]
async fn the_whole_exchange_has_a_deadline_though_bytes_keep_coming() {
    let drip = |bytes: &str| Act::Repeat(bytes.as_bytes().to_vec(), Duration::from_millis(20));
    for acts in [
        // One byte at a time: of the head, of an event, of comments, of a body, of an error's explanation.
        vec![raw("HTTP/1.1 200 OK\r\nx: "), drip("y")],
        vec![chunked_head(), raw("ffffff\r\ndata: "), drip("y")],
        vec![chunked_head(), drip("3\r\n:\n\n\r\n")],
        vec![raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n"), drip(" ")],
        vec![raw("HTTP/1.1 500 X\r\ncontent-length: 9999\r\n\r\n"), drip("y")],
    ] {
        let server = FakeServer::always(acts).await;
        let provider = builder(&server).deadline(SHORT).idle_timeout(Duration::from_secs(60)).build().unwrap();
        let (told, took) = timed(&provider).await;
        assert_eq!((told.text(), told.answer.as_ref().unwrap_err().retryable), (Err("provider_timeout"), true));
        assert!(took >= SHORT && took < SHORT * 10, "{took:?}");
        server.has_lost(1).await;
    }
}

#[tokio::test]
async fn silence_has_an_end() {
    for acts in [
        vec![Act::Hang],
        vec![raw("HTTP/1.1 200 OK\r\nx: "), Act::Hang],
        vec![chunked_head(), Act::Hang],
        vec![chunked_head(), chunk(&format!("data: {}\n\n", said("half"))), Act::Hang],
    ] {
        let server = FakeServer::always(acts).await;
        let (told, took) = timed(&builder(&server).idle_timeout(SHORT).build().unwrap()).await;
        assert_eq!((told.text(), told.answer.as_ref().unwrap_err().retryable), (Err("provider_stalled"), true));
        assert!(took >= SHORT && took < SHORT * 10, "{took:?}");
        server.has_lost(1).await;
    }
}

#[tokio::test]
async fn a_model_that_answers_at_once_may_think_first() {
    let body = r#"{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
    let slow = || vec![Act::Wait(SHORT * 2), json(200, body)];
    let server = FakeServer::always(slow()).await;
    let provider = |answers| builder(&server).idle_timeout(SHORT).answers(answers).build().unwrap();
    assert_eq!(asked(&provider(Answers::Plain)).await.text(), Ok("hi".to_owned()));
    assert_eq!(asked(&provider(Answers::Streamed)).await.text(), Err("provider_stalled"));
    // Once it has begun, it has to go on.
    let cut = raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{");
    let server = FakeServer::always(vec![cut, Act::Hang]).await;
    let provider = builder(&server).idle_timeout(SHORT).answers(Answers::Plain).build().unwrap();
    assert_eq!(asked(&provider).await.text(), Err("provider_stalled"));
}

#[tokio::test]
async fn a_server_that_takes_no_connection_is_not_waited_for() {
    // A backlog that is full: the kernel answers no further connection.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(connection)) = tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address)).await {
        waiting.push(connection);
    }
    let provider = kneo_providers::openai::OpenAiProvider::builder()
        .base_url(format!("http://{address}/v1"))
        .default_model("m")
        .connect_timeout(SHORT)
        .build()
        .unwrap();
    let (told, took) = timed(&provider).await;
    let error = told.answer.unwrap_err();
    assert_eq!((&*error.code, error.retryable), ("provider_unreachable", true), "{error}");
    assert!(error.message.contains("within 300ms"), "{error}");
    assert!(took >= SHORT && took < SHORT * 10, "{took:?}");
}

#[tokio::test]
async fn an_answer_has_so_many_bytes_at_most() {
    let text = said(&"x".repeat(1_000));
    for acts in [
        vec![
            chunked_head(),
            Act::Repeat(format!("{:x}\r\ndata: {text}\n\n\r\n", text.len() + 8).into_bytes(), Duration::ZERO),
        ],
        vec![chunked_head(), Act::Repeat(b"4\r\n: x\n\r\n".repeat(1_000), Duration::ZERO)],
        vec![
            raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"),
            Act::Repeat(vec![b' '; 4_096], Duration::ZERO),
        ],
        vec![json(200, &" ".repeat(200_000))],
    ] {
        let server = FakeServer::always(acts).await;
        let told = asked(&builder(&server).max_answer_bytes(100_000).build().unwrap()).await;
        let error = told.answer.as_ref().unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_answer_too_large", false));
        assert!(error.message.contains("100000 bytes"), "{error}");
        server.has_lost(1).await;
    }
    let exact = saying(&"x".repeat(50_000));
    let server = FakeServer::always(exact).await;
    assert!(asked(&builder(&server).max_answer_bytes(100_000).build().unwrap()).await.answer.is_ok());
}

/// An answer without an end, 200 MB and more: the default bound ends it, and it is not kept in memory on the way.
#[tokio::test]
async fn a_giant_answer_ends_at_the_default_bound() {
    let filler = format!("{:x}\r\n: {}\n\n\r\n", 65_536 + 4, "x".repeat(65_536)).into_bytes();
    let server = FakeServer::always(vec![chunked_head(), Act::Repeat(filler, Duration::ZERO)]).await;
    let before = peak_memory();
    assert_eq!(asked(&provider(&server)).await.text(), Err("provider_answer_too_large"));
    server.has_lost(1).await;
    // Only a process that runs nothing else can tell.
    if std::env::var_os(ALONE).is_some() {
        let grown = peak_memory() - before;
        assert!(grown < 16 << 10, "{grown} KiB");
    }
}

const ALONE: &str = "KNEO_TEST_RUNS_ALONE";

/// The most memory that this process has had so far, in KiB; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

#[test]
fn a_giant_answer_is_not_kept_in_memory() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["suite::openai::bounds::a_giant_answer_ends_at_the_default_bound", "--exact"]).env(ALONE, "1");
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn an_event_has_so_many_bytes_at_most() {
    for acts in [
        stream(&[said(&"x".repeat(10_000)), end("stop")]),
        vec![chunked_head(), chunk("data: "), Act::Repeat(b"4\r\nxxxx\r\n".repeat(100), Duration::ZERO)],
        vec![chunked_head(), Act::Repeat(b"8\r\ndata: x\n\r\n".repeat(100), Duration::ZERO)],
    ] {
        let server = FakeServer::always(acts).await;
        let error = asked(&builder(&server).max_event_bytes(10_000).build().unwrap()).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_answer_too_large", false));
        assert!(error.message.contains("10000 bytes"), "{error}");
        server.has_lost(1).await;
    }
}

#[tokio::test]
async fn headers_have_so_many_bytes_at_most() {
    let head = |lines: usize, length: usize| {
        let lines: String = (0..lines).map(|at| format!("x-{at}: {}\r\n", "y".repeat(length))).collect();
        raw(&format!("HTTP/1.1 200 OK\r\n{lines}content-type: text/event-stream\r\nconnection: close\r\n\r\n"))
    };
    let events = raw(&format!("data: {}\n\ndata: {}\n\n", said("hi"), end("stop")));
    for (acts, code) in [
        (vec![head(10, 1_000), events.clone(), Act::Close], None),
        // More than the host allows.
        (vec![head(50, 2_000), events.clone(), Act::Close], Some("provider_header_too_large")),
        // More than the HTTP library takes: lines, or bytes.
        (vec![head(5_000, 10), events.clone(), Act::Close], Some("provider_header_too_large")),
        (vec![head(1, 2_000_000), events.clone(), Act::Close], Some("provider_header_too_large")),
        // Lines without an end.
        (
            vec![raw("HTTP/1.1 200 OK\r\n"), Act::Repeat(b"x-a: y\r\n".to_vec(), Duration::ZERO)],
            Some("provider_header_too_large"),
        ),
    ] {
        let server = FakeServer::always(acts).await;
        let told = asked(&provider(&server)).await;
        assert_eq!(
            told.answer.as_ref().err().map(|error| (&*error.code, error.retryable)),
            code.map(|code| (code, false))
        );
    }
    let server = FakeServer::always(vec![head(10, 1_000), events, Act::Close]).await;
    let strict = builder(&server).max_header_bytes(5_000).build().unwrap();
    assert_eq!(asked(&strict).await.text(), Err("provider_header_too_large"));
}
