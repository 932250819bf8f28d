//! What to say when the runtime refuses.

use kneo::RuntimeError;

use crate::host::lacking;
use crate::problem::Problem;

/// The problem of what the runtime refused.
pub(crate) fn runtime_problem(error: RuntimeError) -> Problem {
    let problem = Problem::new(error.code(), error.to_string());
    match error {
        RuntimeError::NotAuthorised { assignees, .. } => match assignees.first() {
            Some(name) => problem.with_help(format!("decide in the name of an assignee: `--by {name}`")),
            None => problem,
        },
        RuntimeError::RequirementsMissing(error) => lacking(&error),
        RuntimeError::InputInvalid { .. } => {
            problem.with_help("give what the spec's `inputs` ask for, with `--input`, `--input-json` or `--input-file`")
        }
        RuntimeError::DecisionInvalid { task, .. } => {
            problem.with_help(format!("see what is asked with `kneo human get {task}`"))
        }
        RuntimeError::InvalidState { run, .. } => problem.with_help(format!("see it with `kneo runs get {run}`")),
        RuntimeError::AlreadyDecided { task, .. } => problem.with_help(format!("see it with `kneo human get {task}`")),
        RuntimeError::Held { run, .. } => {
            problem.with_help(format!("see how it gets on: `kneo runs events {run} --follow`"))
        }
        _ => problem,
    }
}
