//! Expressions: from text to the tree that a plan carries.

use std::sync::Arc;

use kneo_core::expr::{Expr, TextPart, TextTemplate, ValueTemplate};
use kneo_core::value::{Number, Value};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::syntax::{Kind, NodeId, Text, Tree};
use crate::vocabulary::{Compiled, Vocabulary};

/// Compiles a bare expression.
pub(crate) fn compile(text: &Text, _vocabulary: &dyn Vocabulary, sink: &mut Diagnostics) -> Option<Compiled<Expr>> {
    refuse(text, sink);
    None
}

/// Compiles text with `{{ }}` holes.
pub(crate) fn template(
    text: &Text,
    _vocabulary: &dyn Vocabulary,
    sink: &mut Diagnostics,
) -> Option<Compiled<TextTemplate>> {
    if text.as_str().contains("{{") {
        refuse(text, sink);
        return None;
    }
    Some(Compiled { code: TextTemplate::new([TextPart::Text(text.as_str().into())]), reads: Vec::new() })
}

/// Compiles a value with holes.
pub(crate) fn value(
    tree: &Tree,
    node: NodeId,
    vocabulary: &dyn Vocabulary,
    sink: &mut Diagnostics,
) -> Option<Compiled<ValueTemplate>> {
    let literal = |value| Some(Compiled { code: ValueTemplate::literal(&value), reads: Vec::new() });
    match &tree.node(node).kind {
        Kind::Null => literal(Value::Null),
        Kind::Bool(value) => literal(Value::Bool(*value)),
        Kind::Int(number) => literal(Value::Number(Number::int(*number).ok()?)),
        Kind::Float(number) => literal(Value::Number(Number::float(*number).ok()?)),
        Kind::Text(text, _) => {
            template(&tree.text(node)?, vocabulary, sink)?;
            literal(Value::text(Arc::clone(text)))
        }
        Kind::List(items) => {
            let items: Option<Vec<_>> =
                items.iter().map(|item| Some(value(tree, *item, vocabulary, sink)?.code)).collect();
            Some(Compiled { code: ValueTemplate::list(items?), reads: Vec::new() })
        }
        Kind::Map(entries) => {
            let entries: Option<Vec<_>> = entries
                .iter()
                .map(|entry| {
                    let value = value(tree, entry.value, vocabulary, sink)?;
                    Some((Arc::clone(&entry.key.text), value.code))
                })
                .collect();
            Some(Compiled { code: ValueTemplate::map(entries?), reads: Vec::new() })
        }
        Kind::Error => None,
    }
}

fn refuse(text: &Text, sink: &mut Diagnostics) {
    sink.push(
        Diagnostic::new(Code::NotSupportedYet, text.span(), "expressions are not supported yet")
            .help("remove it; this version refuses what it cannot run"),
    );
}
