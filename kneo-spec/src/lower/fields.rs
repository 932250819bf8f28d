//! Reads a mapping by a field table.

use super::Lower;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick, tick_list};
use crate::shape::{Field, FieldKind, Presence, Shape, Support, Word};
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

/// The words of a field, and what may stand there instead of a word.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    pub(super) words: &'static [Word],
    pub(super) or: Option<&'static str>,
}

impl Choice {
    /// What a field offers; `None` when it has no words.
    pub(super) fn of(kind: &FieldKind) -> Option<Self> {
        let words = match kind {
            FieldKind::Words(words) => words,
            FieldKind::Either(kinds) => kinds.iter().find_map(Self::of)?.words,
            FieldKind::List(item) => return Self::of(item),
            _ => return None,
        };
        let or = match kind {
            FieldKind::Either(kinds) => kinds.iter().find_map(|kind| match kind {
                FieldKind::Shape(shape) => Some(shape.example),
                _ => None,
            }),
            _ => None,
        };
        Some(Self { words, or })
    }
}

impl Fields {
    /// Takes a field out, if it is there.
    pub(super) fn take(&mut self, name: &str) -> Option<At> {
        let place = self.present.iter().position(|at| at.field.name == name)?;
        Some(self.present.remove(place))
    }

    /// All fields that are there.
    pub(super) fn iter(&self) -> impl Iterator<Item = &At> {
        self.present.iter()
    }

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
        self.read(node, shape, "", "")
    }

    /// As [`Lower::fields`], of the value of a field.
    pub(super) fn fields_at(&mut self, at: &At, shape: &'static Shape) -> Option<Fields> {
        self.read(at.node, shape, at.field.name, "")
    }

    /// As [`Lower::fields`], of the value under a key.
    pub(super) fn fields_of(&mut self, node: NodeId, key: &str, shape: &'static Shape) -> Option<Fields> {
        self.read(node, shape, key, "")
    }

    /// As [`Lower::fields`], with one required field that may be missing.
    pub(super) fn fields_without(&mut self, node: NodeId, shape: &'static Shape, spared: &str) -> Option<Fields> {
        self.read(node, shape, "", spared)
    }

    fn read(&mut self, node: NodeId, shape: &'static Shape, key: &str, spared: &str) -> Option<Fields> {
        let Kind::Map(entries) = &self.tree.node(node).kind else {
            let meant = self.meant(node, shape).unwrap_or_else(|| shape.example.to_owned());
            let help = if key.is_empty() { format!("write `{meant}`") } else { format!("write `{key}: {meant}`") };
            self.no_construct(node, shape, help);
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
                match self.variant(entries, shape) {
                    // A field of a kind that is not supported either: saying it once is enough.
                    Some((_, variant)) if field.only.contains(&variant) => {}
                    Some((word, variant)) if !field.only.is_empty() => self.misplaced(shape, field, key, word, variant),
                    Some(_) | None => self.field_not_yet(key, shape),
                }
                continue;
            }
            let absent = matches!(self.tree.node(entry.value).kind, Kind::Null)
                && !matches!(field.kind, FieldKind::Value | FieldKind::Any);
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

    /// The `kind`, `type` or `transport` of a construct, if it is one of the words.
    fn variant(&self, entries: &[Entry], shape: &Shape) -> Option<(&'static str, &'static str)> {
        entries.iter().find_map(|entry| {
            let field =
                shape.field(&entry.key.text).filter(|field| matches!(field.name, "kind" | "type" | "transport"))?;
            let (FieldKind::Words(words), Kind::Text(text, _)) = (field.kind, &self.tree.node(entry.value).kind) else {
                return None;
            };
            words.iter().find(|word| word.text == &**text).map(|word| (field.name, word.text))
        })
    }

    /// Reports fields that a construct of this kind or type does not have.
    pub(super) fn only(&mut self, fields: &mut Fields, variant: &str, word: &str) {
        let (kept, misplaced) =
            std::mem::take(&mut fields.present).into_iter().partition(|at| at.field.is_for(variant));
        fields.present = kept;
        for at in misplaced {
            self.misplaced(fields.shape, at.field, &at.key, word, variant);
        }
    }

    fn misplaced(&mut self, shape: &Shape, field: &Field, key: &Key, word: &str, variant: &str) {
        let help = match shape.elsewhere(field.name) {
            Some(help) => help.to_owned(),
            None => format!("remove it; it belongs to `{word}:` {}", tick_list(field.only.iter().copied())),
        };
        self.report(
            Diagnostic::new(Code::FieldNotAllowed, key.span, format!("{} has no effect here", tick(field.name)))
                .primary(format!("not a field of `{word}: {variant}`"))
                .help(help),
        );
    }

    pub(super) fn missing(&mut self, span: Span, shape: &Shape, name: &str) {
        let help = match shape.field(name).map(|field| (field.kind, field.doc)) {
            Some((FieldKind::Words(words), _)) => {
                let now = words.iter().filter(|word| word.support == Support::Now).map(|word| word.text);
                format!("add `{name}:` with {}", tick_list(now))
            }
            Some((_, doc)) => format!("add `{name}:`, {doc}"),
            None => format!("add `{name}:`"),
        };
        self.report(
            Diagnostic::new(Code::MissingField, span, format!("{} lacks {}", shape.name, tick(name))).help(help),
        );
    }

    fn field_not_yet(&mut self, key: &Key, shape: &Shape) {
        let diagnostic = Diagnostic::new(
            Code::NotSupportedYet,
            key.span,
            format!("{} of {} is not supported yet", tick(&key.text), shape.name),
        );
        self.report(
            diagnostic.help(shape.elsewhere(&key.text).unwrap_or("remove it; this version refuses what it cannot run")),
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
        let near =
            |sink: &mut Diagnostics| sink.nearest(&key.text, known()).map(|name| format!("did you mean `{name}`?"));
        let elsewhere = shape.elsewhere(&key.text).map(str::to_owned);
        let help = match elsewhere.or_else(|| near(self.sink)) {
            Some(help) => help,
            None => format!("{} has {}; a key of your own begins with `x-`", shape.name, tick_list(known())),
        };
        self.report(
            Diagnostic::new(Code::UnknownField, key.span, format!("{} has no field {}", shape.name, tick(&key.text)))
                .help(help),
        );
    }

    /// Reports what stands in place of a construct; silent about what was reported before.
    pub(super) fn no_construct(&mut self, node: NodeId, shape: &Shape, help: String) {
        let found = self.tree.node(node);
        if matches!(found.kind, Kind::Error) {
            return;
        }
        let message = format!("{} is a mapping, not {}", shape.name, found.kind.type_name());
        // What it is, without the finer points.
        let what = shape.doc.split(';').next().unwrap_or_default();
        self.sink.push(Diagnostic::new(Code::WrongType, found.span, message).primary(what).help(help));
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
    pub(super) fn word_of(&mut self, text: &str, span: Span, field: &str, words: Choice) -> Option<&'static str> {
        let Choice { words, or } = words;
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
            None => format!("write {}", tick_list(known().chain(or))),
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
    BY_END
        .iter()
        .find(|(end, _)| expected.ends_with(end))
        .map_or("`kneo explain` shows a spec with it", |(_, help)| help)
}
