//! The decision on the command line.

use kneo::task::{TaskRow, TaskState};
use kneo::{Decision, DecisionKind, Payload, Value};

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
    /// Refuses what cannot answer the question, in the words in which it was typed; whether the question is still open
    /// is not said here.
    pub(crate) fn fits(&self, task: &TaskRow) -> Result<(), Problem> {
        let request = &task.request;
        if task.state != TaskState::Open {
            return Ok(());
        }
        let unfit = |message: String| {
            let help = format!("see what is asked with `kneo human get {}`", task.task);
            Err(Problem::new("input_invalid", message).with_help(help))
        };
        if !request.actions.contains(&self.kind()) {
            let taken: Vec<String> =
                request.actions.iter().flat_map(|kind| typed(*kind)).map(|option| format!("`{option}`")).collect();
            let message = format!("`{}` does not fit {}: it takes {}", self.typed(), task.task, either(&taken));
            return unfit(message);
        }
        match &self.select {
            Some(option) if !request.options.iter().any(|known| **known == **option) => {
                let options: Vec<String> = request.options.iter().map(|option| format!("`{option}`")).collect();
                unfit(format!("`{option}` is no option of {}: it takes {}", task.task, either(&options)))
            }
            _ => self.fits_subject(task),
        }
    }

    /// The option that was typed.
    pub(crate) fn typed(&self) -> &'static str {
        match self.kind() {
            DecisionKind::Edit if self.edit_json.is_some() => "--edit-json",
            DecisionKind::Provide if self.provide_json.is_some() => "--provide-json",
            kind => typed(kind).first().copied().unwrap_or_default(),
        }
    }

    fn kind(&self) -> DecisionKind {
        [
            (self.approve, DecisionKind::Approve),
            (self.approve_for_run, DecisionKind::ApproveForRun),
            (self.reject, DecisionKind::Reject),
            (self.select.is_some(), DecisionKind::Select),
            (self.edit.is_some() || self.edit_json.is_some(), DecisionKind::Edit),
            (self.provide.is_some() || self.provide_json.is_some(), DecisionKind::Provide),
        ]
        .into_iter()
        .find_map(|(given, kind)| given.then_some(kind))
        .unwrap_or(DecisionKind::Retry)
    }

    /// Refuses a text that would stand in the place of something else.
    fn fits_subject(&self, task: &TaskRow) -> Result<(), Problem> {
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

/// The options that make a decision of a kind.
fn typed(kind: DecisionKind) -> &'static [&'static str] {
    match kind {
        DecisionKind::Approve => &["--approve"],
        DecisionKind::ApproveForRun => &["--approve-for-run"],
        DecisionKind::Reject => &["--reject"],
        DecisionKind::Edit => &["--edit", "--edit-json"],
        DecisionKind::Select => &["--select"],
        DecisionKind::Provide => &["--provide", "--provide-json"],
        DecisionKind::Retry => &["--retry"],
        _ => &[],
    }
}

/// `a, b or c`.
fn either(words: &[String]) -> String {
    match words {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        words => words.concat(),
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
