//! What an author most likely means by a value of the wrong type.

use super::Lower;
use crate::shape::{FieldKind, Shape};
use crate::syntax::{Kind, NodeId};

/// A longer value is not repeated.
const LONGEST: usize = 60;

impl Lower<'_> {
    /// The construct that a text or a list stands for.
    pub(super) fn meant(&self, node: NodeId, shape: &Shape) -> Option<String> {
        let found = self.tree.node(node);
        let written = self.tree.slice(found.span);
        if written.len() > LONGEST || written.contains('\n') {
            return None;
        }
        match (shape.name, &found.kind) {
            ("a command", Kind::Text(text, _)) => Some(format!("{{argv: [{}]}}", plain_words(text)?.join(", "))),
            ("a command", Kind::List(_)) => Some(format!("{{argv: {written}}}")),
            ("a choice of tools", Kind::List(_)) => Some(format!("{{include: {written}}}")),
            ("a tool of a server", Kind::Text(..)) => Some(format!("{{server: {written}}}")),
            ("a strategy", Kind::Text(..)) => Some(format!("{{type: {written}}}")),
            ("a model", Kind::Text(..)) => Some(format!("{{provider: {written}}}")),
            ("a condition", Kind::Text(..)) => Some(format!("{{type: output_contains, value: {written}}}")),
            ("a step", Kind::Text(text, _)) => match plain_words(text)?.as_slice() {
                [name] => Some(format!("{{id: {name}, kind: function, ref: {name}}}")),
                _ => None,
            },
            ("an edge", Kind::Text(text, _)) => {
                let (from, to) = text.split_once("->").or_else(|| text.split_once('→'))?;
                match (plain_words(from)?.as_slice(), plain_words(to)?.as_slice()) {
                    ([from], [to]) => Some(format!("{{from: {from}, to: {to}}}")),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// How a field with a list or a mapping is written.
    pub(super) fn meant_many(&self, node: NodeId, name: &str, kind: &FieldKind) -> Option<String> {
        match kind {
            FieldKind::List(FieldKind::Shape(shape)) => Some(format!("write a list: `{name}: [{}]`", shape.example)),
            FieldKind::Map(FieldKind::Shape(_)) if name == "nodes" => {
                Some("write each under its id: `nodes: {fetch: {kind: function, ref: fetch}}`".to_owned())
            }
            FieldKind::Map(FieldKind::Shape(shape)) => {
                Some(format!("write each under its name: `{name}: {{name: {}}}`", shape.example))
            }
            FieldKind::List(_) => match &self.tree.node(node).kind {
                Kind::Text(text, _) if text.len() <= LONGEST => {
                    Some(format!("write a list: `{name}: [{}]`", plain_words(text)?.join(", ")))
                }
                _ => None,
            },
            FieldKind::Either(kinds) => kinds.iter().find_map(|kind| self.meant_many(node, name, kind)),
            _ => None,
        }
    }
}

/// The words of a text that need no quotes anywhere; `None` if one does.
fn plain_words(text: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = |word: &&str| {
        let safe =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '=' | '+') || (c == '-' && *word != "-");
        word.chars().all(safe)
    };
    (!words.is_empty() && words.iter().all(plain)).then_some(words)
}
