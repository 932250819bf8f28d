//! Streams as servers send them, well and badly.

use std::time::Duration;

use kneo_core::Usage;
use kneo_core::message::{Arguments, StopReason};
use proptest::prelude::*;

use super::super::support::{ask, at};
use super::server::{
    Act, FakeServer, answer, chunk, chunked_head, done, end, json, piece, raw, said, stream, stream_head, usage,
};
use super::{Told, asked, builder, provider, told};

async fn told_by(acts: Vec<Act>) -> Told {
    asked(&provider(&FakeServer::always(acts).await)).await
}

/// A stream of these bytes, after which the connection ends.
async fn told_by_bytes(bytes: &str) -> Told {
    told_by(vec![stream_head(), raw(bytes), Act::Close]).await
}

#[tokio::test]
async fn text_arrives_piece_by_piece() {
    let told = told_by(stream(&[said("größe "), said("漢字 "), said("👩‍👩‍👧"), end("stop"), usage(9, 4), done()])).await;
    assert_eq!(told.deltas, ["größe ", "漢字 ", "👩‍👩‍👧"]);
    let answer = told.answer.unwrap();
    assert_eq!((answer.stop, answer.usage), (StopReason::End, Usage::new(9, 4)));
}

#[tokio::test]
async fn every_form_of_the_stream_is_understood() {
    let (text, last) = (said("hi"), end("stop"));
    for bytes in [
        format!("data: {text}\n\ndata: {last}\n\ndata: [DONE]\n\n"),
        format!("data:{text}\n\ndata:{last}\n\ndata:[DONE]\n\n"),
        format!("data: {text}\r\n\r\ndata: {last}\r\n\r\ndata: [DONE]\r\n\r\n"),
        format!("data: {text}\r\rdata: {last}\r\rdata: [DONE]\r\r"),
        format!("\u{feff}data: {text}\n\ndata: {last}\n\ndata: [DONE]\n\n"),
        format!(": OPENROUTER PROCESSING\n\ndata: {text}\n\n:\n\ndata: {last}\n: end\n\ndata: [DONE]\n\n"),
        format!("id: 1\nretry: 5\ndata: {text}\n\nevent: message\ndata: {last}\n\ndata: [DONE]\n\n"),
        // One event on several lines.
        format!("data: {}\n\ndata: {last}\n\ndata: [DONE]\n\n", text.replace(r#","choices""#, "\ndata: ,\"choices\"")),
        // Events of a server's own.
        format!(
            "event: ping\ndata: 5\n\nevent: ping\ndata: {{\"type\":\"ping\"}}\n\ndata: {text}\n\ndata: {last}\n\ndata: [DONE]\n\n"
        ),
        format!(
            "data: {{\"choices\":[],\"prompt_filter_results\":[]}}\n\ndata: {text}\n\ndata: {last}\n\ndata: [DONE]\n\n"
        ),
        // Nothing after the model has stopped, or no blank line after the last event.
        format!("data: {text}\n\ndata: {last}\n\n"),
        format!("data: {text}\n\ndata: {last}\n"),
        format!("data: {text}\n\ndata: {last}"),
        format!("data: {text}\n\ndata: {last}\n\ndata: {{\"usage\""),
        format!("data: {text}\n\ndata: {last}\n\ndata: [DONE]\n\ndata: nonsense\n\n"),
    ] {
        assert_eq!(told_by_bytes(&bytes).await.text(), Ok("hi".to_owned()), "{bytes}");
    }
}

#[tokio::test]
async fn a_stream_without_its_last_chunk_counts_once_the_model_has_stopped() {
    let events =
        |last: &str| vec![chunked_head(), chunk(&format!("data: {}\n\ndata: {last}\n\n", said("hi"))), Act::Close];
    assert_eq!(told_by(events(&end("stop"))).await.text(), Ok("hi".to_owned()));
    let told = told_by(events(&said(" there"))).await;
    assert_eq!((told.text(), told.answer.as_ref().unwrap_err().retryable), (Err("provider_stream_cut"), true));
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_none() {
    let call = piece(r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"delete","arguments":"{\"a\":1}"}}]}"#);
    for (bytes, code) in [
        (String::new(), "provider_malformed_answer"),
        ("data: [DONE]\n\n".to_owned(), "provider_malformed_answer"),
        (format!("data: {}\n\n", said("half")), "provider_stream_cut"),
        (format!("data: {}\n\ndata: [DONE]\n\n", said("half")), "provider_stream_cut"),
        // What is cut within an event.
        (format!("data: {}\n\ndata: {{\"choices\":[", said("half")), "provider_stream_cut"),
        // A whole call, whose answer is not.
        (format!("data: {call}\n\n"), "provider_stream_cut"),
        (format!("data: {call}\n\ndata: [DONE]\n\n"), "provider_stream_cut"),
        ("data: {\n\n".to_owned(), "provider_malformed_answer"),
        ("data: 5\n\n".to_owned(), "provider_malformed_answer"),
        ("data: {\"choices\":5}\n\n".to_owned(), "provider_malformed_answer"),
        ("data: {\"choices\":[{\"delta\":{\"content\":5}}]}\n\n".to_owned(), "provider_malformed_answer"),
        ("no events at all".to_owned(), "provider_malformed_answer"),
    ] {
        let told = told_by_bytes(&bytes).await;
        assert_eq!((told.text(), told.answer.as_ref().unwrap_err().retryable), (Err(code), true), "{bytes}");
    }
    let mut cut = format!("data: {}\n\n", said("größe")).into_bytes();
    cut.truncate(cut.iter().position(|byte| *byte == 0xc3).unwrap() + 1);
    let told = told_by(vec![stream_head(), Act::Send(cut), Act::Close]).await;
    assert_eq!(told.text(), Err("provider_malformed_answer"));
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_from_an_answer_that_ends() {
    let half = chunk(&format!("data: {}\n\n", said("half")));
    for act in [Act::Reset, Act::Close] {
        let told = told_by(vec![chunked_head(), half.clone(), act.clone()]).await;
        let error = told.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_stream_cut", true), "{act:?}");
    }
    // A body that is shorter than it says.
    let short = raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"choices\":");
    assert_eq!(told_by(vec![short, Act::Close]).await.text(), Err("provider_stream_cut"));
    for act in [Act::Reset, Act::Close] {
        let error = told_by(vec![act]).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_connection_lost", true));
    }
}

#[tokio::test]
async fn cut_arguments_are_never_executed_nor_repaired() {
    let begins = r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"delete","arguments":"{\"path\": \"/tm"}}]}"#;
    // As routers lie: the arguments are cut, and the reason says that all is well.
    for (reason, stop) in
        [("tool_calls", StopReason::ToolCalls), ("stop", StopReason::ToolCalls), ("length", StopReason::Length)]
    {
        let answer = told_by(stream(&[piece(begins), end(reason), done()])).await.answer.unwrap();
        let call = answer.message.tool_calls().next().unwrap();
        assert_eq!((&*call.name, answer.stop), ("delete", stop));
        assert_eq!(call.arguments, Arguments::Malformed(r#"{"path": "/tm"#.into()));
    }
    // Without a reason there is no answer, and nothing to execute.
    assert_eq!(told_by(stream(&[piece(begins), done()])).await.text(), Err("provider_stream_cut"));
}

#[tokio::test]
async fn an_error_in_place_of_an_answer_is_one() {
    let error = r#"{"error":{"message":"the engine is gone","type":"server_error","code":null}}"#;
    let overloaded = r#"{"error":{"message":"busy","type":"overloaded_error"}}"#;
    for (acts, code) in [
        (vec![json(200, error)], "provider_server_error"),
        (vec![json(200, overloaded)], "provider_overloaded"),
        (vec![json(200, r#"{"object":"error","message":"maximum context length is 5","code":400}"#)], "provider_context_too_long"),
        (vec![json(200, r#"{"error":"busy: rate limit"}"#)], "provider_rate_limited"),
        (vec![json(200, r#"{"choices":[]}"#)], "provider_malformed_answer"),
        (vec![json(200, "{}")], "provider_malformed_answer"),
        (vec![json(200, "[]")], "provider_malformed_answer"),
        (vec![json(200, "")], "provider_malformed_answer"),
        (vec![json(200, "\u{1f389}")], "provider_malformed_answer"),
        (stream(&[error.to_owned()]), "provider_server_error"),
        (stream(&[said("half"), error.to_owned()]), "provider_server_error"),
        (stream(&[said("half"), overloaded.to_owned(), done()]), "provider_overloaded"),
        (stream(&[said("half"), r#"{"error":{"code":502,"message":"upstream"},"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#.to_owned()]), "provider_server_error"),
        (vec![chunked_head(), chunk(&format!("data: {}\n\nevent: error\n", said("half"))), chunk(&format!("data: {overloaded}\n\n")), chunk("")], "provider_overloaded"),
        (vec![chunked_head(), chunk("event: error\ndata: the upstream is at capacity\n\n"), chunk("")], "provider_overloaded"),
        (vec![answer(200, &["content-type: text/html"], "<html>welcome</html>")], "provider_malformed_answer"),
    ] {
        let told = told_by(acts.clone()).await;
        assert_eq!(told.text(), Err(code), "{acts:?}");
    }
    // A page will be a page again.
    let page = told_by(vec![answer(200, &["content-type: text/html; charset=utf-8"], "<html>")]).await;
    assert!(!page.answer.unwrap_err().retryable);
}

#[tokio::test]
async fn what_a_broken_answer_has_cost_is_told() {
    let error = r#"{"error":{"message":"gone"},"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
    let with_usage =
        r#"{"choices":[{"index":0,"delta":{"content":"half"}}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
    for acts in [
        vec![json(200, error)],
        stream(&[error.to_owned()]),
        stream(&[with_usage.to_owned(), r#"{"error":{"message":"gone"}}"#.to_owned()]),
        stream(&[with_usage.to_owned()]),
        vec![chunked_head(), chunk(&format!("data: {with_usage}\n\n")), Act::Reset],
        vec![json(200, r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#)],
    ] {
        let error = told_by(acts.clone()).await.answer.unwrap_err();
        assert_eq!(error.usage, Usage::new(9, 2), "{acts:?}");
    }
}

#[tokio::test]
async fn a_stream_that_does_not_end_is_not_waited_for() {
    let server = FakeServer::always(vec![
        chunked_head(),
        chunk(&format!("data: {}\n\ndata: {}\n\ndata: [DONE]\n\n", said("hi"), end("stop"))),
        Act::Hang,
    ])
    .await;
    let begun = std::time::Instant::now();
    assert_eq!(asked(&provider(&server)).await.text(), Ok("hi".to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    server.has_lost(1).await;
    // Without `[DONE]` the silence that follows the end is no failure.
    let server = FakeServer::always(vec![
        chunked_head(),
        chunk(&format!("data: {}\n\ndata: {}\n\n", said("hi"), end("stop"))),
        Act::Hang,
    ])
    .await;
    let impatient = builder(&server).idle_timeout(Duration::from_millis(200)).build().unwrap();
    assert_eq!(asked(&impatient).await.text(), Ok("hi".to_owned()));
}

/// A whole stream, with line ends of two characters and text of one to four bytes a character.
fn bytes() -> Vec<u8> {
    let events = [said("größe 漢字 "), said("🎉👩‍👩‍👧"), end("stop"), usage(7, 3), done()];
    events.iter().flat_map(|event| format!("data: {event}\r\n\r\n").into_bytes()).collect()
}

/// Splits the stream into packets at these places.
fn packets(cuts: &[usize]) -> Vec<Act> {
    let bytes = bytes();
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % bytes.len()).chain([0, bytes.len()]).collect();
    at.sort_unstable();
    let mut acts = vec![chunked_head()];
    for pair in at.windows(2) {
        let part = &bytes[pair[0]..pair[1]];
        if !part.is_empty() {
            let framed = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
            // A pause makes it a packet of its own.
            acts.extend([Act::Send(framed), Act::Pause]);
        }
    }
    acts.push(chunk(""));
    acts
}

fn same_wherever_it_is_split(cuts: &[usize]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = runtime.block_on(told_by(packets(cuts)));
    assert_eq!(told.text(), Ok("größe 漢字 🎉👩‍👩‍👧".to_owned()), "{cuts:?}");
    assert_eq!(told.answer.unwrap().usage, Usage::new(7, 3));
}

#[test]
fn a_stream_of_single_bytes_is_the_same() {
    same_wherever_it_is_split(&(0..2_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_in_two_packets_is_the_same_wherever_the_cut_is() {
    let server = FakeServer::start(|seen| {
        let cut = seen.json()["messages"][0]["content"].as_str().unwrap().parse().unwrap();
        packets(&[cut])
    })
    .await;
    let provider = provider(&server);
    for cut in 1..bytes().len() {
        let told = told(&provider, &ask("writer", 1, &cut.to_string()), at("3#1/t1", 1)).await;
        assert_eq!(told.text(), Ok("größe 漢字 🎉👩‍👩‍👧".to_owned()), "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn a_stream_is_the_same_wherever_it_is_split(cuts in proptest::collection::vec(0usize..2_000, 1..12)) {
        same_wherever_it_is_split(&cuts);
    }
}
