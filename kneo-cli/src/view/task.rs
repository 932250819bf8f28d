//! Human tasks.

use kneo::clock::Clock as _;
use kneo::plan::{OnTimeout, RequestType};
use kneo::system::SystemClock;
use kneo::task::{Decision, Request, TaskCause, TaskRow, TaskState};
use kneo::{Name, Value};
use owo_colors::OwoColorize;
use serde_json::{Value as Json, json};

use super::actor;
use super::typed::commands;
use crate::answer::Answer;
use crate::places::Places;
use crate::visible::{line, lines};

/// A human task.
pub(crate) fn task(row: &TaskRow, places: &Places) -> Json {
    let request = &row.request;
    let (cause, of, kind) = match &request.cause {
        TaskCause::Step(kind) => ("step", None, Some(request_type(*kind))),
        TaskCause::Approval { of } => ("approval", Some(of), None),
        TaskCause::Uncertain { of } => ("uncertain", Some(of), None),
        _ => ("other", None, None),
    };
    let decision = match &row.state {
        TaskState::Decided(decision) => json!({
            "kind": decision.kind.as_str(), "by": actor(&decision.by), "at": decision.at.to_string(),
        }),
        _ => Json::Null,
    };
    json!({
        "task_id": row.task.to_string(),
        "run_id": row.run.run.to_string(),
        "place": places.of(row.run.run, &row.path),
        "state": row.state.as_str(),
        "cause": cause,
        "of": of.map(|name| name.as_str()),
        "request_type": kind,
        "description": &*request.description,
        "subject": request.subject.to_json(),
        "context": request.context.to_json(),
        "actions": request.actions.iter().map(|action| action.as_str()).collect::<Vec<_>>(),
        "options": request.options.iter().map(|option| &**option).collect::<Vec<_>>(),
        "default_option": request.default_option.as_deref(),
        "assignees": row.assignees.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        "opened_at": row.opened_at.to_string(),
        "deadline": row.deadline.map(|at| at.to_string()),
        "overdue": is_overdue(row),
        "on_timeout": on_timeout(row.on_timeout),
        "escalated_at": row.escalated_at.map(|at| at.to_string()),
        "digest": row.digest.to_string(),
        "decision": decision,
    })
}

/// An answer in full: `{"kind", "by", "at", "content", "option", "reason"}`.
pub(crate) fn answer(answer: &Answer) -> Json {
    let (content, option, reason) = match &answer.decision {
        Decision::Approve { comment: reason }
        | Decision::ApproveForRun { comment: reason }
        | Decision::Reject { reason } => (None, None, reason.as_deref()),
        Decision::Edit { content } | Decision::Provide { content } => (Some(content.value().to_json()), None, None),
        Decision::Select { option } => (None, Some(&**option), None),
        Decision::Retry => (None, None, None),
    };
    json!({
        "kind": answer.decision.kind().as_str(),
        "by": answer.by.as_ref().map(actor),
        "at": answer.at.to_string(),
        "content": content,
        "option": option,
        "reason": reason,
    })
}

fn request_type(kind: RequestType) -> &'static str {
    match kind {
        RequestType::Approval => "approval",
        RequestType::Review => "review",
        RequestType::Correction => "correction",
        RequestType::Selection => "selection",
        RequestType::Freeform => "freeform",
    }
}

fn on_timeout(rule: OnTimeout) -> &'static str {
    match rule {
        OnTimeout::Fail => "fail",
        OnTimeout::Continue => "continue",
        OnTimeout::Escalate => "escalate",
    }
}

/// The question in words; what the runtime asks by itself without the paths by which it knows places.
pub(crate) fn question(request: &Request) -> String {
    match &request.cause {
        TaskCause::Approval { of } => format!("may `{of}` run?"),
        TaskCause::Uncertain { of } => format!("`{of}` was running when its worker was lost: did it happen?"),
        _ => request.description.to_string(),
    }
}

/// The most of a subject that stands behind a question, in characters.
const SHORT: usize = 60;

/// The question in one place with what it is about, so that two calls of one tool can be told apart.
pub(crate) fn asked(request: &Request) -> String {
    let about = match (&request.cause, &request.subject) {
        (TaskCause::Approval { .. } | TaskCause::Uncertain { .. }, subject) => brief(subject),
        _ => String::new(),
    };
    let (question, between) = (question(request), if about.is_empty() { "" } else { " " });
    format!("{question}{between}{about}")
}

/// A value in as many words as there is room for.
fn brief(value: &Value) -> String {
    // In quotes where the text could pass for more than one value.
    let short = |value: &Value| match value {
        Value::Str(text) if !text.is_empty() && !text.contains([',', ':', '"', '…']) => text.to_string(),
        other => other.to_string(),
    };
    let text = match value {
        Value::Null => String::new(),
        Value::Map(map) => {
            map.into_iter().map(|(key, value)| format!("{key}: {}", short(value))).collect::<Vec<_>>().join(", ")
        }
        other => short(other),
    };
    // Its lines would look like those of the question.
    let text = line(&text);
    match text.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.into_owned(),
    }
}

/// In the order in which they were asked; at one time in that of the places, such as calls of one turn.
pub(crate) fn in_order(tasks: &mut [TaskRow]) {
    tasks.sort_by(|one, other| {
        let key = |row: &TaskRow| (row.opened_at, row.run.run, row.path.clone());
        key(one).cmp(&key(other))
    });
}

/// Whether it is too late to answer an open task: whoever gets its run on says what follows.
pub(crate) fn is_overdue(row: &TaskRow) -> bool {
    let closes = row.deadline.filter(|_| row.on_timeout != OnTimeout::Escalate);
    row.state == TaskState::Open && closes.is_some_and(|at| at <= SystemClock.now())
}

/// What gets the run of an overdue task on.
pub(crate) fn gets_on(row: &TaskRow, store_again: &str) -> String {
    format!("overdue: `kneo runs resume {}{store_again}` gets it on", row.run.run)
}

/// A task that waits, for people: who is asked what, and what to type.
pub(crate) fn waiting(row: &TaskRow, places: &Places, store_again: &str) -> String {
    let place = places.of(row.run.run, &row.path);
    let (mark, who) = ("?".yellow(), assigned(row));
    if is_overdue(row) {
        let (mark, question, on) = (mark.bold(), lines(&asked(&row.request)), gets_on(row, store_again));
        return format!("{mark} {place} waited for {who}: {question}\n    {on}");
    }
    let until = row.deadline.map_or_else(String::new, |at| format!(" until {at}"));
    let mut text = format!("{} {place} waits for {who}{until}: {}", mark.bold(), lines(&asked(&row.request)));
    for command in commands(row, store_again) {
        text.push_str(&format!("\n    {command}"));
    }
    text
}

/// For whom a task is.
pub(crate) fn assigned(row: &TaskRow) -> String {
    let names: Vec<&str> = row.assignees.iter().map(Name::as_str).collect();
    if names.is_empty() { "anybody".to_owned() } else { names.join(" or ") }
}
