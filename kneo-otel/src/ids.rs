//! Ids of traces and spans: those of `kneo_core::trace`, in OpenTelemetry's types.

use kneo_core::digest::Digest;
use kneo_core::trace as kneo;
use kneo_core::trace::TraceContext;
use kneo_core::{Attempt, Path, RunId, Segment, TaskId};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The trace of a run: its own, or that of whoever started it.
pub(crate) fn trace(run: RunId, parent: Option<TraceContext>) -> TraceId {
    let trace = parent.map_or_else(|| kneo::TraceId::of_run(run), |parent| parent.trace());
    TraceId::from_bytes(*trace.as_bytes())
}

/// The span of a place: of a run, a step, a branch, a turn, a call.
pub(crate) fn place(run: RunId, path: &Path) -> SpanId {
    span(kneo::SpanId::of_place(run, path))
}

/// The span of one attempt at a place: the one that [`CallContext::trace`](kneo_core::call::CallContext::trace) names.
pub(crate) fn attempt(run: RunId, path: &Path, attempt: Attempt) -> SpanId {
    span(kneo::SpanId::of_attempt(run, path, attempt))
}

/// The span of a wait for people. A place may wait several times, so that the task names it.
pub(crate) fn task(run: RunId, task: TaskId) -> SpanId {
    let seed = [run.as_bytes().as_slice(), b"\0task\0", task.as_bytes()].concat();
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(Digest::of(&seed).as_bytes()) {
        *to = *from;
    }
    match bytes {
        [0, 0, 0, 0, 0, 0, 0, 0] => SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, 1]),
        bytes => SpanId::from_bytes(bytes),
    }
}

pub(crate) fn span(id: kneo::SpanId) -> SpanId {
    SpanId::from_bytes(*id.as_bytes())
}

/// The place under which the attempts and waits at a path hang: a call's are those of its turn, a server's those of its
/// step.
pub(crate) fn host(path: &Path) -> Path {
    match path.last() {
        Some(Segment::Call(_) | Segment::Server(_)) => above(path),
        _ => path.clone(),
    }
}

/// The place under which a place hangs.
pub(crate) fn above(path: &Path) -> Path {
    let mut above = path.parent().unwrap_or_else(Path::root);
    // An item of a list has no span of its own.
    while let Some(Segment::Item(_)) = above.last() {
        above = above.parent().unwrap_or_else(Path::root);
    }
    above
}

/// A context from elsewhere.
pub(crate) fn remote(context: TraceContext) -> SpanContext {
    let flags = TraceFlags::default().with_sampled(context.is_sampled());
    let trace = TraceId::from_bytes(*context.trace().as_bytes());
    SpanContext::new(trace, span(context.span()), flags, true, TraceState::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn ids_are_those_that_calls_go_on_with() {
        let run = RunId::from_bytes([7; 16]);
        let parent: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        assert_eq!(trace(run, None).to_string(), "07".repeat(16));
        assert_eq!(trace(run, Some(parent)).to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let at = path("3#1/t1");
        let second = Attempt::FIRST.next();
        assert_eq!(place(run, &at).to_string(), kneo::SpanId::of_place(run, &at).to_string());
        assert_eq!(attempt(run, &at, second).to_string(), kneo::SpanId::of_attempt(run, &at, second).to_string());
        assert_eq!(remote(parent).span_id().to_string(), "00f067aa0ba902b7");
        assert!(remote(parent).is_sampled() && remote(parent).is_remote());
        let [one, two] = [1, 2].map(|byte| task(run, TaskId::from_bytes([byte; 16])));
        assert_ne!(one, two);
        assert_ne!(one, task(RunId::from_bytes([8; 16]), TaskId::from_bytes([1; 16])));
    }

    #[test]
    fn what_hangs_where() {
        for (at, hangs_at, hangs_above) in [
            ("3#1", "3#1", ""),
            ("3#1/t2", "3#1/t2", "3#1"),
            ("3#1/t2/c0", "3#1/t2", "3#1/t2"),
            ("3#1/s0", "3#1", "3#1"),
            ("3#1/b1", "3#1/b1", "3#1"),
            ("3#1/i4/5#1", "3#1/i4/5#1", "3#1"),
        ] {
            assert_eq!((host(&path(at)), above(&path(at))), (path(hangs_at), path(hangs_above)), "{at}");
        }
        assert_eq!(above(&Path::root()), Path::root());
    }
}
