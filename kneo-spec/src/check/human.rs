//! Rules about people who are asked.

use kneo_core::plan::RequestType;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick, tick_list};
use crate::document::{Component, Document, Human, Linked, StepKind};

/// Options, defaults and deadlines of every human.
pub(super) fn humans(document: &Document<Linked>, sink: &mut Diagnostics) {
    for human in &document.humans {
        options(&human.body, sink);
    }
    deadlines(document, sink);
}

fn options(human: &Human<Linked>, sink: &mut Diagnostics) {
    match (&human.options, human.request) {
        (None, Some(request)) if request.value == RequestType::Selection => sink.push(
            Diagnostic::new(Code::SelectionOptions, request.span, "a `selection` has nothing to choose from")
                .help("add `options:` with at least one option"),
        ),
        (Some(options), request) if human.request() != RequestType::Selection => {
            let diagnostic = Diagnostic::new(Code::SelectionOptions, options.span, "`options` have no effect here")
                .help("write `request_type: selection`, or remove `options`");
            sink.push(match request {
                Some(request) => diagnostic.label(request.span, "not a `selection`"),
                None => diagnostic,
            });
        }
        _ => {}
    }
    let Some(default) = &human.default_option else {
        return;
    };
    let options = human.options.as_ref().map(|options| options.value.as_slice());
    let options = options.unwrap_or_default();
    if !options.contains(&default.value) {
        let help = if options.is_empty() {
            "remove it, or add `options:`".to_owned()
        } else {
            format!("write {}", tick_list(options.iter().map(|option| &**option).take(8)))
        };
        sink.push(
            Diagnostic::new(
                Code::DefaultOption,
                default.span,
                format!("{} is not one of the options", tick(&default.value)),
            )
            .help(help),
        );
    }
}

/// The deadline is on the step or on the human; without one `on_timeout` means nothing.
fn deadlines(document: &Document<Linked>, sink: &mut Diagnostics) {
    let mut has_deadline: Vec<bool> = document.humans.iter().map(|human| human.body.timeout_ms.is_some()).collect();
    for workflow in &document.workflows {
        for step in &workflow.body.steps {
            let (StepKind::Human(human), Some(on_step)) = (&step.kind, &step.timeout_ms) else {
                continue;
            };
            let Some(Component { body, .. }) = document.humans.get(human.get()) else {
                continue;
            };
            if let Some(on_human) = &body.timeout_ms {
                sink.push(
                    Diagnostic::new(
                        Code::TimeoutTwice,
                        on_step.span,
                        "this step and its human both have `timeout_seconds`",
                    )
                    .label(on_human.span, "the human's")
                    .help("keep one of the two"),
                );
            }
            if let Some(has_deadline) = has_deadline.get_mut(human.get()) {
                *has_deadline = true;
            }
        }
    }
    for (human, has_deadline) in document.humans.iter().zip(has_deadline) {
        if let Some(on_timeout) = human.body.on_timeout.filter(|_| !has_deadline) {
            sink.push(
                Diagnostic::new(
                    Code::OnTimeoutUnused,
                    on_timeout.span,
                    "`on_timeout` has no effect: the question stays open for ever",
                )
                .help("add `timeout_seconds:`"),
            );
        }
    }
}
