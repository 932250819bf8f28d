//! Reads a mapping by a field table.

use super::Lower;
use crate::diagnostic::{Code, Diagnostic, tick, tick_list};
use crate::shape::{Field, Presence, Shape, Support, Word};
use crate::source::Span;
use crate::syntax::{Entry, Key, Kind, NodeId};

/// The fields of one mapping that are there, known and supported.
pub(super) struct Fields {
    shape: &'static Shape,
    /// Where the construct as a whole is pointed at: its first line.
    pub(super) span: Span,
    present: Vec<At>,
}

/// A field that is there.
#[derive(Clone)]
pub(super) struct At {
    pub(super) field: &'static Field,
    pub(super) key: Key,
    pub(super) node: NodeId,
}

impl Fields {
    /// A field, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&At> {
        // A name that the table lacks would be a mistake of this crate, not of a spec.
        debug_assert!(self.shape.field(name).is_some(), "{name} is not a field of {}", self.shape.name);
        self.present.iter().find(|at| at.field.name == name)
    }
}

impl Lower<'_> {
    /// Reads a mapping by the construct's table and reports what does not fit it; `None` when it is
    /// not a mapping.
    pub(super) fn fields(&mut self, node: NodeId, shape: &'static Shape) -> Option<Fields> {
        self.fields_without(node, shape, "")
    }

    /// As [`Lower::fields`], with one required field that may be missing.
    pub(super) fn fields_without(&mut self, node: NodeId, shape: &'static Shape, spared: &str) -> Option<Fields> {
        let Kind::Map(entries) = &self.tree.node(node).kind else {
            self.wrong_type(node, &format!("{} is a mapping", shape.name), Some(format!("what it is: {}", shape.doc)));
            return None;
        };
        let span = self.span(node);
        let mut present = Vec::new();
        for entry in entries {
            let key = &entry.key;
            let Some(field) = shape.field(&key.text) else {
                if !key.text.starts_with("x-") || &*key.text == "x-kneo-allow" {
                    self.unknown_field(key, shape);
                }
                continue;
            };
            if field.support == Support::NotYet {
                if self.belongs_to_variant(entries, field) {
                    // A field of a kind that is not supported either: saying it once is enough.
                    continue;
                }
                self.not_yet(key.span, &format!("{} of {}", tick(&key.text), shape.name));
                continue;
            }
            let absent = matches!(self.tree.node(entry.value).kind, Kind::Null)
                && !matches!(field.kind, crate::shape::FieldKind::Value | crate::shape::FieldKind::Any);
            if absent && field.presence != Presence::Required {
                continue;
            }
            present.push(At { field, key: key.clone(), node: entry.value });
        }
        let required = shape.fields.iter().filter(|_| self.tree.is_whole(node));
        for field in required {
            let found = present.iter().any(|at| at.field.name == field.name);
            if field.presence == Presence::Required && !found && field.name != spared {
                self.missing(span, shape, field.name);
            }
        }
        Some(Fields { shape, span, present })
    }

    /// Whether the construct's `kind` or `type` is one that the field belongs to alone.
    fn belongs_to_variant(&self, entries: &[Entry], field: &Field) -> bool {
        entries.iter().filter(|entry| matches!(&*entry.key.text, "kind" | "type")).any(
            |entry| matches!(&self.tree.node(entry.value).kind, Kind::Text(word, _) if field.only.contains(&&**word)),
        )
    }

    /// Reports fields that a construct of this kind or type does not have.
    pub(super) fn only(&mut self, fields: &mut Fields, variant: &str, word: &str) {
        let (kept, misplaced) =
            std::mem::take(&mut fields.present).into_iter().partition(|at| at.field.is_for(variant));
        fields.present = kept;
        for at in misplaced {
            self.report(
                Diagnostic::new(
                    Code::FieldNotAllowed,
                    at.key.span,
                    format!("{} has no effect here", tick(at.field.name)),
                )
                .primary(format!("not a field of `{word}: {variant}`"))
                .help(format!("remove it; it belongs to `{word}:` {}", tick_list(at.field.only.iter().copied()))),
            );
        }
    }

    pub(super) fn missing(&mut self, span: Span, shape: &Shape, name: &str) {
        let doc = shape.field(name).map_or("", |field| field.doc);
        self.report(
            Diagnostic::new(Code::MissingField, span, format!("{} lacks {}", shape.name, tick(name)))
                .help(format!("add `{name}:`, {doc}")),
        );
    }

    pub(super) fn not_yet(&mut self, span: Span, what: &str) {
        self.report(
            Diagnostic::new(Code::NotSupportedYet, span, format!("{what} is not supported yet"))
                .help("remove it; this version refuses what it cannot run"),
        );
    }

    fn unknown_field(&mut self, key: &Key, shape: &Shape) {
        if self.sink.is_full_then_count() {
            return;
        }
        if &*key.text == "x-kneo-allow" {
            self.not_yet(key.span, "`x-kneo-allow`");
            return;
        }
        let known = || shape.fields.iter().filter(|field| field.support == Support::Now).map(|field| field.name);
        let help = match self.sink.nearest(&key.text, known()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("{} has {}; a key of your own begins with `x-`", shape.name, tick_list(known())),
        };
        self.report(
            Diagnostic::new(Code::UnknownField, key.span, format!("{} has no field {}", shape.name, tick(&key.text)))
                .help(help),
        );
    }

    /// Reports a value of the wrong type; silent about what was reported before.
    pub(super) fn wrong_type(&mut self, node: NodeId, expected: &str, help: Option<String>) {
        let found = self.tree.node(node);
        if matches!(found.kind, Kind::Error) {
            return;
        }
        self.sink.push(
            Diagnostic::new(Code::WrongType, found.span, format!("{expected}, not {}", found.kind.type_name()))
                .help(help.unwrap_or_else(|| how_to_write(expected).to_owned())),
        );
    }

    /// Finds the word of a list; reports one that is unknown or not yet supported.
    pub(super) fn word_of(
        &mut self,
        text: &str,
        span: Span,
        field: &str,
        words: &'static [Word],
    ) -> Option<&'static str> {
        if let Some(word) = words.iter().find(|word| word.text == text) {
            return match word.support {
                Support::Now => Some(word.text),
                Support::NotYet => {
                    self.not_yet(span, &format!("`{field}: {}`", word.text));
                    None
                }
            };
        }
        let known = || words.iter().filter(|word| word.support == Support::Now).map(|word| word.text);
        let help = match self.sink.nearest(text, words.iter().map(|word| word.text)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("write {}", tick_list(known())),
        };
        self.report(
            Diagnostic::new(Code::UnknownValue, span, format!("{} is not a value of `{field}`", tick(text))).help(help),
        );
        None
    }
}

/// What to write where a value has the wrong type, by what is expected.
fn how_to_write(expected: &str) -> &'static str {
    const BY_END: &[(&str, &str)] = &[
        ("a mapping", "write `key: value` lines, or `{key: value}`"),
        ("a list", "write a list, such as `[a, b]`"),
        ("text", "write text"),
        ("a boolean", "write `true` or `false`"),
        ("an integer", "write a whole number"),
        ("a number", "write a number"),
        ("a word", "write one word"),
        ("true or false", "write a condition in quotes, such as `'prev.ok'`, or `true`"),
    ];
    BY_END.iter().find(|(end, _)| expected.ends_with(end)).map_or("see the reference", |(_, help)| help)
}
