//! What to say when the runtime refuses.

use kneo::{Name, RuntimeError};

use crate::host::lacking;
use crate::problem::Problem;
use crate::remedy;

/// The problem of what the runtime refused.
pub(crate) fn runtime_problem(error: RuntimeError) -> Problem {
    let problem = Problem::new(error.code(), error.to_string());
    match error {
        RuntimeError::NotAuthorised { by, assignees, .. } => {
            let names: Vec<&str> = assignees.iter().map(Name::as_str).collect();
            let them = names.join(" or ");
            match by.name() {
                Some(_) => problem.with_help(format!("this question is for {them}: leave it to {them}")),
                None => problem.with_help(format!("this question is for {them}; `--by NAME` says who you are")),
            }
        }
        RuntimeError::RequirementsMissing(error) => lacking(&error),
        RuntimeError::InputInvalid { .. } => {
            problem.with_help("give what the spec's `inputs` ask for, with `--input`, `--input-json` or `--input-file`")
        }
        RuntimeError::NameInvalid { .. } => match remedy::of("name_invalid") {
            Some(remedy) => problem.with_help(remedy.help),
            None => problem,
        },
        RuntimeError::DecisionInvalid { task, .. } => {
            problem.with_help(format!("see what is asked with `kneo human get {task}`"))
        }
        RuntimeError::InvalidState { run, action, status, .. } => {
            Problem::new("invalid_state", format!("cannot {action} {run}: it is {status}"))
                .with_help(format!("it is over; see it with `kneo runs get {run}`"))
        }
        RuntimeError::TaskClosed { task, .. } | RuntimeError::AlreadyDecided { task, .. } => {
            problem.with_help(format!("see it with `kneo human get {task}`"))
        }
        RuntimeError::Held { run, .. } => {
            problem.with_help(format!("see how it gets on: `kneo runs events {run} --follow`"))
        }
        _ => problem,
    }
}
