//! JSON that somebody typed.

use kneo::{Value, ValueError};

use crate::problem::Problem;

/// Reads it; `what` it is stands in the problem.
pub(crate) fn read(what: &str, text: &str) -> Result<Value, Problem> {
    Value::from_json_text(text).map_err(|error| match error {
        ValueError::Syntax(reason) => Problem::new("input_invalid", format!("{what} is not JSON: {reason}"))
            .with_help("write it as in `{\"name\": \"value\"}`, and text as in `\"text\"`"),
        limit => Problem::new("input_invalid", format!("{what} cannot be used: {limit}"))
            .with_help("keep it within what values hold: numbers as text, and less of it inside each other"),
    })
}
