//! Server-sent events, as <https://html.spec.whatwg.org/multipage/server-sent-events.html> describes them.

/// One event: what its `event` and `data` lines say. Ids and retry times are of no use to a single exchange.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SseEvent {
    /// The type; empty for an ordinary message.
    pub(crate) name: String,
    /// The data lines, joined by line feeds.
    pub(crate) data: String,
}

/// Why a stream of events cannot be read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SseError {
    /// An event has more bytes than allowed.
    TooLarge,
    /// An event is not UTF-8.
    NotUtf8,
}

/// Takes a stream apart, in whatever pieces it arrives.
#[derive(Debug)]
pub(crate) struct SseParser {
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    /// Whether a line feed that comes next belongs to the carriage return before it.
    after_return: bool,
    /// Whether a line was read: only before the first may a byte order mark stand.
    begun: bool,
    /// The event whose end has not arrived, and whether it has data.
    event: SseEvent,
    has_data: bool,
    max_bytes: usize,
}

impl SseParser {
    /// A parser of a stream whose events have at most so many bytes each.
    pub(crate) fn new(max_bytes: usize) -> SseParser {
        let event = SseEvent::default();
        SseParser { line: Vec::new(), after_return: false, begun: false, event, has_data: false, max_bytes }
    }

    /// Reads on, and gives the events that end in these bytes.
    ///
    /// # Errors
    /// Whatever makes the rest of the stream useless.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<SseEvent>, SseError> {
        let mut events = Vec::new();
        if let Some((first, rest)) = bytes.split_first()
            && std::mem::take(&mut self.after_return)
            && *first == b'\n'
        {
            bytes = rest;
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let (line, rest) = bytes.split_at(end);
            bytes = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_return = true;
                    &[]
                }
                [_, rest @ ..] => rest,
                [] => &[],
            };
            self.grow(line)?;
            let line = std::mem::take(&mut self.line);
            events.extend(self.read(&line)?);
        }
        self.grow(bytes)?;
        Ok(events)
    }

    /// The event that a stream ends in without a blank line after it, as some servers do.
    ///
    /// # Errors
    /// A last line that is not UTF-8, such as one that was cut.
    pub(crate) fn finish(mut self) -> Result<Option<SseEvent>, SseError> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.read(&line)?;
        }
        Ok(self.has_data.then_some(self.event))
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        let size = self.line.len() + bytes.len() + self.event.name.len() + self.event.data.len();
        if size > self.max_bytes {
            return Err(SseError::TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Reads one line; an empty one ends the event.
    fn read(&mut self, line: &[u8]) -> Result<Option<SseEvent>, SseError> {
        const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
        let mut line = line;
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return Ok(std::mem::take(&mut self.has_data).then_some(event));
        }
        let line = str::from_utf8(line).map_err(|_| SseError::NotUtf8)?;
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            // Comments, ids, retry times, and fields that are not known.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
