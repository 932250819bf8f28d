//! How runs, tasks and events look. The shapes of JSON are a public interface.

mod event;
mod failure;
mod run;
mod shown;
mod task;
mod typed;

pub(crate) use event::event;
pub(crate) use failure::{ended, failure};
pub(crate) use run::{listed, run};
pub(crate) use shown::shown;
pub(crate) use task::{answer, asked, assigned, gets_on, in_order, is_overdue, question, task, waiting};

use kneo::{Actor, Value};

/// Who is behind something: a name, a worker's id, or nothing for the host program itself.
pub(crate) fn actor(actor: &Actor) -> serde_json::Value {
    match actor {
        Actor::Host => serde_json::Value::Null,
        actor => actor.to_string().into(),
    }
}

/// A value for people: text as it is, anything else as indented JSON.
pub(crate) fn readable(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        other => serde_json::to_string_pretty(&other.to_json()).unwrap_or_else(|_| other.to_string()),
    }
}
