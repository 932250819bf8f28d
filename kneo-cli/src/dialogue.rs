//! What is said to a person who decides a task, and what the answers mean.

use std::fmt::Write as _;
use std::sync::Arc;

use kneo::task::{Request, TaskRow};
use kneo::{Decision, DecisionKind, Payload, Value, ValueError};
use owo_colors::OwoColorize;

use crate::view;
use crate::visible::{line, lines};

/// How much of a task's subject is shown.
const LINES_SHOWN: usize = 40;

/// Leaves the task open.
const LATER: &str = "later";

/// A talk about one task, as far as it got.
pub(crate) struct Dialogue {
    row: TaskRow,
    stage: Stage,
}

/// What the next line answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Which decision it is.
    Decision,
    /// Why not.
    Reason,
    /// In which better form.
    Form,
    /// The answer.
    Answer,
}

/// What follows from a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    /// This is said, and another line is read.
    Ask(String),
    /// The person decided.
    Decide(Decision),
    /// The task stays open.
    Later,
}

impl Dialogue {
    pub(crate) fn new(row: TaskRow) -> Dialogue {
        let mut dialogue = Dialogue { row, stage: Stage::Decision };
        dialogue.begin();
        dialogue
    }

    /// The question, what it is about, and what to type. `again` are the options that lead to the same store.
    pub(crate) fn opening(&self, place: &str, again: &str) -> String {
        let request = &self.row.request;
        let mut text =
            format!("\n{} {} asks: {}\n", "?".yellow().bold(), place.bold(), lines(&view::question(request)));
        for value in [&request.subject, &request.context] {
            if !matches!(value, Value::Null) {
                let whole = view::shown(value);
                for line in whole.lines().take(LINES_SHOWN) {
                    // Writing to a `String` cannot fail.
                    let _ = writeln!(text, "{}", format!("  │ {line}").trim_end());
                }
                let more = whole.lines().count().saturating_sub(LINES_SHOWN);
                if more > 0 {
                    let _ = writeln!(text, "  │ … {more} more lines: `kneo human get {}{again}`", self.row.task);
                }
            }
        }
        if let Some(at) = self.row.deadline {
            let _ = writeln!(text, "  until {at}");
        }
        for (at, option) in (1..).zip(&request.options) {
            let _ = writeln!(text, "  {at}. {}", line(option));
        }
        text.push_str(&self.prompt());
        text
    }

    /// Takes a line.
    pub(crate) fn take(&mut self, line: &str) -> Reply {
        match self.stage {
            Stage::Decision => self.decision(line),
            Stage::Reason if line.is_empty() => Reply::Decide(Decision::reject()),
            Stage::Reason => Reply::Decide(Decision::reject_because(line)),
            Stage::Form if line.is_empty() => self.back(),
            Stage::Form => match self.form(line) {
                Ok(content) => Reply::Decide(Decision::Edit { content }),
                Err(problem) => self.again(&problem),
            },
            // Where there is nothing to choose, nothing typed leaves it open.
            Stage::Answer if line.is_empty() && self.only(DecisionKind::Provide) => Reply::Later,
            Stage::Answer if line.is_empty() => self.back(),
            Stage::Answer => match payload(self.answer(line)) {
                Ok(content) => Reply::Decide(Decision::Provide { content }),
                Err(problem) => self.again(&problem),
            },
        }
    }

    fn begin(&mut self) {
        self.stage = if self.only(DecisionKind::Provide) { Stage::Answer } else { Stage::Decision };
    }

    fn back(&mut self) -> Reply {
        self.begin();
        Reply::Ask(self.prompt())
    }

    fn again(&self, problem: &str) -> Reply {
        Reply::Ask(format!("{}\n{}", lines(problem), self.prompt()))
    }

    fn request(&self) -> &Request {
        &self.row.request
    }

    /// Whether there is no other decision.
    fn only(&self, kind: DecisionKind) -> bool {
        self.request().actions == [kind]
    }

    fn prompt(&self) -> String {
        match self.stage {
            Stage::Decision if self.only(DecisionKind::Select) => {
                format!("which, from 1 to {}, or {LATER}? ", self.request().options.len())
            }
            Stage::Decision => format!("{} or {LATER}? ", self.words().join(", ")),
            Stage::Reason => "why (may be empty)? ".to_owned(),
            Stage::Form => match &self.request().subject {
                Value::Str(text) if text.contains('\n') => "in this form, as one line (none goes back): ".to_owned(),
                Value::Str(text) => format!("now: {}\nin this form (none goes back): ", line(text)),
                Value::Null => "in this form (none goes back): ".to_owned(),
                json => format!("now: {json}\nin this form, as JSON (none goes back): "),
            },
            Stage::Answer if self.only(DecisionKind::Provide) => format!("answer (none leaves it for {LATER}): "),
            Stage::Answer => "answer (none goes back): ".to_owned(),
        }
    }

    /// The words of the decisions that fit.
    fn words(&self) -> Vec<&'static str> {
        self.request().actions.iter().filter_map(|kind| word(*kind)).collect()
    }

    fn decision(&mut self, line: &str) -> Reply {
        if let Some(option) = self.option(line) {
            return Reply::Decide(Decision::select(option));
        }
        let typed = line.to_lowercase();
        if !typed.is_empty() && LATER.starts_with(&typed) {
            return Reply::Later;
        }
        let Some(kind) = self.kind(&typed) else { return self.again(&self.what_fits(line)) };
        self.stage = match kind {
            DecisionKind::Approve => return Reply::Decide(Decision::approve()),
            DecisionKind::ApproveForRun => return Reply::Decide(Decision::ApproveForRun { comment: None }),
            DecisionKind::Retry => return Reply::Decide(Decision::Retry),
            DecisionKind::Reject => Stage::Reason,
            DecisionKind::Edit => Stage::Form,
            DecisionKind::Provide => Stage::Answer,
            _ => return self.again(&self.what_fits(line)),
        };
        Reply::Ask(self.prompt())
    }

    /// The decision that a word, its beginning, or yes or no stands for.
    fn kind(&self, typed: &str) -> Option<DecisionKind> {
        let means = |kind: DecisionKind| match kind {
            DecisionKind::Approve if ["y", "yes"].contains(&typed) => true,
            DecisionKind::Reject if ["n", "no"].contains(&typed) => true,
            kind => !typed.is_empty() && word(kind).is_some_and(|word| word.starts_with(typed)),
        };
        self.request().actions.iter().copied().find(|kind| means(*kind))
    }

    /// An option by its text or its number.
    fn option(&self, line: &str) -> Option<Arc<str>> {
        if !self.request().actions.contains(&DecisionKind::Select) {
            return None;
        }
        let options = &self.request().options;
        let same = |option: &&Arc<str>| option.to_lowercase() == line.to_lowercase();
        let numbered = || options.get(line.parse::<usize>().ok()?.checked_sub(1)?);
        options
            .iter()
            .find(|option| &***option == line)
            .or_else(|| options.iter().find(same))
            .or_else(numbered)
            .cloned()
    }

    fn what_fits(&self, line: &str) -> String {
        let hint = |kind: &DecisionKind| match kind {
            DecisionKind::Approve => "`approve` or `y`".to_owned(),
            DecisionKind::Reject => "`reject` or `n`".to_owned(),
            DecisionKind::Select => "the number or the text of an option".to_owned(),
            kind => word(*kind).map_or_else(String::new, |word| format!("`{word}`")),
        };
        let hints: Vec<String> = self.request().actions.iter().map(hint).collect();
        let misfit = if line.is_empty() { "nothing was typed".to_owned() } else { format!("`{line}` fits nothing") };
        format!("{misfit}: type {}, or `{LATER}`", hints.join(", "))
    }

    /// A better form of the subject: JSON in the place of anything but text.
    fn form(&self, line: &str) -> Result<Payload, String> {
        match &self.request().subject {
            Value::Str(_) | Value::Null => payload(Value::from(line)),
            _ => Value::from_json_text(line).map_err(|error| not_json(&error)).and_then(payload),
        }
    }

    /// An answer: JSON that is no single word, if the question is not about text.
    fn answer(&self, line: &str) -> Value {
        let may_be_json = !matches!(self.request().subject, Value::Str(_)) && line.starts_with(['{', '[']);
        let json = may_be_json.then(|| Value::from_json_text(line).ok()).flatten();
        json.unwrap_or_else(|| Value::from(line))
    }
}

fn payload(value: Value) -> Result<Payload, String> {
    Payload::new(value).map_err(|error| error.to_string())
}

fn not_json(error: &ValueError) -> String {
    match error {
        ValueError::Syntax(reason) => format!("this is not JSON: {reason}; text stands in double quotes"),
        limit => limit.to_string(),
    }
}

/// The word to type for a decision.
fn word(kind: DecisionKind) -> Option<&'static str> {
    match kind {
        DecisionKind::Approve => Some("approve"),
        DecisionKind::Reject => Some("reject"),
        DecisionKind::Edit => Some("edit"),
        DecisionKind::Select => Some("select"),
        DecisionKind::Provide => Some("provide"),
        DecisionKind::Retry => Some("try again"),
        DecisionKind::ApproveForRun => Some("for the run"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kneo::event::TaskOpened;
    use kneo::plan::{OnTimeout, RequestType};
    use kneo::task::TaskCause;
    use kneo::{Name, Namespace, Path, RunId, RunKey, TaskId, Timestamp};

    use super::DecisionKind::{Approve, ApproveForRun, Edit, Provide, Reject, Retry, Select};
    use super::*;

    fn row(cause: TaskCause, subject: Value, actions: &[DecisionKind]) -> TaskRow {
        let mut request = Request::new(cause, "Well?", subject, actions.to_vec());
        request.options = vec![Arc::from("Release as it is"), Arc::from("drop it"), Arc::from("7")];
        let (digest, task) = (request.digest().unwrap(), TaskId::from_bytes([7; 16]));
        let (request, assignees, deadline) = (Arc::new(request), Vec::new(), None);
        let opened = TaskOpened { task, request, digest, assignees, deadline, on_timeout: OnTimeout::Fail };
        let key = RunKey::new(Namespace::default(), RunId::from_bytes([1; 16]));
        TaskRow::open(key, Path::root(), Timestamp::default(), &opened)
    }

    fn about(subject: Value, actions: &[DecisionKind]) -> Dialogue {
        Dialogue::new(row(TaskCause::Step(RequestType::Approval), subject, actions))
    }

    fn text() -> Value {
        Value::from("one\ntwo")
    }

    fn map() -> Value {
        Value::map([("week", Value::from(46))]).unwrap()
    }

    /// What comes of some lines, up to the first that ends the talk.
    fn talk(mut dialogue: Dialogue, lines: &[&str]) -> Option<Decision> {
        for line in lines {
            match dialogue.take(line) {
                Reply::Ask(_) => {}
                Reply::Decide(decision) => return Some(decision),
                Reply::Later => return None,
            }
        }
        panic!("{lines:?} decide nothing");
    }

    fn content(value: Value) -> Payload {
        Payload::new(value).unwrap()
    }

    #[test]
    fn a_decision_is_read_by_its_first_letters_and_by_yes_and_no() {
        let edit = Some(Decision::Edit { content: content(Value::from("Tea")) });
        let provide = Some(Decision::Provide { content: content(Value::from("it is done")) });
        for (lines, decision) in [
            (&["a"][..], Some(Decision::approve())),
            (&["Approve"], Some(Decision::approve())),
            (&["y"], Some(Decision::approve())),
            (&["yes"], Some(Decision::approve())),
            (&["n", ""], Some(Decision::reject())),
            (&["no", "too long"], Some(Decision::reject_because("too long"))),
            (&["rej", "too long"], Some(Decision::reject_because("too long"))),
            (&["e", "Tea"], edit),
            (&["p", "it is done"], provide.clone()),
            (&["p", "", "provide", "it is done"], provide),
            (&["t"], Some(Decision::Retry)),
            (&["f"], Some(Decision::ApproveForRun { comment: None })),
            (&["for the run"], Some(Decision::ApproveForRun { comment: None })),
            (&["", "what?", "yesno", "l"], None),
        ] {
            assert_eq!(
                talk(about(text(), &[Approve, Reject, Edit, Provide, Retry, ApproveForRun]), lines),
                decision,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn an_option_is_chosen_by_its_text_or_its_number() {
        for (line, option) in
            [("drop it", "drop it"), ("RELEASE AS IT IS", "Release as it is"), ("2", "drop it"), ("7", "7")]
        {
            assert_eq!(talk(about(text(), &[Select]), &[line]), Some(Decision::select(option)));
        }
        assert_eq!(talk(about(text(), &[Select]), &["0", "4", "select", "drop", "later"]), None);
        // Where nothing is to be chosen, a number is no answer.
        assert_eq!(talk(about(text(), &[Approve]), &["1", "y"]), Some(Decision::approve()));
    }

    #[test]
    fn what_fits_is_said_to_whoever_types_what_does_not() {
        for (actions, said) in [
            (
                &[Approve, Reject][..],
                "`what?` fits nothing: type `approve` or `y`, `reject` or `n`, or `later`\napprove, reject or later? ",
            ),
            (
                &[Select],
                "`what?` fits nothing: type the number or the text of an option, or `later`\nwhich, from 1 to 3, or later? ",
            ),
            (&[Edit, Retry], "`what?` fits nothing: type `edit`, `try again`, or `later`\nedit, try again or later? "),
        ] {
            assert_eq!(about(text(), actions).take("what?"), Reply::Ask(said.to_owned()));
        }
        let Reply::Ask(said) = about(text(), &[Approve]).take("") else { panic!("it asks again") };
        assert!(said.starts_with("nothing was typed: type `approve`"), "{said}");
    }

    #[test]
    fn a_free_answer_needs_no_word_before_it() {
        let provided = |value| Some(Decision::Provide { content: content(value) });
        assert_eq!(talk(about(text(), &[Provide]), &["later is better"]), provided(Value::from("later is better")));
        assert_eq!(talk(about(text(), &[Provide]), &["[1]"]), provided(Value::from("[1]")));
        assert_eq!(talk(about(map(), &[Provide]), &["[1]"]), provided(Value::from_json_text("[1]").unwrap()));
        assert_eq!(talk(about(map(), &[Provide]), &["[sic] 1"]), provided(Value::from("[sic] 1")));
        assert_eq!(talk(about(map(), &[Provide]), &[""]), None);
    }

    #[test]
    fn a_map_is_edited_as_json_and_never_becomes_text_by_mistake() {
        let mut dialogue = about(map(), &[Approve, Edit]);
        let Reply::Ask(prompt) = dialogue.take("edit") else { panic!("it asks for the form") };
        assert_eq!(prompt, "now: {\"week\":46}\nin this form, as JSON (none goes back): ");
        let Reply::Ask(said) = dialogue.take("week 47") else { panic!("it asks again") };
        assert!(
            said.starts_with("this is not JSON: expected value at line 1 column 1; text stands in double quotes\nnow"),
            "{said}"
        );
        let edited = Value::map([("week", Value::from(47))]).unwrap();
        assert_eq!(dialogue.take("{\"week\": 47}"), Reply::Decide(Decision::Edit { content: content(edited) }));
        assert_eq!(talk(about(map(), &[Approve, Edit]), &["e", "", "y"]), Some(Decision::approve()));
    }

    #[test]
    fn a_question_shows_what_it_is_about() {
        let shown = |dialogue: &Dialogue| anstream::adapter::strip_str(&dialogue.opening("agree", "")).to_string();
        assert_eq!(
            shown(&about(text(), &[Select])),
            "\n? agree asks: Well?\n  │ one\n  │ two\n  1. Release as it is\n  2. drop it\n  3. 7\nwhich, from 1 to 3, or later? "
        );
        let cause = TaskCause::Approval { of: Name::new("save_notes").unwrap() };
        let mut row = row(
            cause,
            Value::map([("text", Value::from("# 2.4.0\n\n".repeat(30) + "end"))]).unwrap(),
            &[Approve, Reject],
        );
        Arc::get_mut(&mut row.request).unwrap().options.clear();
        let task = row.task;
        let shown = shown(&Dialogue::new(row));
        assert!(shown.starts_with("\n? agree asks: may `save_notes` run?\n  │ text:\n  │   # 2.4.0\n  │\n"), "{shown}");
        let end = format!("\n  │ … 22 more lines: `kneo human get {task}`\napprove, reject or later? ");
        assert!(shown.ends_with(&end), "{shown}");
    }
}
