//! Asks the person at the terminal to decide a task.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use kneo::task::{Request, TaskRow};
use kneo::{Decision, DecisionKind, Payload, Value};
use owo_colors::OwoColorize;

use crate::view::readable;

/// How much of a task's subject is shown.
const LINES_SHOWN: usize = 40;

/// Shows a task and reads the decision; `None` leaves the task as it is.
pub(crate) async fn ask(row: TaskRow, place: String) -> Option<Decision> {
    let asked = tokio::task::spawn_blocking(move || {
        let (mut input, mut output) = (io::stdin().lock(), anstream::stderr().lock());
        Dialogue { request: &row.request, input: &mut input, output: &mut output }.hold(&place)
    });
    asked.await.ok()?.ok()?
}

struct Dialogue<'a> {
    request: &'a Request,
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
}

impl Dialogue<'_> {
    fn hold(&mut self, place: &str) -> io::Result<Option<Decision>> {
        let request = self.request;
        writeln!(self.output, "\n{} {} {}", "?".yellow().bold(), place.bold(), request.description)?;
        for value in [&request.subject, &request.context] {
            if !matches!(value, Value::Null) {
                writeln!(self.output, "{}", indented(&readable(value)))?;
            }
        }
        for (at, option) in (1..).zip(&request.options) {
            writeln!(self.output, "  {at}. {option}")?;
        }
        let words: Vec<&str> = request.actions.iter().filter_map(|kind| verb(*kind)).chain([LATER]).collect();
        let question = format!("{}? ", words.join(", "));
        loop {
            let Some(answer) = self.prompt(&question)? else { return Ok(None) };
            let fits = |word: &&&str| !answer.is_empty() && word.starts_with(answer.as_str());
            let Some(word) = words.iter().find(fits) else { continue };
            let Some(kind) = request.actions.iter().copied().find(|kind| verb(*kind) == Some(*word)) else {
                return Ok(None);
            };
            if let Some(decision) = self.complete(kind)? {
                return Ok(Some(decision));
            }
        }
    }

    /// Asks for what belongs to the decision; `None` asks from the start.
    fn complete(&mut self, kind: DecisionKind) -> io::Result<Option<Decision>> {
        Ok(match kind {
            DecisionKind::Approve => Some(Decision::approve()),
            DecisionKind::Retry => Some(Decision::Retry),
            DecisionKind::Reject => self.prompt("reason (may be empty): ")?.map(|reason| match reason.is_empty() {
                true => Decision::reject(),
                false => Decision::reject_because(reason),
            }),
            DecisionKind::Select => {
                self.prompt("which: ")?.and_then(|answer| self.option(&answer)).map(Decision::select)
            }
            DecisionKind::Edit => {
                self.prompt("in this form: ")?.and_then(text).map(|content| Decision::Edit { content })
            }
            DecisionKind::Provide => {
                self.prompt("answer: ")?.and_then(text).map(|content| Decision::Provide { content })
            }
            _ => None,
        })
    }

    /// An option by its text or its number.
    fn option(&self, answer: &str) -> Option<Arc<str>> {
        let options = &self.request.options;
        let numbered = answer.parse::<usize>().ok().and_then(|at| options.get(at.checked_sub(1)?));
        options.iter().find(|option| &***option == answer).or(numbered).cloned()
    }

    /// Reads a line; `None` at the end of the input.
    fn prompt(&mut self, question: &str) -> io::Result<Option<String>> {
        write!(self.output, "{question}")?;
        self.output.flush()?;
        let mut line = String::new();
        match self.input.read_line(&mut line)? {
            0 => Ok(None),
            _ => Ok(Some(line.trim().to_owned())),
        }
    }
}

/// Leaves the task open.
const LATER: &str = "later";

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

fn text(text: String) -> Option<Payload> {
    Payload::new(Value::from(text)).ok()
}

fn indented(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().take(LINES_SHOWN).map(|line| format!("  │ {line}")).collect();
    let more = text.lines().count().saturating_sub(LINES_SHOWN);
    if more > 0 {
        lines.push(format!("  │ … {more} more lines; `kneo human get` shows them all"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kneo::plan::RequestType;
    use kneo::task::TaskCause;

    fn request(actions: Vec<DecisionKind>) -> Request {
        let mut request =
            Request::new(TaskCause::Step(RequestType::Approval), "Well?", Value::from("one\ntwo"), actions);
        request.options = vec![Arc::from("red"), Arc::from("blue")];
        request
    }

    fn answered(actions: Vec<DecisionKind>, typed: &str) -> (Option<Decision>, String) {
        let (request, mut output) = (request(actions), Vec::new());
        let decision =
            Dialogue { request: &request, input: &mut typed.as_bytes(), output: &mut output }.hold("agree").unwrap();
        (decision, String::from_utf8(output).unwrap())
    }

    #[test]
    fn a_decision_is_read_by_its_first_letters() {
        use DecisionKind::{Approve, Edit, Provide, Reject, Retry, Select};
        let select = |option| Some(Decision::select(option));
        let edit = Some(Decision::Edit { content: Payload::new(Value::from("Tea")).unwrap() });
        let provide = Some(Decision::Provide { content: Payload::new(Value::from("it is done")).unwrap() });
        for (typed, decision) in [
            ("a\n", Some(Decision::approve())),
            ("approve\n", Some(Decision::approve())),
            ("r\n\n", Some(Decision::reject())),
            ("rej\ntoo long\n", Some(Decision::reject_because("too long"))),
            ("s\nblue\n", select("blue")),
            ("s\n1\n", select("red")),
            ("s\ngreen\ns\n3\nselect\n2\n", select("blue")),
            ("e\nTea\n", edit),
            ("p\nit is done\n", provide),
            ("t\n", Some(Decision::Retry)),
            ("\nwhat?\nl\n", None),
            ("", None),
            ("r\n", None),
        ] {
            let actions = vec![Approve, Reject, Edit, Select, Provide, Retry];
            assert_eq!(answered(actions, typed).0, decision, "{typed:?}");
        }
    }

    #[test]
    fn only_what_fits_is_offered() {
        let (decision, shown) = answered(vec![DecisionKind::Select], "approve\nlater\n");
        assert_eq!(decision, None);
        let shown = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(shown, "\n? agree Well?\n  │ one\n  │ two\n  1. red\n  2. blue\nselect, later? select, later? ");
    }
}
