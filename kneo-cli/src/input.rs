//! The input of a run.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use kneo::Value;
use kneo::plan::Plan;

use crate::dash;
use crate::json;
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

    /// The run's input from a file, `-` being standard input: as `--input`, or JSON if the file's name ends in `.json`
    #[arg(long, value_name = "FILE")]
    input_file: Option<PathBuf>,
}

impl InputArgs {
    /// The input for a plan; null if there is none.
    pub(crate) fn read(&self, plan: &Plan) -> Result<Value, Problem> {
        if let Some(text) = &self.input_json {
            return json::read("the input", text);
        }
        if let Some(path) = &self.input_file {
            let text = text(path).map_err(|error| unreadable(path, &error))?;
            let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
            return if is_json { json::read("the input", &text) } else { text_or_json(&text, plan) };
        }
        self.input.as_ref().map_or(Ok(Value::Null), |text| text_or_json(text, plan))
    }

    /// Says what the spec asks for where nothing was given and nothing does not fit.
    pub(crate) fn or_missing(&self, plan: &Plan, problem: Problem) -> Problem {
        let given = self.input.is_some() || self.input_json.is_some() || self.input_file.is_some();
        if given || problem.code != "input_invalid" {
            return problem;
        }
        let help = match required(plan).as_slice() {
            _ if takes_text(plan) => "give it with `--input TEXT` or `--input-file FILE`".to_owned(),
            [] => "give it with `--input-json JSON` or `--input-file FILE.json`".to_owned(),
            fields => {
                let fields: Vec<String> = fields.iter().map(|field| format!("\"{field}\": …")).collect();
                format!("give it with `--input-json '{{{}}}'` or `--input-file FILE.json`", fields.join(", "))
            }
        };
        let message = format!("`{}` asks for an input, and none was given", plan.name);
        Problem::new("input_invalid", message).with_help(help)
    }
}

/// The fields that the input must have.
fn required(plan: &Plan) -> Vec<&str> {
    let Some(Value::List(fields)) = schema(plan).and_then(|schema| schema.get("required")) else { return Vec::new() };
    fields.items().iter().filter_map(Value::as_str).collect()
}

fn text_or_json(text: &str, plan: &Plan) -> Result<Value, Problem> {
    if takes_text(plan) { Ok(Value::from(text)) } else { json::read("the input", text) }
}

/// Whether the spec's `inputs` allows text at all.
fn takes_text(plan: &Plan) -> bool {
    match schema(plan).and_then(|schema| schema.get("type")) {
        Some(Value::Str(kind)) => &**kind == "string",
        Some(Value::List(kinds)) => kinds.items().iter().any(|kind| kind.as_str() == Some("string")),
        _ => true,
    }
}

fn schema(plan: &Plan) -> Option<&Value> {
    plan.schema(plan.input?)
}

fn text(path: &Path) -> io::Result<String> {
    if !dash::is_meant(path) {
        return std::fs::read_to_string(path);
    }
    String::from_utf8(dash::read(u64::MAX)?).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    file_problem("the input", path, error)
}

/// The problem of a file that cannot be read.
pub(crate) fn file_problem(what: &str, path: &Path, error: &std::io::Error) -> Problem {
    let path = dash::name(path);
    match error.kind() {
        std::io::ErrorKind::NotFound => Problem::new("file_not_found", format!("there is no file `{path}`")),
        std::io::ErrorKind::InvalidData => Problem::new("file_not_utf8", format!("`{path}` is not UTF-8")),
        _ => Problem::new("file_unreadable", format!("cannot read {what} in `{path}`: {error}")),
    }
}
