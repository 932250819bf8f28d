//! How much a server may take: time, silence, bytes.

use std::time::Duration;

/// The bounds of one exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The longest exchange, secrets and connection included.
    pub(crate) deadline: Duration,
    /// The longest wait for a connection, TLS included.
    pub(crate) connect: Duration,
    /// The longest silence.
    pub(crate) idle: Duration,
    /// The most bytes of an answer's body, as they come off the wire.
    pub(crate) answer_bytes: u64,
    /// The most bytes of an answer's headers: names, values, and four for each.
    pub(crate) header_bytes: u64,
    /// The most bytes of one server-sent event.
    pub(crate) event_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            deadline: Duration::from_secs(600),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(300),
            answer_bytes: 64 << 20,
            header_bytes: 64 << 10,
            event_bytes: 4 << 20,
        }
    }
}

impl Bounds {
    /// The name of a bound that lets nothing through.
    pub(crate) fn empty(&self) -> Option<&'static str> {
        let empty = [
            ("deadline", self.deadline.is_zero()),
            ("connect_timeout", self.connect.is_zero()),
            ("idle_timeout", self.idle.is_zero()),
            ("max_answer_bytes", self.answer_bytes == 0),
            ("max_header_bytes", self.header_bytes == 0),
            ("max_event_bytes", self.event_bytes == 0),
        ];
        empty.into_iter().find_map(|(name, empty)| empty.then_some(name))
    }
}
