use proptest::prelude::*;

use super::{SseError, SseEvent, SseParser};

fn read(pieces: &[&[u8]]) -> Result<Vec<SseEvent>, SseError> {
    let mut parser = SseParser::new(1 << 20);
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(parser.push(piece)?);
    }
    events.extend(parser.finish()?);
    Ok(events)
}

fn event(name: &str, data: &str) -> SseEvent {
    SseEvent { name: name.to_owned(), data: data.to_owned() }
}

#[test]
fn every_form_of_a_stream_is_read() {
    let one = || vec![event("", "a")];
    for (stream, events) in [
        ("", vec![]),
        ("data: a\n\n", one()),
        ("data:a\n\n", one()),
        ("data:  a\n\n", vec![event("", " a")]),
        ("data: a\r\n\r\n", one()),
        ("data: a\r\r", one()),
        ("data: a\r\n\n", one()),
        ("data: a\n\r\n", one()),
        ("\u{feff}data: a\n\n", one()),
        ("data: a", one()),
        ("data: a\n", one()),
        ("\n\n\ndata: a\n\n\n\n", one()),
        (": keep-alive\n\n:\n\ndata: a\n: in between\n\n", one()),
        ("id: 7\nretry: 10\nretry: x\nunknown: y\nnothing\ndata: a\n\n", one()),
        ("data\n\n", vec![event("", "")]),
        ("data:\ndata:\n\n", vec![event("", "\n")]),
        ("data: a\ndata: b\r\ndata:c\rdata: \n\n", vec![event("", "a\nb\nc\n")]),
        ("event: error\ndata: a\n\ndata: b\n\n", vec![event("error", "a"), event("", "b")]),
        ("event: lonely\n\ndata: a\n\n", one()),
        ("event: x\nevent: y\ndata: a\n\n", vec![event("y", "a")]),
        ("data: größe 漢字 🎉👩‍👩‍👧\n\n", vec![event("", "größe 漢字 🎉👩‍👩‍👧")]),
        ("data: a: b\n\n", vec![event("", "a: b")]),
    ] {
        assert_eq!(read(&[stream.as_bytes()]), Ok(events), "{stream:?}");
    }
}

#[test]
fn a_mark_stands_only_at_the_beginning() {
    assert_eq!(read(&["data: a\n\n\u{feff}data: b\n\n".as_bytes()]), Ok(vec![event("", "a")]));
}

#[test]
fn what_is_not_utf8_is_an_error() {
    assert_eq!(read(&[b"data: \xff\n\n"]), Err(SseError::NotUtf8));
    assert_eq!(read(&[b"data: \xe6\xbc"]), Err(SseError::NotUtf8));
}

#[test]
fn an_event_has_a_bound_however_it_grows() {
    let bound = |stream: &str| {
        let mut parser = SseParser::new(16);
        stream.bytes().try_for_each(|byte| parser.push(&[byte]).map(drop))
    };
    assert_eq!(bound("data: 0123456789\n\ndata: 0123456789\n\n"), Ok(()));
    assert_eq!(bound("data: 0123456789a"), Err(SseError::TooLarge));
    assert_eq!(bound(": 0123456789abcde"), Err(SseError::TooLarge));
    assert_eq!(bound("data: 0123\ndata: 4567\ndata: 89"), Err(SseError::TooLarge));
    assert_eq!(bound("event: 012345678\ndata: 0123"), Err(SseError::TooLarge));
}

#[test]
fn every_pair_of_cuts_gives_the_same_events() {
    let stream = "\u{feff}: on\r\ndata: größe\r\ndata: 漢字\r\n\r\nevent: x\rdata:🎉\r\rdata: 👩‍👩‍👧\n\n";
    let bytes = stream.as_bytes();
    let whole = Ok(vec![event("", "größe\n漢字"), event("x", "🎉"), event("", "👩‍👩‍👧")]);
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(read(&pieces), whole, "cut at {first} and {second}");
        }
    }
}

/// Streams of every line end, with characters of one to four bytes.
fn stream() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "(data|event|id|:|x)?:? ?[aß漢🎉 :]{0,6}",
        Just(String::new()),
        Just("data: {\"text\":\"👩‍👩‍👧 漢字\"}".to_owned()),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let lines = proptest::collection::vec((line, end), 0..12);
    ("\u{feff}?", lines).prop_map(|(mark, lines)| lines.into_iter().fold(mark, |text, (line, end)| text + &line + end))
}

proptest! {
    #[test]
    fn events_do_not_depend_on_where_the_bytes_are_split(text in stream(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let bytes = text.as_bytes();
        let whole = read(&[bytes]);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&read(&pieces), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&read(&single), &whole);
    }
}
