//! Traces as objects.

use kneo::{Timestamp, Usage};
use serde_json::{Value as Json, json};

use super::{Phase, PhaseKind, Span, Trace};

/// A trace: `{"run_id", "workflow", "status", "started_at", "ended_at", "until", "took_ms", "usage", "events",
/// "spans"}`.
pub(crate) fn json(trace: &Trace) -> Json {
    json!({
        "run_id": trace.run.to_string(),
        "workflow": trace.workflow,
        "status": trace.status.as_str(),
        "started_at": trace.started.to_string(),
        "ended_at": trace.ended.map(|at| at.to_string()),
        "until": trace.until.to_string(),
        "took_ms": millis(trace.took()),
        "usage": usage(trace.usage),
        "events": trace.events,
        "spans": trace.spans.iter().map(|each| span(each, trace.until)).collect::<Vec<_>>(),
    })
}

/// A span: `{"path", "depth", "kind", "name", "status", "start", "end", "took_ms", "usage", "phases", "notes",
/// "values"}`.
fn span(span: &Span, until: Timestamp) -> Json {
    let values = span.values.iter().map(|(what, text)| json!({"what": what, "text": text}));
    json!({
        "path": span.path.to_string(),
        "depth": span.depth,
        "kind": span.kind.as_str(),
        "name": span.name,
        "status": span.state.as_str(),
        "start": span.start.to_string(),
        "end": span.end.map(|at| at.to_string()),
        "took_ms": millis(span.took(until)),
        "usage": usage(span.usage),
        "phases": span.phases.iter().map(|each| phase(each, until)).collect::<Vec<_>>(),
        "notes": span.notes.iter().map(|note| json!({"at": note.at.to_string(), "text": note.text})).collect::<Vec<_>>(),
        "values": values.collect::<Vec<_>>(),
    })
}

/// A phase: `{"kind", "attempt", "status", "start", "end", "took_ms", "usage", "text"}`.
fn phase(phase: &Phase, until: Timestamp) -> Json {
    let attempt = match phase.kind {
        PhaseKind::Attempt(number) => Some(number),
        PhaseKind::Wait | PhaseKind::Pause | PhaseKind::Held => None,
    };
    json!({
        "kind": phase.kind.as_str(),
        "attempt": attempt,
        "status": phase.state.as_str(),
        "start": phase.start.to_string(),
        "end": phase.end.map(|at| at.to_string()),
        "took_ms": millis(phase.took(until)),
        "usage": usage(phase.usage),
        "text": phase.text,
    })
}

fn usage(usage: Usage) -> Json {
    json!({"input_tokens": usage.input, "output_tokens": usage.output})
}

/// Milliseconds, with what is below in decimals.
fn millis(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
