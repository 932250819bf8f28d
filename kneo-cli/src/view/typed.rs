//! What to type to answer a task.

use kneo::Value;
use kneo::task::{DecisionKind, TaskRow};

use crate::person::user;
use crate::shell::quoted;

/// The longest subject that stands in a command, in bytes.
const SHORT: usize = 100;

/// The commands that answer an open task, one for each answer, so that each can be pasted.
pub(crate) fn commands(row: &TaskRow, store_again: &str) -> Vec<String> {
    let by = by(row);
    let command = |option: String| format!("kneo human decide {}{option}{by}{store_again}", row.task);
    row.request.actions.iter().flat_map(|action| options(*action, row)).map(command).collect()
}

/// In whose name: an assignee's, unless the user is one.
fn by(row: &TaskRow) -> String {
    let is_user = |name| row.assignees.contains(name);
    match row.assignees.first() {
        Some(name) if !user().as_ref().is_some_and(is_user) => option("--by", name.as_str()),
        _ => String::new(),
    }
}

/// The options of `kneo human decide` that make a decision of a kind.
fn options(kind: DecisionKind, row: &TaskRow) -> Vec<String> {
    let request = &row.request;
    match kind {
        DecisionKind::Approve => vec![" --approve".to_owned()],
        DecisionKind::ApproveForRun => vec![" --approve-for-run".to_owned()],
        DecisionKind::Reject => vec![" --reject".to_owned()],
        DecisionKind::Edit => vec![match &request.subject {
            Value::Null => " --edit TEXT".to_owned(),
            Value::Str(text) if text.len() > SHORT || text.contains('\n') => " --edit TEXT".to_owned(),
            Value::Str(text) => option("--edit", text),
            other => match other.to_string() {
                json if json.len() > SHORT => " --edit-json JSON".to_owned(),
                json => option("--edit-json", &json),
            },
        }],
        DecisionKind::Select => request.options.iter().map(|text| option("--select", text)).collect(),
        DecisionKind::Provide => vec![" --provide TEXT".to_owned()],
        DecisionKind::Retry => vec![" --retry".to_owned()],
        _ => Vec::new(),
    }
}

/// An option with its value; a value that looks like an option stands with it in one word.
fn option(name: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!(" {name}{between}{}", quoted(value))
}
