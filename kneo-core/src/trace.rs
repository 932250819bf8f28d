//! Traces: how what happens in a run is found again in a tracing system.
//!
//! Ids are derived, not drawn: whoever knows a run knows its trace, so that a run has one trace across pauses,
//! restarts and workers, and a call's span has the same id wherever it is looked at.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;
use crate::id::RunId;
use crate::path::Path;
use crate::run::Attempt;

/// The id of a trace: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// The id of a span within a trace: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// The trace of a run that nobody else has begun one for: the run's own 16 bytes.
    #[must_use]
    pub fn of_run(run: RunId) -> TraceId {
        // A UUID is never zero: its version is not.
        TraceId(*run.as_bytes())
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl SpanId {
    /// The span of a run.
    #[must_use]
    pub fn of_run(run: RunId) -> SpanId {
        SpanId::derived(&[run.as_bytes()])
    }

    /// The span of a place in a run: of a step, a turn, a call.
    #[must_use]
    pub fn of_place(run: RunId, path: &Path) -> SpanId {
        match path.is_root() {
            true => SpanId::of_run(run),
            false => SpanId::derived(&[run.as_bytes(), path.to_string().as_bytes()]),
        }
    }

    /// The span of one attempt at a place.
    #[must_use]
    pub fn of_attempt(run: RunId, path: &Path, attempt: Attempt) -> SpanId {
        SpanId::derived(&[run.as_bytes(), path.to_string().as_bytes(), &attempt.as_u32().to_be_bytes()])
    }

    /// The 8 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// The first bytes of a digest of parts, none of which can run into the next: all but the last are of one length or
    /// hold no zero.
    fn derived(parts: &[&[u8]]) -> SpanId {
        let mut seed = Vec::with_capacity(64);
        for part in parts {
            seed.extend_from_slice(part);
            seed.push(0);
        }
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(Digest::of(&seed).as_bytes()) {
            *to = *from;
        }
        match bytes {
            [0, 0, 0, 0, 0, 0, 0, 0] => SpanId([0, 0, 0, 0, 0, 0, 0, 1]),
            bytes => SpanId(bytes),
        }
    }
}

/// A place in a trace, as the `traceparent` header says it (<https://www.w3.org/TR/trace-context/>):
/// `00-<32 hex>-<16 hex>-<2 hex>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: TraceId,
    span: SpanId,
    flags: u8,
}

/// A text that is not a `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a traceparent: it looks like `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`")]
pub struct ParseTraceContextError(String);

impl TraceContext {
    /// A sampled span in a trace.
    #[must_use]
    pub fn new(trace: TraceId, span: SpanId) -> TraceContext {
        TraceContext { trace, span, flags: 1 }
    }

    /// The trace.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// The span.
    #[must_use]
    pub fn span(&self) -> SpanId {
        self.span
    }

    /// Whether whoever began the trace wants it kept.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// Another span of the same trace, kept or not as this one.
    #[must_use]
    pub fn with_span(self, span: SpanId) -> TraceContext {
        TraceContext { span, ..self }
    }
}

impl FromStr for TraceContext {
    type Err = ParseTraceContextError;

    /// Reads the header of version `00`; a trace or span of zeros is refused.
    fn from_str(text: &str) -> Result<TraceContext, ParseTraceContextError> {
        let read = || {
            let mut parts = text.split('-');
            let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let ([0], None) = (bytes::<1>(version)?, parts.next()) else { return None };
            let (trace, span, [flags]) = (bytes(trace)?, bytes(span)?, bytes::<1>(flags)?);
            let zero = trace == [0; 16] || span == [0; 8];
            (!zero).then_some(TraceContext { trace: TraceId(trace), span: SpanId(span), flags })
        };
        read().ok_or_else(|| ParseTraceContextError(text.to_owned()))
    }
}

/// Reads exactly `N` bytes of lower-case hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (to, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *to = (digit(high)? << 4) | digit(low)?;
    }
    Some(bytes)
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_round_trips_and_others_are_refused() {
        assert_eq!(HEADER.parse::<TraceContext>().unwrap().to_string(), HEADER);
        let zero = "0".repeat(32);
        for text in [
            "",
            "00",
            &HEADER.to_uppercase(),
            &HEADER.replace("00-4b", "01-4b"),
            &HEADER.replace("-01", "-1"),
            &HEADER.replace("-01", "-01-00"),
            &HEADER.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zero),
            &HEADER.replace("00f067aa0ba902b7", "0000000000000000"),
            &HEADER.replace("4bf9", "4bg9"),
        ] {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
        }
    }

    #[test]
    fn places_and_attempts_have_spans_of_their_own() {
        let (run, other) = (RunId::from_bytes([7; 16]), RunId::from_bytes([8; 16]));
        let (step, turn): (Path, Path) = ("3#1".parse().unwrap(), "3#1/t1".parse().unwrap());
        let second = Attempt::FIRST.next();
        let spans = [
            SpanId::of_run(run),
            SpanId::of_run(other),
            SpanId::of_place(run, &step),
            SpanId::of_place(other, &step),
            SpanId::of_place(run, &turn),
            SpanId::of_attempt(run, &turn, Attempt::FIRST),
            SpanId::of_attempt(run, &turn, second),
        ];
        let different: std::collections::BTreeSet<SpanId> = spans.into_iter().collect();
        assert_eq!(different.len(), spans.len());
        assert_eq!(SpanId::of_place(run, &Path::root()), SpanId::of_run(run));
        assert_eq!(SpanId::of_attempt(run, &turn, second), SpanId::of_attempt(run, &turn, second));
    }
}
