//! The shape of the language: one table of fields per construct.
//!
//! The tables drive lowering (unknown, missing, misplaced and not yet supported fields, types,
//! words and bounds), and from them the JSON Schema and the reference are made. What a table does
//! not list cannot be written in a spec.

pub(crate) mod agent;
pub(crate) mod human;
pub(crate) mod root;
pub(crate) mod step;
pub(crate) mod tool;
pub(crate) mod workflow;

/// A construct of the language.
pub(crate) struct Shape {
    /// What messages call it, with an article.
    pub(crate) name: &'static str,
    /// What the reference says about it.
    pub(crate) doc: &'static str,
    pub(crate) fields: &'static [Field],
}

/// A field of a construct.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: FieldKind,
    pub(crate) presence: Presence,
    pub(crate) since: Since,
    pub(crate) support: Support,
    /// The kinds or types of the construct that have the field; empty for all.
    pub(crate) only: &'static [&'static str],
    pub(crate) doc: &'static str,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(crate) enum FieldKind {
    /// A name: see [`kneo_core::name::Name`].
    Name,
    /// Text without holes.
    Plain,
    /// Text with `{{ }}` holes.
    Text,
    /// A bare expression.
    Expr,
    /// Any value with holes.
    Value,
    /// Any value as it stands.
    Any,
    Bool,
    Integer {
        min: u64,
        max: u64,
    },
    Number {
        min: f64,
    },
    /// A duration: a number of seconds above 0.
    Seconds,
    Words(&'static [Word]),
    /// A JSON Schema.
    Schema,
    Shape(&'static Shape),
    List(&'static FieldKind),
    /// A mapping from names.
    Map(&'static FieldKind),
    Either(&'static [FieldKind]),
}

/// One word of a field with a fixed set of them.
pub(crate) struct Word {
    pub(crate) text: &'static str,
    pub(crate) support: Support,
}

/// Whether a field must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
    /// Optional, and what holds without it.
    Default(&'static str),
}

/// When a field entered the language.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// With the published v1.
    V1,
    /// With this implementation.
    Kneo,
}

/// Whether this version compiles a field or word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    Now,
    NotYet,
}

impl Shape {
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    /// An optional field of the published v1.
    const fn new(name: &'static str, kind: FieldKind, doc: &'static str) -> Self {
        Self { name, kind, presence: Presence::Optional, since: Since::V1, support: Support::Now, only: &[], doc }
    }

    /// A field that the published v1 lacks.
    const fn kneo(mut self) -> Self {
        self.since = Since::Kneo;
        self
    }

    const fn required(mut self) -> Self {
        self.presence = Presence::Required;
        self
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.presence = Presence::Default(value);
        self
    }

    const fn only(mut self, variants: &'static [&'static str]) -> Self {
        self.only = variants;
        self
    }

    /// A field of the language that this version refuses.
    const fn not_yet(mut self) -> Self {
        self.support = Support::NotYet;
        self
    }

    /// Whether a construct of this kind or type has the field.
    pub(crate) fn is_for(&self, variant: &str) -> bool {
        self.only.is_empty() || self.only.contains(&variant)
    }
}

impl Word {
    const fn now(text: &'static str) -> Self {
        Self { text, support: Support::Now }
    }

    const fn not_yet(text: &'static str) -> Self {
        Self { text, support: Support::NotYet }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Every shape that can be reached from the root, once.
    fn all() -> Vec<&'static Shape> {
        fn visit(kind: &FieldKind, found: &mut Vec<&'static Shape>) {
            match kind {
                FieldKind::Shape(shape) if !found.iter().any(|s| std::ptr::eq(*s, *shape)) => {
                    found.push(shape);
                    for field in shape.fields {
                        visit(&field.kind, found);
                    }
                }
                FieldKind::List(item) | FieldKind::Map(item) => visit(item, found),
                FieldKind::Either(kinds) => kinds.iter().for_each(|kind| visit(kind, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        visit(&FieldKind::Shape(&root::ROOT), &mut found);
        found
    }

    #[test]
    fn tables_are_whole() {
        let shapes = all();
        assert!(shapes.len() > 15, "{}", shapes.len());
        for shape in shapes {
            let mut seen = HashSet::new();
            assert!(!shape.doc.is_empty(), "{}", shape.name);
            for field in shape.fields {
                let place = format!("{} {}", shape.name, field.name);
                assert!(seen.insert(field.name), "{place} twice");
                assert!(field.doc.len() > 5, "{place} has no doc");
                assert!(!field.doc.ends_with('.'), "{place}: a doc is a phrase");
            }
        }
    }

    /// What this version refuses is refused in a golden, field by field and word by word.
    #[test]
    fn what_is_not_supported_yet_is_seen_to_be_refused() {
        fn words(kind: &FieldKind) -> Vec<&'static Word> {
            match kind {
                FieldKind::Words(words) => words.iter().collect(),
                FieldKind::List(item) | FieldKind::Map(item) => words(item),
                FieldKind::Either(kinds) => kinds.iter().flat_map(words).collect(),
                _ => Vec::new(),
            }
        }
        let report = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/spec/diagnostics/v1_not_yet.txt");
        let report = std::fs::read_to_string(report).unwrap();
        for shape in all() {
            for field in shape.fields {
                let refused = if field.support == Support::NotYet && field.only.is_empty() {
                    vec![format!("`{}` of {} is not supported yet", field.name, shape.name)]
                } else {
                    let not_yet = words(&field.kind).into_iter().filter(|word| word.support == Support::NotYet);
                    not_yet.map(|word| format!("`{}: {}` is not supported yet", field.name, word.text)).collect()
                };
                for line in refused {
                    assert!(report.contains(&line), "not shown: {line}");
                }
            }
        }
    }

    /// A field of some kinds alone is refused with its kind.
    #[test]
    fn fields_of_kinds_that_are_not_supported_are_not_supported() {
        for shape in all() {
            let variants = shape.fields.iter().find(|field| matches!(field.name, "kind" | "type"));
            let Some(FieldKind::Words(words)) = variants.map(|field| field.kind) else {
                continue;
            };
            let now = |variant: &str| words.iter().any(|word| word.text == variant && word.support == Support::Now);
            for field in shape.fields.iter().filter(|field| !field.only.is_empty()) {
                let any = field.only.iter().any(|variant| now(variant));
                assert_eq!(any, field.support == Support::Now, "{} {}", shape.name, field.name);
            }
        }
    }
}
