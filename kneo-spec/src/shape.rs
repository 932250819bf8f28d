//! The shape of the language: one table of fields per construct.
//!
//! The tables drive lowering (unknown, missing, misplaced and not yet supported fields, types,
//! words and bounds), and from them the JSON Schema and the reference are made. What a table does
//! not list cannot be written in a spec.

pub(crate) mod agent;
mod elsewhere;
pub(crate) mod human;
pub(crate) mod join;
#[cfg(test)]
mod reference;
pub(crate) mod root;
pub(crate) mod server;
pub(crate) mod step;
pub(crate) mod test;
pub(crate) mod tool;
mod words;
pub(crate) mod workflow;

/// A construct of the language.
pub(crate) struct Shape {
    /// What messages call it, with an article.
    pub(crate) name: &'static str,
    /// What the reference says about it.
    pub(crate) doc: &'static str,
    /// The shortest one that is of use, to be typed where something else stands.
    pub(crate) example: &'static str,
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
    /// Whether a list or a mapping without entries is refused.
    pub(crate) filled: bool,
    /// The field that must stand beside it.
    pub(crate) needs: Option<&'static str>,
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
    /// Of the kinds or types that have the field at all it is required.
    RequiredThere,
    /// Of the construct's fields that say so exactly one is there.
    OneOf,
    /// Of the construct's fields that say so at least one is there.
    SomeOf,
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

/// What is asked of a construct beyond its table, by the place where it stands.
pub(crate) struct Seat {
    /// The construct in which it stands, and under which field.
    pub(crate) shape: &'static str,
    pub(crate) field: &'static str,
    /// The construct.
    pub(crate) of: &'static str,
    /// What it is called there.
    pub(crate) id: &'static str,
    /// A field that is required there.
    pub(crate) required: &'static str,
    /// A field that is not required there.
    pub(crate) spared: &'static str,
    /// Fields that it has there and nowhere else.
    pub(crate) own: &'static [&'static str],
}

/// Where constructs are not what their tables say.
pub(crate) const SEATS: &[Seat] = &[
    // Steps and reports know the root agent by its name.
    Seat { shape: "a spec", field: "agent", of: "an agent", id: "root-agent", required: "name", spared: "", own: &[] },
    // The key is the id, and edges lead on.
    Seat {
        shape: "a workflow",
        field: "nodes",
        of: "a step",
        id: "node",
        required: "",
        spared: "id",
        own: &["route", "join_at", "join", "rest", "on_branch_error", "combine"],
    },
];

/// The shortest duration, in seconds: times are kept in milliseconds.
pub(crate) const SHORTEST_SECONDS: f64 = 0.001;
/// Durations longer than ten years are mistakes.
pub(crate) const LONGEST_SECONDS: f64 = 315_360_000.0;

impl Shape {
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The construct's name without an article, such as `agent` of `an agent`.
    pub(crate) fn noun(&self) -> &'static str {
        let name = self.name.trim_matches('`');
        name.strip_prefix("a ").or_else(|| name.strip_prefix("an ")).unwrap_or(name)
    }

    /// The construct's name as one word, by which others refer to it.
    pub(crate) fn id(&self) -> String {
        self.noun().to_lowercase().replace(' ', "-")
    }

    /// The fields that this version compiles.
    pub(crate) fn supported(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().filter(|field| field.support == Support::Now)
    }

    /// The field whose words tell apart the kinds of the construct that differ in their fields.
    pub(crate) fn kinds(&self) -> Option<&'static Field> {
        let mut variants = self.fields.iter().flat_map(|field| field.only).peekable();
        variants.peek()?;
        let variants: Vec<&str> = variants.copied().collect();
        let tells = |field: &&Field| {
            let words = field.words();
            matches!(field.kind, FieldKind::Words(_)) && variants.iter().all(|v| words.iter().any(|w| w.text == *v))
        };
        self.fields.iter().find(tells)
    }
}

impl Field {
    /// An optional field of the published v1.
    const fn new(name: &'static str, kind: FieldKind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            presence: Presence::Optional,
            since: Since::V1,
            support: Support::Now,
            only: &[],
            filled: false,
            needs: None,
            doc,
        }
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

    /// Required of the kinds or types that have the field.
    const fn required_there(mut self) -> Self {
        self.presence = Presence::RequiredThere;
        self
    }

    /// One of several, of which there is exactly one.
    const fn one_of(mut self) -> Self {
        self.presence = Presence::OneOf;
        self
    }

    /// One of several, of which there is at least one.
    const fn some_of(mut self) -> Self {
        self.presence = Presence::SomeOf;
        self
    }

    /// A list or a mapping that has at least one entry.
    const fn filled(mut self) -> Self {
        self.filled = true;
        self
    }

    /// A field that stands only beside another.
    const fn needs(mut self, other: &'static str) -> Self {
        self.needs = Some(other);
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

    /// The words that a field holds, as it is or in a list or a mapping.
    pub(crate) fn words(&self) -> &'static [Word] {
        fn of(kind: &FieldKind) -> &'static [Word] {
            match kind {
                FieldKind::Words(words) => words,
                FieldKind::List(item) | FieldKind::Map(item) => of(item),
                FieldKind::Either(kinds) => kinds.iter().map(of).find(|words| !words.is_empty()).unwrap_or_default(),
                FieldKind::Name
                | FieldKind::Plain
                | FieldKind::Text
                | FieldKind::Expr
                | FieldKind::Value
                | FieldKind::Any
                | FieldKind::Bool
                | FieldKind::Integer { .. }
                | FieldKind::Number { .. }
                | FieldKind::Seconds
                | FieldKind::Schema
                | FieldKind::Shape(_) => &[],
            }
        }
        of(&self.kind)
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
mod tests;
