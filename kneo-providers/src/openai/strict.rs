//! Which schemas strict mode takes.

use std::collections::BTreeSet;

use kneo_core::{List, Map, Value};

/// What strict mode takes at most, as <https://platform.openai.com/docs/guides/structured-outputs> has it.
const MOST_DEPTH: usize = 10;
const MOST_PROPERTIES: usize = 5_000;
const MOST_ENUM_VALUES: usize = 1_000;
const MOST_NAME_CHARS: usize = 120_000;

/// Keywords that strict mode knows, besides those that are looked at below.
const HARMLESS: &[&str] = &[
    "description",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "title",
];

const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];
const FORMATS: &[&str] = &["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"];

/// Whether a schema describes an object, without which the API takes no schema at all.
pub(super) fn is_object(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("object")
}

/// Whether strict mode takes a schema: every object closed, every property required, and no keyword that it lacks.
///
/// Errs on the side of "no": a schema that is sent without strict mode is a request to the model, one that strict mode
/// refuses is an error.
pub(super) fn is_acceptable(schema: &Value) -> bool {
    let Value::Map(root) = schema else { return false };
    let mut count = Count::default();
    is_object(schema) && root.get("anyOf").is_none() && count.takes(root, 0, true) && count.is_within()
}

#[derive(Default)]
struct Count {
    properties: usize,
    enum_values: usize,
    name_chars: usize,
}

impl Count {
    fn is_within(&self) -> bool {
        self.properties <= MOST_PROPERTIES && self.enum_values <= MOST_ENUM_VALUES && self.name_chars <= MOST_NAME_CHARS
    }

    fn takes_value(&mut self, schema: &Value, depth: usize) -> bool {
        matches!(schema, Value::Map(schema) if self.takes(schema, depth, false))
    }

    fn takes(&mut self, schema: &Map, depth: usize, is_root: bool) -> bool {
        if let Some(reference) = schema.get("$ref") {
            return schema.len() == 1 && reference.as_str().is_some_and(|to| to == "#" || to.starts_with("#/"));
        }
        depth <= MOST_DEPTH
            && (schema.get("type").is_some() || schema.get("anyOf").is_some())
            && schema.iter().all(|(key, value)| self.takes_keyword(key, value, depth, is_root))
            && (!has_type(schema, "object") || self.is_closed(schema, depth))
            && (!has_type(schema, "array") || schema.get("items").is_some())
    }

    fn takes_keyword(&mut self, key: &str, value: &Value, depth: usize, is_root: bool) -> bool {
        match key {
            "type" => types(value).is_some_and(|types| types.iter().all(|name| TYPES.contains(name))),
            // Looked at with the object that they belong to.
            "properties" | "required" | "additionalProperties" => true,
            "items" => self.takes_value(value, depth),
            "anyOf" => !is_root && self.takes_each(value, depth),
            "$defs" | "definitions" => is_root && self.takes_definitions(value),
            "$schema" => is_root,
            "enum" => self.takes_enum(value),
            "const" => {
                self.name_chars += value.as_str().map_or(0, str::len);
                true
            }
            "format" => value.as_str().is_some_and(|format| FORMATS.contains(&format)),
            // Look-arounds are not taken, and every group with a mark is one of them or as rare.
            "pattern" => value.as_str().is_some_and(|pattern| !pattern.contains("(?")),
            _ => HARMLESS.contains(&key),
        }
    }

    fn takes_each(&mut self, schemas: &Value, depth: usize) -> bool {
        matches!(schemas, Value::List(schemas) if !schemas.is_empty()
            && schemas.items().iter().all(|schema| self.takes_value(schema, depth)))
    }

    fn takes_definitions(&mut self, definitions: &Value) -> bool {
        let Value::Map(definitions) = definitions else { return false };
        definitions.iter().all(|(name, schema)| {
            self.name_chars += name.len();
            self.takes_value(schema, 0)
        })
    }

    fn takes_enum(&mut self, values: &Value) -> bool {
        let Value::List(values) = values else { return false };
        self.enum_values += values.len();
        self.name_chars += values.items().iter().filter_map(Value::as_str).map(str::len).sum::<usize>();
        !values.is_empty()
    }

    /// Whether an object has no property but those that it names, and all of them.
    fn is_closed(&mut self, schema: &Map, depth: usize) -> bool {
        let Some(Value::Map(properties)) = schema.get("properties") else { return false };
        let required = match schema.get("required") {
            Some(Value::List(required)) => names(required),
            _ => return false,
        };
        self.properties += properties.len();
        self.name_chars += properties.iter().map(|(name, _)| name.len()).sum::<usize>();
        schema.get("additionalProperties") == Some(&Value::Bool(false))
            && required == properties.iter().map(|(name, _)| &**name).collect()
            && properties.iter().all(|(_, schema)| self.takes_value(schema, depth + 1))
    }
}

fn names(list: &List) -> BTreeSet<&str> {
    list.items().iter().filter_map(Value::as_str).collect()
}

fn types(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Str(name) => Some(vec![name]),
        Value::List(names) if !names.is_empty() => names.items().iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn has_type(schema: &Map, name: &str) -> bool {
    schema.get("type").and_then(types).is_some_and(|types| types.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acceptable(schema: &str) -> bool {
        is_acceptable(&Value::from_json_text(schema).unwrap_or_else(|error| panic!("{schema}: {error}")))
    }

    fn object(property: &str) -> String {
        format!(r#"{{"type":"object","properties":{{"a":{property}}},"required":["a"],"additionalProperties":false}}"#)
    }

    #[test]
    fn schemas_within_strict_mode() {
        for property in [
            r#"{"type":"string","description":"d","title":"t"}"#,
            r#"{"type":["string","null"],"enum":["x",null]}"#,
            r#"{"type":"integer","minimum":0,"exclusiveMaximum":9,"multipleOf":3}"#,
            r#"{"type":"array","items":{"type":"number"},"minItems":1}"#,
            r#"{"type":"string","format":"date-time"}"#,
            r#"{"type":"string","pattern":"^[a-z]+$"}"#,
            r#"{"type":"string","const":"x"}"#,
            r##"{"anyOf":[{"type":"null"},{"$ref":"#/$defs/b"}]}"##,
            r##"{"$ref":"#"}"##,
            &object(r#"{"type":"boolean"}"#),
        ] {
            assert!(acceptable(&object(property)), "{property}");
        }
        let defined = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","$defs":{"b":{"type":"string"}},
            "type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"required":["a"],"additionalProperties":false}"##;
        assert!(acceptable(defined));
        assert!(acceptable(r#"{"type":"object","properties":{},"required":[],"additionalProperties":false}"#));
    }

    #[test]
    fn schemas_beyond_strict_mode() {
        for property in [
            "{}",
            "true",
            r#"{"enum":["x"]}"#,
            r#"{"type":"string","minLength":1}"#,
            r#"{"type":"string","default":"x"}"#,
            r#"{"type":"string","format":"uri"}"#,
            r#"{"type":"string","pattern":"^(?!x)"}"#,
            r#"{"type":"text"}"#,
            r#"{"type":"array"}"#,
            r#"{"type":"array","items":[{"type":"string"}]}"#,
            r#"{"type":"array","items":{"type":"string"},"uniqueItems":true}"#,
            r#"{"allOf":[{"type":"string"}]}"#,
            r#"{"oneOf":[{"type":"string"}]}"#,
            r#"{"anyOf":[]}"#,
            r#"{"anyOf":[{"type":"string","minLength":1}]}"#,
            r#"{"type":"object"}"#,
            r#"{"type":"object","properties":{},"additionalProperties":false}"#,
            r##"{"$ref":"#/$defs/b","description":"d"}"##,
            r##"{"$ref":"https://example.com/b"}"##,
            r#"{"type":"string","$defs":{}}"#,
            r#"{"type":"string","x-mine":1}"#,
        ] {
            assert!(!acceptable(&object(property)), "{property}");
        }
        for schema in [
            "true",
            r#"{"type":"array","items":{"type":"string"}}"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a","b"],"additionalProperties":false}"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":{"type":"string"}}"#,
            r#"{"type":"object","anyOf":[{"type":"object"}],"properties":{},"required":[],"additionalProperties":false}"#,
            r#"{"type":"object","properties":{},"required":[],"additionalProperties":false,"definitions":{"b":{}}}"#,
        ] {
            assert!(!acceptable(schema), "{schema}");
        }
    }

    #[test]
    fn strict_mode_has_its_measures() {
        let nested = |levels| (0..levels).fold(object(r#"{"type":"string"}"#), |inner, _| object(&inner));
        assert!(acceptable(&nested(9)) && !acceptable(&nested(10)));
        let listed = |count: usize, word: &str| {
            let values: Vec<String> = (0..count).map(|at| format!("\"{word}{at}\"")).collect();
            object(&format!(r#"{{"type":"string","enum":[{}]}}"#, values.join(",")))
        };
        assert!(acceptable(&listed(1_000, "")) && !acceptable(&listed(1_001, "")));
        assert!(!acceptable(&listed(1_000, &"x".repeat(120))));
    }
}
