//! Traces for people at a terminal: a line for each place, indented by what it is in.

use std::fmt::Write as _;

use kneo::{Timestamp, Usage};
use owo_colors::OwoColorize;

use super::{Kind, Phase, PhaseKind, Span, State, Trace, length};
use crate::visible::line as visible;

/// The longest value in a line, in characters.
const LONGEST: usize = 160;

/// A trace in lines.
pub(crate) fn text(trace: &Trace) -> String {
    let end = if trace.ended.is_some() { "in" } else { "for" };
    let tokens = tokens(trace.usage);
    let tokens = if tokens.is_empty() { tokens } else { format!(", {tokens}") };
    let mut text =
        format!("{} {}: {} {end} {}{tokens}\n", trace.run, trace.workflow, trace.status, length(trace.took()));
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{}\n", format!("from {}", trace.started).dimmed());
    let _ = writeln!(text, "{:>11} {:>11}", "at".dimmed(), "took".dimmed());
    for span in &trace.spans {
        lines(&mut text, span, trace);
    }
    text
}

fn lines(text: &mut String, span: &Span, trace: &Trace) {
    let indent = "  ".repeat(span.depth);
    let kind = match span.kind {
        Kind::Run | Kind::Branch | Kind::Turn | Kind::Tool | Kind::Discovery => String::new(),
        kind => format!("  {}", kind.as_str()),
    };
    let tokens = tokens(span.usage);
    let tokens = if tokens.is_empty() { tokens } else { format!("  {tokens}") };
    let took = length(span.took(trace.until));
    let rest = format!("{kind}{tokens}");
    let name = visible(&span.name);
    line(text, span.start, trace, &took, &format!("{indent}{} {name}{}", mark(span.state), rest.dimmed()));
    let said = format!("{indent}    ");
    let attempts = span.phases.iter().filter(|phase| matches!(phase.kind, PhaseKind::Attempt(_))).count();
    for phase in span.phases.iter().filter(|phase| is_told(phase, attempts)) {
        let what = match phase.kind {
            PhaseKind::Attempt(number) => format!("attempt {number}"),
            PhaseKind::Wait => "waits".to_owned(),
            PhaseKind::Pause => "pauses".to_owned(),
            PhaseKind::Held => "worker".to_owned(),
        };
        let about = if phase.text.is_empty() { String::new() } else { format!("  {}", visible(&phase.text)) };
        let took = length(phase.took(trace.until));
        line(text, phase.start, trace, &took, &format!("{said}{} {what}{about}", mark(phase.state)));
    }
    for note in &span.notes {
        line(text, note.at, trace, "", &format!("{said}{}", visible(&note.text).dimmed()));
    }
    for (what, value) in &span.values {
        let value = cut(&visible(value));
        line(text, span.start, trace, "", &format!("{said}{} {value}", format!("{what}:").dimmed()));
    }
}

/// Whether a phase says more than its span does: one attempt that succeeds is all of it.
fn is_told(phase: &Phase, attempts: usize) -> bool {
    match phase.kind {
        PhaseKind::Wait => true,
        PhaseKind::Attempt(_) => attempts > 1 || !phase.text.is_empty(),
        PhaseKind::Pause => true,
        // A worker that has the run all the time is no news.
        PhaseKind::Held => phase.state == State::Lost,
    }
}

fn line(text: &mut String, at: Timestamp, trace: &Trace, took: &str, rest: &str) {
    let at = length(at.since(trace.started));
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{at:>11} {took:>11}  {}", rest.trim_end());
}

fn mark(state: State) -> String {
    let mark = state.mark();
    match state {
        State::Completed => mark.green().to_string(),
        State::Failed | State::Lost | State::Refused => mark.red().bold().to_string(),
        State::Running | State::Waiting => mark.yellow().bold().to_string(),
        State::Skipped | State::Cancelled => mark.dimmed().to_string(),
    }
}

/// Tokens in and out; empty if there are none.
fn tokens(usage: Usage) -> String {
    match usage.is_zero() {
        true => String::new(),
        false => format!("{} tokens in, {} out", usage.input, usage.output),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
