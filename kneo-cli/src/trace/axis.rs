//! Time on a line: long times in which nothing works are drawn short, so that short work is seen.

use std::time::Duration;

use kneo::Timestamp;

use super::{PhaseKind, Trace};

/// A part of the line: from when to when, and where it stands, in hundredths of the width.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Piece {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) left: f64,
    pub(super) width: f64,
    /// Whether it is a pause that is drawn short.
    pub(super) short: bool,
}

/// The line.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Axis {
    pub(super) pieces: Vec<Piece>,
}

/// The most pauses that are drawn short: the longest ones.
const MOST_SHORT: usize = 12;
/// The width of a short pause, and of all together.
const SHORT: (f64, f64) = (5.0, 45.0);
/// The least width of what lies between two short pauses.
const LEAST: f64 = 3.0;
/// A pause that is shorter than this is never drawn short.
const PAUSE: Duration = Duration::from_millis(500);

impl Axis {
    pub(super) fn of(trace: &Trace) -> Axis {
        let moments = moments(trace);
        let busy = busy(trace);
        let worked: Duration = busy.iter().map(|(from, to)| to.since(*from)).sum();
        let mut pauses: Vec<(Timestamp, Timestamp)> = idle(&busy, trace.started, trace.until)
            .into_iter()
            .flat_map(|(from, to)| split(from, to, &moments))
            .collect();
        // What takes a good part of what the work takes is drawn short.
        let long = (worked / 4).max(PAUSE);
        pauses.retain(|(from, to)| to.since(*from) > long);
        pauses.sort_by_key(|(from, to)| std::cmp::Reverse(to.since(*from)));
        pauses.truncate(MOST_SHORT);
        pauses.sort();
        Axis { pieces: pieces(trace, &pauses) }
    }

    /// Where a time stands, in hundredths of the width.
    pub(super) fn place(&self, at: Timestamp) -> f64 {
        let piece = self.pieces.iter().find(|piece| at <= piece.to).or(self.pieces.last());
        let Some(piece) = piece else { return 0.0 };
        let (whole, part) = (piece.to.since(piece.from), at.since(piece.from));
        let share = if whole.is_zero() { 0.0 } else { part.as_secs_f64() / whole.as_secs_f64() };
        piece.left + piece.width * share.min(1.0)
    }
}

/// When something begins or ends anywhere.
fn moments(trace: &Trace) -> Vec<Timestamp> {
    let spans = trace.spans.iter().filter(|span| !span.path.is_root());
    let of_span = |span: &super::Span| {
        let phases = span.phases.iter().flat_map(|phase| [Some(phase.start), phase.end]);
        let notes = span.notes.iter().map(|note| Some(note.at));
        [Some(span.start), span.end].into_iter().chain(phases).chain(notes).flatten().collect::<Vec<_>>()
    };
    let mut moments: Vec<Timestamp> = spans.flat_map(of_span).collect();
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// When something works: the times of attempts, those that overlap as one.
fn busy(trace: &Trace) -> Vec<(Timestamp, Timestamp)> {
    let phases = trace.spans.iter().flat_map(|span| &span.phases);
    let attempts = phases.filter(|phase| matches!(phase.kind, PhaseKind::Attempt(_)));
    let mut attempts: Vec<(Timestamp, Timestamp)> =
        attempts.map(|phase| (phase.start, phase.end.unwrap_or(trace.until))).collect();
    attempts.sort_unstable();
    let mut busy: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, to) in attempts {
        match busy.last_mut() {
            Some((_, end)) if from <= *end => *end = to.max(*end),
            _ => busy.push((from, to)),
        }
    }
    busy
}

/// The times between.
fn idle(busy: &[(Timestamp, Timestamp)], from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let ends = std::iter::once(from).chain(busy.iter().map(|(_, end)| *end));
    let starts = busy.iter().map(|(start, _)| *start).chain([until]);
    ends.zip(starts).filter(|(from, to)| from < to).collect()
}

/// A time without work in the parts between which something happens.
fn split(from: Timestamp, to: Timestamp, moments: &[Timestamp]) -> Vec<(Timestamp, Timestamp)> {
    let within = moments.partition_point(|at| *at <= from)..moments.partition_point(|at| *at < to);
    let inner = moments.get(within).unwrap_or_default();
    let starts = std::iter::once(from).chain(inner.iter().copied());
    let ends = inner.iter().copied().chain([to]);
    starts.zip(ends).collect()
}

fn pieces(trace: &Trace, pauses: &[(Timestamp, Timestamp)]) -> Vec<Piece> {
    let mut parts: Vec<(Timestamp, Timestamp, bool)> = Vec::new();
    let mut at = trace.started;
    for (from, to) in pauses {
        parts.push((at, *from, false));
        parts.push((*from, *to, true));
        at = *to;
    }
    parts.push((at, trace.until, false));
    parts.retain(|(from, to, _)| from < to);
    let shorts = count(parts.iter().filter(|(_, _, short)| *short).count());
    let longs = count(parts.iter().filter(|(_, _, short)| !*short).count());
    // A run of pauses alone has nothing else to draw.
    let (most, all) = if longs == 0.0 { (100.0, 100.0) } else { SHORT };
    let short_width = if shorts == 0.0 { 0.0 } else { most.min(all / shorts) };
    let rest = (100.0 - short_width * shorts).max(0.0);
    let least = if longs == 0.0 { 0.0 } else { LEAST.min(rest / longs) };
    let total: f64 = parts.iter().filter(|(_, _, short)| !*short).map(|(from, to, _)| seconds(*from, *to)).sum();
    let mut left = 0.0;
    let pieces = parts.into_iter().map(|(from, to, short)| {
        let share = if total > 0.0 { seconds(from, to) / total } else { 0.0 };
        let width = if short { short_width } else { least + (rest - least * longs) * share };
        let piece = Piece { from, to, left, width, short };
        left += width;
        piece
    });
    pieces.collect()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.since(from).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a few pieces")]
fn count(pieces: usize) -> f64 {
    pieces as f64
}
