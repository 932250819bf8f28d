//! What took how long in a run: one model, and the forms that it is told in.
//!
//! A trace is folded from the run's events. Its spans are places: the run, its steps, the turns and tool calls of agents.
//! What happens at a place is told in the phases of its span: attempts, waits for people, pauses between attempts.

mod axis;
mod fold;
mod html;
mod json;
mod read;
mod span;
mod text;
mod tree;
mod values;

pub(crate) use fold::Fold;
pub(crate) use html::html;
pub(crate) use json::json;
pub(crate) use read::read;
pub(crate) use span::{Kind, Note, Phase, PhaseKind, Span, State, Trace};
pub(crate) use text::text;

use std::time::Duration;

/// A length of time for people: two units at most, as in `340 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`.
pub(crate) fn length(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let two = |whole: u64, unit: &str, rest: u64, smaller: &str| match rest {
        0 => format!("{whole} {unit}"),
        rest => format!("{whole} {unit} {rest} {smaller}"),
    };
    match seconds {
        0 if duration.is_zero() => "0 s".to_owned(),
        0 if duration.as_millis() == 0 => format!("{} µs", duration.as_micros()),
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => {
            let tenths = duration.as_millis() / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        60..=3_599 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..=86_399 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests;
