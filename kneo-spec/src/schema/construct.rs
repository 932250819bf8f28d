//! Constructs: the schema of a mapping with a table of fields.

use super::json::{Json, Map};
use super::keyword;
use super::kind::{anything, described, sentence};
use crate::diagnostic::tick_list;
use crate::shape::{Field, FieldKind, Presence, SEATS, Seat, Shape, Support};

/// The schema of a construct, and the definitions to which it refers.
pub(super) fn definitions(root: &'static Shape) -> (Map, Map) {
    let mut all = Definitions::default();
    let root = all.construct(root, None);
    let mut definitions = Map::new();
    for (name, definition) in all.made {
        definitions.push(&name, definition);
    }
    (root, definitions)
}

/// Definitions that are made once each, when they are first referred to.
#[derive(Default)]
pub(super) struct Definitions {
    begun: Vec<String>,
    made: Vec<(String, Map)>,
}

impl Definitions {
    /// A reference to a definition, which is made if it is not there.
    fn refer(&mut self, name: String, make: impl FnOnce(&mut Self) -> Map) -> Map {
        let reference = Map::new().with("$ref", format!("#/definitions/{name}"));
        if !self.begun.contains(&name) {
            self.begun.push(name.clone());
            let made = make(self);
            self.made.push((name, made));
        }
        reference
    }

    /// A reference to a construct that is the value of a field, or lies in it.
    pub(super) fn shape(&mut self, shape: &'static Shape, of: &Shape, field: &Field) -> Map {
        let here = |seat: &&Seat| seat.shape == of.name && seat.field == field.name && seat.of == shape.name;
        let seat = SEATS.iter().find(here);
        let name = seat.map_or_else(|| shape.id(), |seat| seat.id.to_owned());
        self.refer(name, |all| all.construct(shape, seat))
    }

    /// A reference to the schema of a JSON Schema.
    pub(super) fn json_schema(&mut self) -> Map {
        self.refer(keyword::DEFINITION.to_owned(), |_| keyword::json_schema())
    }

    /// The schema of a construct.
    fn construct(&mut self, shape: &'static Shape, seat: Option<&Seat>) -> Map {
        let head =
            Map::new().with("title", title(shape)).with("description", sentence(shape.doc)).with("type", "object");
        let only_one = alternatives(shape, Presence::OneOf).len() == 1;
        let required = shape.supported().filter(|field| {
            let asked = field.presence == Presence::Required || (only_one && field.presence == Presence::OneOf);
            let here = asked && seat.is_none_or(|seat| seat.spared != field.name);
            here || seat.is_some_and(|seat| seat.required == field.name)
        });
        let head = head.with_some("required", names(required));
        let Some(kinds) = shape.kinds() else {
            let mut properties = Map::new();
            for field in shape.supported() {
                properties.push(field.name, described(self, shape, field, None));
            }
            let body = head.and(closed(properties)).with_some("dependencies", dependencies(shape.supported()));
            return body.and(together(shape));
        };
        let common = || shape.supported().filter(|field| field.only.is_empty());
        let mut properties = Map::new();
        for field in common() {
            if is_elsewhere(shape, seat, field) {
                properties.push(field.name, false);
            } else {
                properties.push(field.name, described(self, shape, field, None));
            }
        }
        let body = head
            .with("properties", properties)
            .with_some("dependencies", dependencies(common().filter(|field| !is_elsewhere(shape, seat, field))));
        let words = kinds.words().iter().filter(|word| word.support == Support::Now);
        // Without a kind, or with one that is none, every field is offered.
        let any = shape.supported().filter(|field| !field.only.is_empty());
        let mut any_kind = everywhere(shape);
        for field in any {
            any_kind.push(field.name, Map::new().with("description", sentence(field.doc)).and(anything()));
        }
        let mut otherwise = closed(any_kind);
        for word in words.rev() {
            let condition =
                Map::new().with("properties", Map::new().with(kinds.name, Map::new().with("const", word.text)));
            let condition = match kinds.presence {
                Presence::Default(default) if default == word.text => condition,
                _ => condition.and(needs(kinds.name)),
            };
            let then = self.refer(format!("{}-{}", shape.id(), word.text), |all| all.variant(shape, word.text));
            otherwise = Map::new().with("if", condition).with("then", then).with("else", otherwise);
        }
        body.and(otherwise)
    }

    /// What a construct of one kind has beyond what all kinds have.
    fn variant(&mut self, shape: &'static Shape, kind: &str) -> Map {
        let own = || shape.supported().filter(|field| !field.only.is_empty() && field.is_for(kind));
        let required = own().filter(|field| matches!(field.presence, Presence::Required | Presence::RequiredThere));
        let mut properties = everywhere(shape);
        for field in own() {
            properties.push(field.name, described(self, shape, field, Some(kind)));
        }
        let title = format!("{} {}", capital(kind), shape.noun());
        Map::new()
            .with("title", title)
            .with_some("required", names(required))
            .and(closed(properties))
            .with_some("dependencies", dependencies(own()))
    }
}

/// Whether a construct has the field only at another seat.
fn is_elsewhere(shape: &Shape, seat: Option<&Seat>, field: &Field) -> bool {
    let has = |seat: &Seat| seat.own.contains(&field.name);
    SEATS.iter().any(|other| other.of == shape.name && has(other)) && !seat.is_some_and(has)
}

/// The fields that all kinds of a construct have, whose schemas stand with the construct.
fn everywhere(shape: &Shape) -> Map {
    let common = shape.supported().filter(|field| field.only.is_empty());
    common.fold(Map::new(), |all, field| all.with(field.name, true))
}

/// The fields that stand only beside another, as the keyword `dependencies`.
fn dependencies(fields: impl Iterator<Item = &'static Field>) -> Option<Map> {
    let needs = fields.filter_map(|field| Some((field.name, field.needs?)));
    let mut all = needs.peekable();
    all.peek()?;
    Some(all.fold(Map::new(), |all, (name, other)| all.with(name, [other].into_iter().collect::<Json>())))
}

/// These properties and no others but the author's own.
fn closed(properties: Map) -> Map {
    Map::new()
        .with("properties", properties)
        .with("patternProperties", Map::new().with("^x-", true))
        .with("additionalProperties", false)
}

/// The fields of which one must be there.
fn alternatives(shape: &Shape, presence: Presence) -> Vec<&'static str> {
    shape.supported().filter(|field| field.presence == presence).map(|field| field.name).collect()
}

/// Which fields go together.
fn together(shape: &Shape) -> Map {
    let (one, some) = (alternatives(shape, Presence::OneOf), alternatives(shape, Presence::SomeOf));
    // Editors that know `errorMessage` show it in the place of their own words; validators pass over it.
    let message = |how_many: &str, names: &[&str]| {
        format!("{} has {how_many}{}", capital(shape.name), tick_list(names.iter().copied()))
    };
    let mut rules: Vec<Map> = Vec::new();
    for (names, message) in [(&some, message("", &some)), (&one, message("exactly one of ", &one))] {
        // Where there is no choice the field is required.
        if names.len() > 1 {
            let there = names.iter().map(|name| needs(name).with("errorMessage", &*message));
            rules.push(Map::new().with("anyOf", there.collect::<Json>()));
        }
    }
    for (place, name) in (1..).zip(&one) {
        let others = one.get(place..).unwrap_or_default();
        if !others.is_empty() {
            let none = others.iter().fold(Map::new(), |all, other| all.with(other, false));
            let then = Map::new().with("properties", none).with("errorMessage", message("exactly one of ", &one));
            rules.push(Map::new().with("if", needs(name)).with("then", then));
        }
    }
    let rules = (!rules.is_empty()).then(|| rules.into_iter().collect::<Json>());
    Map::new().with_some("allOf", rules)
}

fn needs(name: &str) -> Map {
    Map::new().with("required", [name].into_iter().collect::<Json>())
}

fn names(fields: impl Iterator<Item = &'static Field>) -> Option<Json> {
    let names: Vec<&str> = fields.map(|field| field.name).collect();
    (!names.is_empty()).then(|| names.into_iter().collect())
}

/// The name of a construct as a heading.
fn title(shape: &Shape) -> String {
    capital(shape.noun())
}

/// The text with its first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What may stand in a field of a construct of one kind: where a construct has the kind's name, of constructs that one
/// alone.
pub(super) fn narrowed(kinds: &'static [FieldKind], kind: Option<&str>) -> Vec<&'static FieldKind> {
    let named = |alternative: &&FieldKind| matches!(alternative, FieldKind::Shape(shape) if Some(shape.noun()) == kind);
    let other = |alternative: &&FieldKind| matches!(alternative, FieldKind::Shape(_)) && !named(alternative);
    let any = kinds.iter().any(|alternative| named(&alternative));
    kinds.iter().filter(|alternative| !any || !other(alternative)).collect()
}
