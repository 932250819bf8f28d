//! Fields: the schema of what a field holds.

use kneo_core::name::MAX_NAME_BYTES;

use super::construct::{Definitions, capital, narrowed};
use super::json::{Json, Map};
use crate::shape::{Field, FieldKind, LONGEST_SECONDS, Presence, SHORTEST_SECONDS, Shape, Support, Word};

/// A doc of the tables as a sentence.
pub(super) fn sentence(doc: &str) -> String {
    // A word of the language keeps its letters.
    if doc.starts_with('`') { format!("{doc}.") } else { format!("{}.", capital(doc)) }
}

/// The schema of a field, of a construct of one kind if it has kinds.
pub(super) fn described(all: &mut Definitions, shape: &Shape, field: &Field, kind: Option<&str>) -> Map {
    let mut place = Place { all, shape, field, kind };
    let default = match field.presence {
        Presence::Default(default) => Some(default),
        Presence::Required | Presence::RequiredThere | Presence::OneOf | Presence::SomeOf | Presence::Optional => None,
    };
    let mut doc = sentence(field.doc);
    if let Some(default) = default {
        doc.push_str(&format!(" Default: `{default}`."));
    }
    let schema = place.schema(&field.kind, field.filled);
    Map::new().with("description", doc).and(schema).with_some("default", default.map(|text| value(&field.kind, text)))
}

/// A default of the tables as a value.
fn value(kind: &FieldKind, text: &str) -> Json {
    match kind {
        FieldKind::Bool => Json::Bool(text == "true"),
        FieldKind::Integer { .. } => text.parse().map_or_else(|_| text.into(), Json::Integer),
        FieldKind::Number { .. } | FieldKind::Seconds => text.parse().map_or_else(|_| text.into(), Json::Float),
        FieldKind::Name
        | FieldKind::Plain
        | FieldKind::Text
        | FieldKind::Expr
        | FieldKind::Value
        | FieldKind::Any
        | FieldKind::Words(_)
        | FieldKind::Schema
        | FieldKind::Shape(_)
        | FieldKind::List(_)
        | FieldKind::Map(_)
        | FieldKind::Either(_) => text.into(),
    }
}

/// Where a schema stands.
struct Place<'a> {
    all: &'a mut Definitions,
    shape: &'a Shape,
    field: &'a Field,
    kind: Option<&'a str>,
}

impl Place<'_> {
    /// The schema of a value; `filled` says whether a list or a mapping has at least one entry.
    fn schema(&mut self, kind: &FieldKind, filled: bool) -> Map {
        let of_type = |name: &str| Map::new().with("type", name);
        match kind {
            FieldKind::Name => name(),
            FieldKind::Plain | FieldKind::Text => of_type("string"),
            FieldKind::Expr => Map::new().with("type", ["string", "boolean"].into_iter().collect::<Json>()),
            FieldKind::Value | FieldKind::Any => anything(),
            FieldKind::Bool => of_type("boolean"),
            FieldKind::Integer { min, max } => of_type("integer").with("minimum", *min).with("maximum", *max),
            FieldKind::Number { min } => of_type("number").with("minimum", *min),
            FieldKind::Seconds => of_type("number").with("minimum", SHORTEST_SECONDS).with("maximum", LONGEST_SECONDS),
            FieldKind::Words(words) => self.words(words),
            FieldKind::Schema => self.all.json_schema(),
            FieldKind::Shape(shape) => self.all.shape(shape, self.shape, self.field),
            FieldKind::List(item) => {
                let items = self.schema(item, false);
                of_type("array").with("items", items).with_some("minItems", filled.then_some(1))
            }
            FieldKind::Map(item) => {
                let items = self.schema(item, false);
                of_type("object")
                    .with("propertyNames", Map::new().with("title", "name").and(name()))
                    .with("additionalProperties", items)
                    .with_some("minProperties", filled.then_some(1))
            }
            FieldKind::Either(kinds) => self.either(kinds, filled),
        }
    }

    /// The schema of one of several, told apart before they are looked into: an editor then speaks of the mistakes in
    /// the one that is written, not of the others.
    fn either(&mut self, kinds: &'static [FieldKind], filled: bool) -> Map {
        let alternatives: Vec<(&FieldKind, Map)> =
            narrowed(kinds, self.kind).into_iter().map(|kind| (kind, self.schema(kind, filled))).collect();
        if let [(_, only)] = alternatives.as_slice() {
            return only.clone();
        }
        // Holds always. Editors complete what stands here, and would not look for it behind `then`.
        let all = || alternatives.iter().map(|(_, schema)| schema.clone());
        let offered = any_of(all().chain([Map::new()]));
        // Beside any value a construct is only what has the construct's fields and no others.
        let open = alternatives.iter().any(|(kind, _)| matches!(kind, FieldKind::Value | FieldKind::Any));
        let (told, rest): (Vec<_>, Vec<_>) = alternatives
            .iter()
            .map(|(kind, schema)| (if open { fields_of(kind) } else { sign(kind) }, schema))
            .partition(|(sign, _)| sign.is_some());
        let rest: Vec<Map> = rest.into_iter().map(|(_, schema)| schema.clone()).collect();
        let otherwise = match rest.as_slice() {
            [] => any_of(all()),
            [one] => one.clone(),
            [..] => any_of(rest),
        };
        let told = told.into_iter().rev().fold(otherwise, |otherwise, (sign, schema)| {
            Map::new().with_some("if", sign).with("then", schema.clone()).with("else", otherwise)
        });
        offered.and(told)
    }

    fn words(&self, words: &[Word]) -> Map {
        let now = || words.iter().filter(|word| word.support == Support::Now);
        let meanings =
            now().map(|word| self.shape.meaning(self.field.name, word.text).map(sentence).unwrap_or_default());
        // An editor that completes a construct writes its required fields, and of those with a default the ones whose
        // type it knows: a word that stands there uncalled for would be refused beside what it goes with.
        let required = matches!(self.field.presence, Presence::Required | Presence::RequiredThere);
        Map::new()
            .with_some("type", required.then_some("string"))
            .with("enum", now().map(|word| word.text).collect::<Json>())
            .with("enumDescriptions", meanings.collect::<Json>())
    }
}

/// The schema of any value. It says nothing, but it is there: editors write a colon behind a key only if something is
/// known of its value.
pub(super) fn anything() -> Map {
    any_of([Map::new()])
}

fn any_of(alternatives: impl IntoIterator<Item = Map>) -> Map {
    Map::new().with("anyOf", alternatives.into_iter().collect::<Json>())
}

/// By what a list or a mapping is told from whatever else may stand in its place; `None` for what is neither.
fn sign(kind: &FieldKind) -> Option<Map> {
    let of_type = |name: &str| Map::new().with("type", name);
    match kind {
        FieldKind::List(_) => Some(of_type("array")),
        FieldKind::Map(_) | FieldKind::Shape(_) => Some(of_type("object")),
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
        | FieldKind::Words(_)
        | FieldKind::Schema
        | FieldKind::Either(_) => None,
    }
}

/// By what a construct is told from other mappings.
fn fields_of(kind: &FieldKind) -> Option<Map> {
    let FieldKind::Shape(shape) = kind else {
        return None;
    };
    let required = shape.supported().filter(|field| field.presence == Presence::Required).map(|field| field.name);
    let known = shape.supported().map(|field| field.name);
    let known = Map::new().with("enum", known.collect::<Json>());
    Some(Map::new().with("type", "object").with("required", required.collect::<Json>()).with("propertyNames", known))
}

fn name() -> Map {
    // In characters, of which a name has at most as many as bytes.
    let most = u64::try_from(MAX_NAME_BYTES).unwrap_or(u64::MAX);
    Map::new().with("type", "string").with("minLength", 1).with("maxLength", most)
}
