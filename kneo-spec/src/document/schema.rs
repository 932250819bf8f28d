//! JSON Schemas inside a spec.

use kneo_core::value::Value;

use crate::syntax::NodeId;

/// A JSON Schema as written, with the node that it came from for messages about its parts.
#[derive(Clone)]
pub(crate) struct JsonSchema {
    pub(crate) value: Value,
    pub(crate) node: NodeId,
}
