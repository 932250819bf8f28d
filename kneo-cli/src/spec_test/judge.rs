//! Whether a run came to what its test says.

use kneo::plan::Plan;
use kneo::spec::tests::{Expect, ExpectedError, Status};
use kneo::task::TaskRow;
use kneo::{Failure, Outcome, Value};

use super::cast::Cast;
use super::trail::{Trail, asked};

/// Something that is not as the test says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What it is about, as tests write it.
    pub(crate) about: &'static str,
    pub(crate) expected: String,
    pub(crate) actual: String,
}

impl Difference {
    pub(super) fn new(about: &'static str, expected: impl Into<String>, actual: impl Into<String>) -> Difference {
        Difference { about, expected: expected.into(), actual: actual.into() }
    }
}

/// The word for an outcome; a test never cancels its run.
pub(super) fn status(outcome: &Outcome) -> Option<Status> {
    match outcome {
        Outcome::Completed(_) => Some(Status::Completed),
        Outcome::Failed(_) => Some(Status::Failed),
        Outcome::TimedOut(_) => Some(Status::TimedOut),
        Outcome::Expired(_) => Some(Status::Expired),
        Outcome::Blocked(_) => Some(Status::Blocked),
        _ => None,
    }
}

pub(super) fn differences(
    expect: &Expect,
    outcome: &Outcome,
    plan: &Plan,
    trail: &Trail,
    cast: &Cast,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let failure = match outcome {
        Outcome::Failed(failure) | Outcome::TimedOut(failure) | Outcome::Expired(failure) => Some(failure),
        _ => None,
    };
    let actual = status(outcome);
    if actual != Some(expect.status) {
        let actual = actual.map_or("cancelled", Status::as_str);
        let why = failure.map(|failure| format!(": {}", told(failure))).unwrap_or_default();
        let asked = match outcome {
            Outcome::Blocked(tasks) => format!(": nobody answers {}", listed(&waiting(plan, tasks))),
            _ => String::new(),
        };
        found.push(Difference::new("status", expect.status.as_str(), format!("{actual}{why}{asked}")));
    }
    if let (Some(expected), Outcome::Completed(actual)) = (&expect.output, outcome)
        && expected != actual
    {
        found.push(Difference::new("output", shown(expected), shown(actual)));
    }
    if let (Some(expected), Some(actual)) = (&expect.error, failure)
        && !fits(expected, actual)
    {
        found.push(Difference::new("error", wanted(expected), told(actual)));
    }
    let sequences = [("path", &expect.path, &trail.steps), ("human_tasks", &expect.human_tasks, &trail.asked)];
    for (about, expected, actual) in sequences {
        if let Some(expected) = expected
            && !expected.iter().map(|name| &**name).eq(actual.iter().map(String::as_str))
        {
            found.push(Difference::new(about, listed(expected), listed(actual)));
        }
    }
    let ran = |tool: &str| trail.tools.iter().any(|known| known == tool);
    let all = || if trail.tools.is_empty() { "no tool ran".to_owned() } else { listed(&trail.tools) };
    for tool in expect.tools_called.iter().filter(|tool| !ran(tool)) {
        found.push(Difference::new("tools_called", format!("`{tool}`"), all()));
    }
    for tool in expect.tools_not_called.iter().filter(|tool| ran(tool)) {
        found.push(Difference::new("tools_not_called", format!("not `{tool}`"), all()));
    }
    let script = "all that the test says, and nothing else";
    found.extend(cast.complaints().into_iter().map(|complaint| Difference::new("script", script, complaint)));
    found
}

fn fits(expected: &ExpectedError, actual: &Failure) -> bool {
    expected.kind.is_none_or(|kind| kind == actual.kind)
        && expected.code.as_ref().is_none_or(|code| actual.code.as_ref() == Some(code))
        && expected.contains.as_ref().is_none_or(|text| actual.message.contains(&**text))
}

fn wanted(expected: &ExpectedError) -> String {
    let parts = [
        expected.kind.map(|kind| format!("kind `{kind}`")),
        expected.code.as_ref().map(|code| format!("code `{code}`")),
        expected.contains.as_ref().map(|text| format!("a message that contains `{text}`")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn told(failure: &Failure) -> String {
    let code = failure.code.as_ref().map(|code| format!(" (code `{code}`)")).unwrap_or_default();
    format!("kind `{}`{code}: {}", failure.kind, failure.message)
}

/// Those whose questions are open.
fn waiting(plan: &Plan, open: &[TaskRow]) -> Vec<String> {
    open.iter().filter_map(|task| asked(plan, &task.path, &task.request.cause)).collect()
}

fn listed<T: std::fmt::Display>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    format!("[{}]", names.join(", "))
}

/// A value on one line.
fn shown(value: &Value) -> String {
    value.to_string()
}
