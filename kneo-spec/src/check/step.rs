//! Rules about single steps.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Flow, Linked, OnError, Workflow};

/// A fallback is another step; in a list of steps it also runs at its own place.
pub(super) fn fallbacks(workflow: &Workflow<Linked>, sink: &mut Diagnostics) {
    for (at, step) in workflow.steps.iter().enumerate() {
        let OnError::Fallback(fallback, span) = step.on_error else {
            continue;
        };
        if fallback.0 == at {
            sink.push(
                Diagnostic::new(Code::FallbackRef, span, "a step cannot be its own fallback")
                    .help("name another step, or write `max_retries:` to try the same one again"),
            );
            continue;
        }
        let Some(target) = workflow.steps.get(fallback.0) else {
            continue;
        };
        match workflow.flow {
            Flow::Graph(_) | Flow::Open => {}
            Flow::Sequential | Flow::Concurrent(_) => sink.push(
                Diagnostic::new(
                    Code::FallbackTwice,
                    span,
                    format!("the fallback {} also runs at its own place", tick(target.id.value.as_str())),
                )
                .label(target.id.span, "it runs here too, whatever happened before")
                .help("use a graph, where a fallback needs no edge, if it shall run only in place of another"),
            ),
        }
    }
}
