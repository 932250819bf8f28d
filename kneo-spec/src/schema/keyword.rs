//! JSON Schemas inside specs: the keywords that editors offer there.
//!
//! Only what every draft says of a keyword is asked for; the compiler judges a schema by the draft that it names.

use super::json::{Json, Map};
use super::kind::{anything, sentence};

/// The name of the definition.
pub(super) const DEFINITION: &str = "json-schema";

/// What a keyword holds.
#[derive(Clone, Copy)]
enum Holds {
    Anything,
    Text,
    Texts,
    Count,
    Number,
    Types,
    Schema,
    /// A schema, or in older drafts a list of them.
    Items,
    Schemas,
    Named,
    List,
}

use Holds::{Anything, Count, Items, List, Named, Number, Schema, Schemas, Text, Texts, Types};

const KEYWORDS: &[(&str, Holds, &str)] = &[
    ("type", Types, "the type of the value, or a list of types"),
    ("description", Text, "what the value is, for people and models"),
    ("properties", Named, "the schemas of a mapping's keys"),
    ("required", Texts, "the keys that a mapping must have"),
    ("additionalProperties", Schema, "the schema of all other keys; `false` allows none"),
    ("items", Items, "the schema of a list's items"),
    ("enum", List, "the values that are allowed"),
    ("const", Anything, "the one value that is allowed"),
    ("default", Anything, "the value that is meant when there is none; a note, nothing is filled in"),
    ("examples", List, "examples, for people and models"),
    ("title", Text, "a short name"),
    ("minimum", Number, "the least number"),
    ("maximum", Number, "the greatest number"),
    ("multipleOf", Number, "what the number is a multiple of"),
    ("minLength", Count, "the least number of characters"),
    ("maxLength", Count, "the greatest number of characters"),
    ("pattern", Text, "a regular expression that the text matches somewhere"),
    ("format", Text, "what kind of text it is, such as `date`; a note, nothing is checked"),
    ("minItems", Count, "the least number of items"),
    ("maxItems", Count, "the greatest number of items"),
    ("uniqueItems", Anything, "whether no item stands in the list twice"),
    ("minProperties", Count, "the least number of keys"),
    ("maxProperties", Count, "the greatest number of keys"),
    ("patternProperties", Named, "the schemas of keys that match a regular expression"),
    ("propertyNames", Schema, "the schema of the keys themselves"),
    ("anyOf", Schemas, "schemas of which at least one holds"),
    ("oneOf", Schemas, "schemas of which exactly one holds"),
    ("allOf", Schemas, "schemas that all hold"),
    ("not", Schema, "a schema that does not hold"),
    ("if", Schema, "a schema that decides between `then` and `else`"),
    ("then", Schema, "the schema when `if` holds"),
    ("else", Schema, "the schema when `if` does not hold"),
    ("$ref", Text, "the place of another schema within this one, such as `#/$defs/name`"),
    ("$defs", Named, "schemas to which `$ref` refers"),
];

const TYPES: &[&str] = &["string", "number", "integer", "boolean", "object", "array", "null"];

/// The schema of a JSON Schema.
pub(super) fn json_schema() -> Map {
    let mut properties = Map::new();
    for (name, holds, doc) in KEYWORDS {
        properties.push(name, Map::new().with("description", sentence(doc)).and(holds.schema()));
    }
    Map::new()
        .with("title", "JSON Schema")
        .with("description", "A JSON Schema: what a value must be like.")
        .with("type", ["object", "boolean"].into_iter().collect::<Json>())
        .with("properties", properties)
}

impl Holds {
    fn schema(self) -> Map {
        let of_type = |name: &str| Map::new().with("type", name);
        let own = || Map::new().with("$ref", format!("#/definitions/{DEFINITION}"));
        match self {
            Anything => anything(),
            Text => of_type("string"),
            Texts => of_type("array").with("items", of_type("string")),
            Count => of_type("integer").with("minimum", 0),
            Number => of_type("number"),
            Types => {
                let one = || Map::new().with("enum", TYPES.iter().copied().collect::<Json>());
                let several = of_type("array").with("items", one());
                Map::new().with("anyOf", [one(), several].into_iter().collect::<Json>())
            }
            Schema => own(),
            Items => {
                let several = of_type("array").with("items", own());
                Map::new().with("anyOf", [own(), several].into_iter().collect::<Json>())
            }
            Schemas => of_type("array").with("items", own()),
            Named => of_type("object").with("additionalProperties", own()),
            List => of_type("array"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The compiler warns of none of them.
    #[test]
    fn keywords_are_those_of_json_schema() {
        for (name, ..) in KEYWORDS {
            let spec = format!(
                "version: v1\ninputs:\n  {name}: {{}}\nworkflow: {{type: sequential, steps: [{{id: a, kind: set, set: {{b: 1}}}}]}}\n"
            );
            let mut sources = crate::source::SourceMap::new();
            let file = sources.add("a.yaml", &*spec);
            let found = crate::compile(&sources, file, &crate::CompileOptions::default()).diagnostics;
            assert!(found.iter().all(|found| found.code != crate::diagnostic::Code::SchemaKeyword), "{name}");
        }
    }
}
