//! The keywords of JSON Schema.

/// What a keyword holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A schema.
    Schema,
    /// A list of schemas, or one.
    Schemas,
    /// Schemas by name.
    Named,
    /// A regular expression.
    Pattern,
    /// Nothing with a schema inside.
    Other,
}

/// The keywords of all drafts, and those of OpenAPI that stand in schemas; `$…` aside.
const KEYWORDS: &[(Holds, &[&str])] = &[
    (
        Holds::Schema,
        &[
            "additionalItems",
            "additionalProperties",
            "contains",
            "contentSchema",
            "else",
            "if",
            "not",
            "propertyNames",
            "then",
            "unevaluatedItems",
            "unevaluatedProperties",
        ],
    ),
    (Holds::Schemas, &["allOf", "anyOf", "disallow", "extends", "items", "oneOf", "prefixItems"]),
    (Holds::Named, &["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"]),
    (Holds::Pattern, &["pattern"]),
    (
        Holds::Other,
        &[
            "const",
            "contentEncoding",
            "contentMediaType",
            "default",
            "dependentRequired",
            "deprecated",
            "description",
            "discriminator",
            "divisibleBy",
            "enum",
            "example",
            "examples",
            "exclusiveMaximum",
            "exclusiveMinimum",
            "format",
            "id",
            "maxContains",
            "maxItems",
            "maxLength",
            "maxProperties",
            "maximum",
            "minContains",
            "minItems",
            "minLength",
            "minProperties",
            "minimum",
            "multipleOf",
            "nullable",
            "readOnly",
            "required",
            "title",
            "type",
            "uniqueItems",
            "writeOnly",
        ],
    ),
];

/// What a keyword holds; `None` of a word that is none.
pub(super) fn holds(word: &str) -> Option<Holds> {
    KEYWORDS.iter().find(|(_, words)| words.contains(&word)).map(|(holds, _)| *holds)
}

/// All keywords.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().flat_map(|(_, words)| words.iter().copied())
}
