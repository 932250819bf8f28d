//! Asks the person at the terminal to decide a task.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use kneo::task::TaskRow;
use kneo::{Decision, DecisionKind, Payload, Value};
use owo_colors::OwoColorize;

use crate::view::readable;

/// How much of a task's subject is shown.
const LINES_SHOWN: usize = 40;

/// Shows a task and reads the decision; `None` leaves the task as it is.
pub(crate) async fn ask(row: TaskRow, place: String) -> Option<Decision> {
    let asked = tokio::task::spawn_blocking(move || Dialogue { row }.hold(&place));
    asked.await.ok()?.ok()?
}

struct Dialogue {
    row: TaskRow,
}

impl Dialogue {
    fn hold(&self, place: &str) -> io::Result<Option<Decision>> {
        let request = &self.row.request;
        show(&format!("\n{} {} {}", "?".yellow().bold(), place.bold(), request.description))?;
        for value in [&request.subject, &request.context] {
            if !matches!(value, Value::Null) {
                show(&indented(&readable(value)))?;
            }
        }
        for (at, option) in (1..).zip(&request.options) {
            show(&format!("  {at}. {option}"))?;
        }
        let words: Vec<&str> = request.actions.iter().filter_map(|kind| verb(*kind)).chain(["later"]).collect();
        loop {
            let Some(answer) = prompt(&format!("{}? ", words.join(", ")))? else { return Ok(None) };
            let fits = |word: &&&str| !answer.is_empty() && word.starts_with(answer.as_str());
            let Some(word) = words.iter().find(fits) else { continue };
            let kind = request.actions.iter().copied().find(|kind| verb(*kind) == Some(*word));
            let Some(kind) = kind else { return Ok(None) };
            if let Some(decision) = self.complete(kind)? {
                return Ok(Some(decision));
            }
        }
    }

    /// Asks for what belongs to the decision; `None` asks from the start.
    fn complete(&self, kind: DecisionKind) -> io::Result<Option<Decision>> {
        Ok(match kind {
            DecisionKind::Approve => Some(Decision::approve()),
            DecisionKind::Retry => Some(Decision::Retry),
            DecisionKind::Reject => match prompt("reason (may be empty): ")? {
                None => None,
                Some(reason) if reason.is_empty() => Some(Decision::reject()),
                Some(reason) => Some(Decision::reject_because(reason)),
            },
            DecisionKind::Select => prompt("which: ")?.and_then(|answer| self.option(&answer)).map(Decision::select),
            DecisionKind::Edit => prompt("in this form: ")?.and_then(text).map(|content| Decision::Edit { content }),
            DecisionKind::Provide => prompt("answer: ")?.and_then(text).map(|content| Decision::Provide { content }),
            _ => None,
        })
    }

    /// An option by its text or its number.
    fn option(&self, answer: &str) -> Option<Arc<str>> {
        let options = &self.row.request.options;
        let numbered = answer.parse::<usize>().ok().and_then(|at| options.get(at.checked_sub(1)?));
        options.iter().find(|option| &***option == answer).or(numbered).cloned()
    }
}

fn text(text: String) -> Option<Payload> {
    Payload::new(Value::from(text)).ok()
}

/// The word to type for a decision.
fn verb(kind: DecisionKind) -> Option<&'static str> {
    match kind {
        DecisionKind::Approve => Some("approve"),
        DecisionKind::Reject => Some("reject"),
        DecisionKind::Edit => Some("edit"),
        DecisionKind::Select => Some("select"),
        DecisionKind::Provide => Some("provide"),
        DecisionKind::Retry => Some("try again"),
        _ => None,
    }
}

/// Reads a line; `None` at the end of the input.
fn prompt(question: &str) -> io::Result<Option<String>> {
    let mut err = anstream::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line)? {
        0 => Ok(None),
        _ => Ok(Some(line.trim().to_owned())),
    }
}

fn show(line: &str) -> io::Result<()> {
    writeln!(anstream::stderr().lock(), "{line}")
}

fn indented(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().take(LINES_SHOWN).map(|line| format!("  │ {line}")).collect();
    let more = text.lines().count().saturating_sub(LINES_SHOWN);
    if more > 0 {
        lines.push(format!("  │ … {more} more lines; `kneo human get` shows them all"));
    }
    lines.join("\n")
}
