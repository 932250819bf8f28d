//! Rules about running something again.

use kneo_core::plan::Effect;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Document, Linked, Running, Terms};

/// What happens to a write that was in flight at a crash is said of writes only.
pub(super) fn uncertain(document: &Document<Linked>, sink: &mut Diagnostics) {
    for tool in &document.tools {
        in_doubt(&tool.body.running, &document.terms_of_tool(&tool.body), sink);
    }
    for server in &document.servers {
        in_doubt(&server.body.tools.running, &server.body.terms(), sink);
    }
    for function in &document.functions {
        in_doubt(&function.body.running, &function.body.terms(), sink);
    }
}

fn in_doubt(written: &Running<Linked>, terms: &Terms<'_>, sink: &mut Diagnostics) {
    if let Some(on_uncertain) = &written.on_uncertain
        && terms.effect != Effect::Write
    {
        sink.push(
            Diagnostic::new(
                Code::FieldNotAllowed,
                on_uncertain.span,
                "`on_uncertain` has no effect on what may run again",
            )
            .help("remove it, or write `effect: write`"),
        );
    }
}
