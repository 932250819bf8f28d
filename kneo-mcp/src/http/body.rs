//! Bodies of answers, in bounded memory.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::HttpFailure;

/// How much of a body that is no message is kept for people.
const DIAGNOSTIC: usize = 2 << 10;

/// Reads a whole body.
pub(super) async fn whole(mut response: reqwest::Response, cap: usize) -> Result<Vec<u8>, HttpFailure> {
    let too_large = || HttpFailure::TooLarge { cap };
    if response.content_length().is_some_and(|length| length > cap as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(HttpFailure::of)? {
        if chunk.len() > cap.saturating_sub(body.len()) {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads the beginning of a body that people should see; how it ends is not asked for.
pub(super) async fn beginning(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < DIAGNOSTIC {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        body.extend_from_slice(&chunk);
    }
    body
}

/// The beginning of a text, on one line.
pub(super) fn shown(text: &str) -> String {
    let end = (0..=DIAGNOSTIC.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let text = text.get(..end).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The bytes of a stream of events, none of which has more than the cap.
pub(super) fn events(response: reqwest::Response, cap: usize) -> impl Stream<Item = Result<Bytes, HttpFailure>> {
    let mut meter = Meter::default();
    let mut failed = false;
    let bytes = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(HttpFailure::of)?;
        if meter.largest_after(&chunk) > cap { Err(HttpFailure::TooLarge { cap }) } else { Ok(chunk) }
    });
    // The parser takes no empty chunk.
    let bytes = bytes.filter(|chunk| std::future::ready(chunk.as_ref().map_or(true, |chunk| !chunk.is_empty())));
    bytes.take_while(move |chunk| {
        // What is cut off is lost, and what follows means nothing.
        let goes_on = !failed;
        failed |= chunk.is_err();
        std::future::ready(goes_on)
    })
}

/// Counts the bytes of an event while it comes: lines up to an empty one, comments left out.
///
/// See <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.
#[derive(Default)]
struct Meter {
    event: usize,
    line: usize,
    is_comment: bool,
    after_cr: bool,
}

impl Meter {
    /// The largest that an event was while these bytes came.
    fn largest_after(&mut self, bytes: &[u8]) -> usize {
        let mut largest = 0;
        for byte in bytes {
            match byte {
                b'\n' if std::mem::take(&mut self.after_cr) => continue,
                b'\n' | b'\r' => {
                    self.event = match (self.line, self.is_comment) {
                        (0, _) => 0,
                        (_, true) => self.event,
                        (line, false) => self.event.saturating_add(line),
                    };
                    (self.line, self.is_comment) = (0, false);
                }
                _ => {
                    self.is_comment |= self.line == 0 && *byte == b':';
                    self.line = self.line.saturating_add(1);
                }
            }
            self.after_cr = *byte == b'\r';
            largest = largest.max(self.event.saturating_add(self.line));
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_counted_from_one_empty_line_to_the_next() {
        for (stream, largest) in [
            ("data: 12\n\ndata: 12\n\n", 8),
            ("data: 12\ndata: 12\n\n", 16),
            ("data: 12\r\ndata: 12\r\n\r\ndata: 1\r\n\r\n", 16),
            ("data: 12\r\rdata: 1\r\r", 8),
            (": keep alive\n: keep alive\n: keep alive\n", 12),
            ("data: 12\n: c\ndata: 12\n\n", 16),
        ] {
            let mut meter = Meter::default();
            assert_eq!(meter.largest_after(stream.as_bytes()), largest, "{stream:?}");
            let mut meter = Meter::default();
            let bytes = stream.as_bytes().chunks(1).map(|byte| meter.largest_after(byte)).max();
            assert_eq!(bytes, Some(largest), "{stream:?} byte by byte");
        }
    }

    #[test]
    fn a_diagnostic_is_short_and_on_one_line() {
        assert_eq!(shown("<h1>\n  not   here\r\n"), "<h1> not here");
        assert_eq!(shown(&"€".repeat(10_000)).len(), DIAGNOSTIC / 3 * 3);
    }
}
