//! Writes a spec in its normal form: fields in the order of the reference, aliases replaced by what they stand for, no
//! comments.

use serde_yaml::value::{Tag, TaggedValue};
use serde_yaml::{Mapping, Value};

use crate::compile::{CompileOptions, valid_document};
use crate::diagnostic::Diagnostics;
use crate::shape::root::ROOT;
use crate::shape::{FieldKind, Shape};
use crate::source::{FileId, SourceMap};
use crate::syntax::{Kind, NodeId, Tree};

/// Writes a file of the source map in its normal form, as YAML.
///
/// The result compiles to the same plan, and its own normal form is itself.
///
/// # Errors
///
/// All diagnostics of a spec that does not compile.
pub fn resolve(sources: &SourceMap, file: FileId, options: &CompileOptions) -> Result<String, Diagnostics> {
    let tree = valid_document(sources, file, options)?.tree;
    let value = tree.root().map_or(Value::Null, |root| normal(&tree, root, &FieldKind::Shape(&ROOT)));
    // Null, booleans, finite numbers, text, lists and text-keyed maps always have a YAML form.
    Ok(serde_yaml::to_string(&value).unwrap_or_default())
}

fn normal(tree: &Tree, node: NodeId, kind: &FieldKind) -> Value {
    match &tree.node(node).kind {
        Kind::Null | Kind::Error => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Int(number) => Value::from(*number),
        Kind::Float(number) => Value::from(*number),
        Kind::Text(text, _) => text_value(text),
        Kind::List(items) => {
            let item = item_kind(kind);
            Value::Sequence(items.iter().map(|node| normal(tree, *node, &item)).collect())
        }
        Kind::Map(_) => Value::Mapping(mapping(tree, node, kind)),
    }
}

/// The writer leaves some text without quotes that the core schema reads as a number too large for a double, such as
/// `1e999`; a tag keeps it text.
fn text_value(text: &str) -> Value {
    let value = Value::String(text.to_owned());
    let overflows = text.parse::<f64>().is_ok_and(f64::is_infinite);
    if overflows && text.contains(|c: char| c.is_ascii_digit()) {
        return Value::Tagged(Box::new(TaggedValue { tag: Tag::new("!!str"), value }));
    }
    value
}

fn mapping(tree: &Tree, node: NodeId, kind: &FieldKind) -> Mapping {
    let Kind::Map(entries) = &tree.node(node).kind else {
        return Mapping::new();
    };
    let shape = shape_of(tree, node, kind);
    let mut fields: Vec<(usize, &str, NodeId, FieldKind)> = entries
        .iter()
        .map(|entry| {
            let known = shape.and_then(|shape| shape.fields.iter().position(|field| field.name == &*entry.key.text));
            let field = known.and_then(|at| shape.and_then(|shape| shape.fields.get(at)));
            let inner = field.map_or_else(|| entry_kind(kind), |field| field.kind);
            (known.unwrap_or(usize::MAX), &*entry.key.text, entry.value, inner)
        })
        .collect();
    // The author's own keys come last; where the table says nothing, the author's order stays.
    fields.sort_by_key(|(order, ..)| *order);
    fields.into_iter().map(|(_, key, value, kind)| (Value::from(key), normal(tree, value, &kind))).collect()
}

/// The construct that a mapping is, if its field can hold one.
fn shape_of(tree: &Tree, node: NodeId, kind: &FieldKind) -> Option<&'static Shape> {
    match kind {
        FieldKind::Shape(shape) => Some(shape),
        FieldKind::Either(kinds) => {
            // Of several constructs the one that has every key.
            let Kind::Map(entries) = &tree.node(node).kind else {
                return None;
            };
            let fits = |shape: &&Shape| {
                entries.iter().all(|entry| entry.key.text.starts_with("x-") || shape.field(&entry.key.text).is_some())
            };
            kinds.iter().filter_map(|kind| shape_of(tree, node, kind)).find(fits)
        }
        _ => None,
    }
}

fn item_kind(kind: &FieldKind) -> FieldKind {
    match kind {
        FieldKind::List(item) => **item,
        FieldKind::Either(kinds) => {
            kinds.iter().find(|kind| matches!(kind, FieldKind::List(_))).map_or(FieldKind::Any, item_kind)
        }
        _ => FieldKind::Any,
    }
}

fn entry_kind(kind: &FieldKind) -> FieldKind {
    match kind {
        FieldKind::Map(entry) => **entry,
        _ => FieldKind::Any,
    }
}
