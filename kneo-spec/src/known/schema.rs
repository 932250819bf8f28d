//! What a JSON Schema makes certain of a value that fits it.

use kneo_core::value::{List, Map, Value};

use super::{Child, Known, MOST_KEYS, Words};
use crate::expr::Type;

/// A schema that values were checked against.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a>(&'a Value);

/// With one of these a schema says more, or less, than its other keywords show.
const VEILED: [&str; 14] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "unevaluatedProperties",
];

impl<'a> Schema<'a> {
    pub(crate) fn new(schema: &'a Value) -> Self {
        Self(schema)
    }

    /// The keywords, where they are all there is to the schema.
    fn keywords(self) -> Option<&'a Map> {
        match self.0 {
            Value::Map(map) if VEILED.iter().all(|word| map.get(word).is_none()) => Some(map),
            _ => None,
        }
    }

    pub(super) fn found(self) -> Type {
        let Some(map) = self.keywords() else { return Type::Any };
        match map.get("type").and_then(Value::as_str) {
            Some("string") => Type::Text,
            Some("integer") => Type::Int,
            Some("number") => Type::Number,
            Some("boolean") => Type::Bool,
            Some("null") => Type::Null,
            Some("array") => Type::List,
            Some("object") => Type::Map,
            _ if self.words().is_some() => Type::Text,
            _ => Type::Any,
        }
    }

    /// The texts that `enum` or `const` allows, where they are texts alone.
    pub(super) fn words(self) -> Option<Words<'a>> {
        let Value::List(texts) = self.keywords()?.get("enum")? else { return None };
        let few = |list: &List| list.len() <= MOST_KEYS && list.items().iter().all(|item| item.as_str().is_some());
        few(texts).then_some(Words::Texts(texts))
    }

    pub(super) fn key(self, key: &str) -> Child<'a> {
        let unknown = Child::Is(Known::Nothing);
        let Some(map) = self.keywords().filter(|map| map.get("type").and_then(Value::as_str) == Some("object")) else {
            return unknown;
        };
        let properties = match map.get("properties") {
            Some(Value::Map(properties)) if properties.len() <= MOST_KEYS => Some(properties),
            Some(_) => return unknown,
            None => None,
        };
        if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
            return Child::Is(Known::Fits(Schema(schema)));
        }
        match map.get("additionalProperties") {
            Some(Value::Bool(false)) => {
                Child::Never(properties.into_iter().flat_map(Map::iter).map(|(key, _)| &**key).collect())
            }
            Some(schema @ Value::Map(_)) => Child::Is(Known::Fits(Schema(schema))),
            _ => unknown,
        }
    }

    pub(super) fn item(self) -> Known<'a> {
        let map = self.keywords().filter(|map| map.get("type").and_then(Value::as_str) == Some("array"));
        let Some(map) = map.filter(|map| map.get("prefixItems").is_none()) else {
            return Known::Nothing;
        };
        match map.get("items") {
            Some(schema @ Value::Map(_)) => Known::Fits(Schema(schema)),
            _ => Known::Nothing,
        }
    }
}
