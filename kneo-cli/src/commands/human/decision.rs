//! The decision on the command line.

use kneo::task::TaskRow;
use kneo::{Decision, Payload, Value};

use crate::json;
use crate::problem::Problem;
use crate::shell::quoted;

/// The decisions that say by themselves what they are for.
pub(crate) const WITHOUT_REASON: [&str; 6] = ["edit", "edit_json", "select", "provide", "provide_json", "retry"];

/// Exactly one decision.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false, id = "decision", args = ["approve", "approve_for_run", "reject", "edit", "edit_json", "select", "provide", "provide_json", "retry"])]
pub(crate) struct DecisionArgs {
    /// Yes
    #[arg(long)]
    approve: bool,

    /// Yes, and to every later call of the same tool in this run
    #[arg(long)]
    approve_for_run: bool,

    /// No
    #[arg(long)]
    reject: bool,

    /// Yes, in this better form
    #[arg(long, value_name = "TEXT")]
    edit: Option<String>,

    /// Yes, in this better form, as JSON
    #[arg(long, value_name = "JSON")]
    edit_json: Option<String>,

    /// This option
    #[arg(long, value_name = "OPTION")]
    select: Option<String>,

    /// This answer
    #[arg(long, value_name = "TEXT")]
    provide: Option<String>,

    /// This answer, as JSON
    #[arg(long, value_name = "JSON")]
    provide_json: Option<String>,

    /// Run again what was in flight at a crash
    #[arg(long)]
    retry: bool,
}

impl DecisionArgs {
    /// Refuses a text that would stand in the place of something else.
    pub(crate) fn fits(&self, task: &TaskRow) -> Result<(), Problem> {
        let (Some(text), subject) = (&self.edit, &task.request.subject) else { return Ok(()) };
        let what = match subject {
            Value::Str(_) | Value::Null => return Ok(()),
            Value::Map(_) => "a map",
            Value::List(_) => "a list",
            Value::Number(_) => "a number",
            Value::Bool(_) => "true or false",
        };
        let message = format!("`--edit` gives text, and what {} is about is {what}", task.task);
        let json = quoted(&Value::from(text.as_str()).to_string());
        Err(Problem::new("input_invalid", message)
            .with_help(format!("use `--edit-json JSON`; if it shall become this text, `--edit-json {json}`")))
    }

    /// The decision; the remark belongs to approvals and `--reject`.
    pub(crate) fn decision(self, remark: Option<String>) -> Result<Decision, Problem> {
        let remark = remark.map(Into::into);
        if self.approve {
            return Ok(Decision::Approve { comment: remark });
        }
        if self.approve_for_run {
            return Ok(Decision::ApproveForRun { comment: remark });
        }
        if self.reject {
            return Ok(Decision::Reject { reason: remark });
        }
        if let Some(option) = self.select {
            return Ok(Decision::select(option));
        }
        if let Some(content) = content(self.edit, self.edit_json)? {
            return Ok(Decision::Edit { content });
        }
        match content(self.provide, self.provide_json)? {
            Some(content) => Ok(Decision::Provide { content }),
            None => Ok(Decision::Retry),
        }
    }
}

fn content(text: Option<String>, json: Option<String>) -> Result<Option<Payload>, Problem> {
    let value = match (text, json) {
        (Some(text), _) => Value::from(text),
        (None, Some(json)) => json::read("the answer", &json)?,
        (None, None) => return Ok(None),
    };
    let payload = Payload::new(value).map_err(|error| Problem::new("payload_too_large", error.to_string()))?;
    Ok(Some(payload))
}
