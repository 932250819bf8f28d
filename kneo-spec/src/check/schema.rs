//! Rules about JSON Schemas.

use kneo_core::schema::Schema;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Document, JsonSchema, Linked};
use crate::syntax::Tree;

/// Every schema of the spec is a valid one, and refers to nothing outside itself.
pub(super) fn schemas(document: &Document<Linked>, tree: &Tree, sink: &mut Diagnostics) {
    let outputs = document.outputs.iter().flatten();
    let all = document
        .inputs
        .iter()
        .chain(outputs.filter_map(|output| output.schema.as_ref()))
        .chain(document.tools.iter().filter_map(|tool| tool.body.parameters.as_ref()));
    for schema in all {
        check(schema, tree, sink);
    }
}

fn check(schema: &JsonSchema, tree: &Tree, sink: &mut Diagnostics) {
    let Err(error) = Schema::compile(&schema.value) else {
        return;
    };
    let span = tree.place_of_pointer(schema.node, &error.pointer);
    let diagnostic = Diagnostic::new(Code::Schema, span, "this is not a JSON Schema");
    sink.push(if error.pointer.ends_with("/type") {
        diagnostic.help("write `string`, `number`, `integer`, `boolean`, `object`, `array` or `null`")
    } else {
        diagnostic
            .primary(error.message.replace(['\n', '\r'], " "))
            .help("see https://json-schema.org/draft/2020-12/schema")
    });
}
