//! The input of a run.

use std::path::{Path, PathBuf};

use kneo::Value;
use kneo::plan::Plan;

use crate::problem::Problem;

/// The input, in one of three ways.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct InputArgs {
    /// The run's input: text, or JSON if the spec's `inputs` takes no text
    #[arg(long, value_name = "TEXT")]
    input: Option<String>,

    /// The run's input as JSON
    #[arg(long, value_name = "JSON")]
    input_json: Option<String>,

    /// The run's input from a file: as `--input`, or JSON if the file's name ends in `.json`
    #[arg(long, value_name = "FILE")]
    input_file: Option<PathBuf>,
}

impl InputArgs {
    /// The input for a plan; null if there is none.
    pub(crate) fn read(&self, plan: &Plan) -> Result<Value, Problem> {
        if let Some(text) = &self.input_json {
            return json(text);
        }
        if let Some(path) = &self.input_file {
            let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
            return if is_json { json(&text) } else { text_or_json(&text, plan) };
        }
        self.input.as_ref().map_or(Ok(Value::Null), |text| text_or_json(text, plan))
    }
}

fn text_or_json(text: &str, plan: &Plan) -> Result<Value, Problem> {
    if takes_text(plan) { Ok(Value::from(text)) } else { json(text) }
}

/// Whether the spec's `inputs` allows text at all.
fn takes_text(plan: &Plan) -> bool {
    let kind = plan.input.and_then(|at| plan.schema(at)).and_then(|schema| schema.get("type"));
    match kind {
        Some(Value::Str(kind)) => &**kind == "string",
        Some(Value::List(kinds)) => kinds.items().iter().any(|kind| kind.as_str() == Some("string")),
        _ => true,
    }
}

fn json(text: &str) -> Result<Value, Problem> {
    Value::from_json_text(text)
        .map_err(|error| Problem::new("input_invalid", format!("the input is not JSON: {error}")))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => "file_not_found",
        std::io::ErrorKind::InvalidData => "file_not_utf8",
        _ => "file_unreadable",
    };
    Problem::new(code, format!("cannot read the input in `{}`: {error}", path.display()))
}
