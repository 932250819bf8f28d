//! The JSON Schema of the language, for editors.

mod construct;
mod json;
mod keyword;
mod kind;

use json::{Json, Map};

use crate::shape::root::ROOT;

/// Where the schema of the newest version is published.
///
/// A spec whose first line is `# yaml-language-server: $schema=` and this address is completed and checked by editors
/// that speak to the YAML language server.
pub const SCHEMA_URL: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/raw/main/schemas/kneo-v1.schema.json");

/// The JSON Schema (draft-07) of specs of version `v1`, as text: what this version compiles, and nothing else.
///
/// Made from the tables that the compiler reads specs by, so that editors complete, explain and check what the compiler
/// will. Every field has a description, fields with a fixed set of words have those and their meanings
/// (`enumDescriptions`, which validators pass over), and what only some kinds of a step or types of a workflow have is
/// offered for those alone. Keys stand in the order of the tables; the text is the same for the same version.
///
/// What the schema refuses the compiler refuses, with one exception: an optional field with nothing behind its colon is
/// no field to the compiler, and a mistake to the schema, because editors would otherwise offer `null` everywhere. The
/// compiler refuses much more, such as names that nothing has; [`compile`](crate::compile()) is the judge.
///
/// ```
/// let schema: serde_json::Value = serde_json::from_str(&kneo_spec::json_schema())?;
/// assert_eq!(schema["properties"]["version"]["enum"][0], "v1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn json_schema() -> String {
    let (root, definitions) = construct::definitions(&ROOT);
    let head = Map::new().with("$schema", "http://json-schema.org/draft-07/schema#").with("$id", SCHEMA_URL);
    let schema = head.and(root).with("definitions", definitions);
    format!("{}\n", Json::from(schema))
}
