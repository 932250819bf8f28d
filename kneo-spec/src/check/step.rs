//! Rules about single steps.

use kneo_core::expr::{TextPart, TextTemplate};
use kneo_core::name::{MAX_NAME_BYTES, Name, NameError};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::document::{Flow, Linked, OnError, OnMax, StepIx, Workflow};

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
            Flow::Sequential | Flow::Concurrent(_) if target.fallback_only.is_some() => {}
            Flow::Sequential | Flow::Concurrent(_) => sink.push(
                Diagnostic::new(
                    Code::FallbackTwice,
                    span,
                    format!("the fallback {} also runs at its own place", tick(target.id.value.as_str())),
                )
                .label(target.id.span, "it runs here too, whatever happened before")
                .help("write `fallback_only: true` on it if it shall run only in place of another"),
            ),
        }
    }
}

/// A step that runs only in place of another is a fallback, and stands in no other way.
pub(super) fn fallback_only(workflow: &Workflow<Linked>, sink: &mut Diagnostics) {
    let mut used = vec![false; workflow.steps.len()];
    for step in &workflow.steps {
        match step.on_error {
            OnError::Fallback(StepIx(to), _) => used.get_mut(to).into_iter().for_each(|used| *used = true),
            // It may have named any of them.
            OnError::Broken => used.fill(true),
            OnError::Fail | OnError::Continue => {}
        }
    }
    for (step, used) in workflow.steps.iter().zip(used) {
        let Some(only) = step.fallback_only else { continue };
        let id = tick(step.id.value.as_str());
        if !used && workflow.whole {
            sink.push(
                Diagnostic::new(
                    Code::FallbackOnly,
                    only,
                    format!("the step {id} never runs: no step falls back to it"),
                )
                .help(format!(
                    "write `on_error: fallback` and `fallback_ref: {}` on another step, or remove `fallback_only`",
                    step.id.value
                )),
            );
        }
        if matches!(step.on_error, OnError::Continue | OnError::Fallback(..)) {
            sink.push(
                Diagnostic::new(
                    Code::FieldNotAllowed,
                    only,
                    format!(
                        "`on_error` of {id} has no effect: a step that runs in place of another has none of its own"
                    ),
                )
                .help("remove `on_error` from it, or remove `fallback_only`"),
            );
        }
    }
    let Flow::Graph(graph) = &workflow.flow else { return };
    let ways = graph.edges.iter().flat_map(|edge| {
        let beyond = match edge.max_visits.as_ref().map(|bound| &bound.on_max) {
            Some(OnMax::To { node, .. }) => Some(*node),
            _ => None,
        };
        [Some(edge.from), Some(edge.to), beyond].into_iter().flatten().map(|node| (node, edge.span))
    });
    let beyond = graph.max_steps.as_ref().and_then(|bound| match &bound.on_max {
        OnMax::To { node, .. } => Some((*node, bound.max.span)),
        _ => None,
    });
    let start = graph.start.map(|start| (start, workflow.span));
    for (node, span) in ways.chain(beyond).chain(start) {
        let Some(step) = workflow.steps.get(node.0) else { continue };
        if let Some(only) = step.fallback_only {
            sink.push(
                Diagnostic::new(
                    Code::FallbackOnly,
                    span,
                    format!("the node {} runs only in place of another", tick(step.id.value.as_str())),
                )
                .label(only, "as is said here")
                .help("a fallback needs no edge: remove this way, or remove `fallback_only`"),
            );
        }
    }
}

/// A key can be one, and tells one run from another.
pub(super) fn keys(workflow: &Workflow<Linked>, sink: &mut Diagnostics) {
    for key in workflow.steps.iter().filter_map(|step| step.idempotency_key.as_ref()) {
        if let Err(error) = perhaps(&key.value.code) {
            let why = match error {
                NameError::Empty => "it is empty",
                NameError::TooLong => "it is too long",
                _ => "it holds a control character, or white space at an end",
            };
            sink.push(
                Diagnostic::new(Code::InvalidName, key.span, format!("this can never be a key: {why}"))
                    .help("give 1 to 256 bytes without control characters, and without white space at the ends"),
            );
        } else if key.value.code.as_literal().is_some() {
            sink.push(
                Diagnostic::new(Code::ConstantKey, key.span, "this key is the same in every run")
                    .help("write a hole in it, such as `{{ input.id }}`, or leave it out for a key of the run"),
            );
        }
    }
}

/// A text that is a name if the template can give one at all.
fn perhaps(key: &TextTemplate) -> Result<Name, NameError> {
    let parts = key.parts().iter();
    let holes = parts.clone().filter(|part| matches!(part, TextPart::Hole(_))).count();
    let text: String = parts
        .map(|part| match part {
            TextPart::Text(text) => text,
            // Whatever it gives, what stands at an end stays there.
            TextPart::Hole(_) => "-",
        })
        .collect();
    match Name::new(&text) {
        Err(NameError::TooLong) if text.len() - holes <= MAX_NAME_BYTES => Name::new("-"),
        result => result,
    }
}
