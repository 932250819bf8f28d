//! JSON Schema checks: the one place that knows the validator.

use std::fmt;

use crate::value::Value;

/// A compiled JSON Schema (draft 2020-12 unless it says otherwise). Nothing is ever fetched.
pub struct Schema(jsonschema::Validator);

/// Why a value is not a usable schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaError {
    /// Where in the schema, as a JSON pointer.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

/// Where and why a value does not fit a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Where in the value, as a JSON pointer; empty is the value itself.
    pub pointer: String,
    /// What is wrong; does not repeat the value, which may be secret.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "at `{}`: {}", self.pointer, self.message)
        }
    }
}

/// At most so many violations are reported for one value.
const MAX_VIOLATIONS: usize = 20;

impl Schema {
    /// Compiles a schema. Patterns run in linear time, and references lead only within the schema.
    ///
    /// # Errors
    /// A value that is not a schema, or a reference or pattern that cannot be used.
    pub fn compile(schema: &Value) -> Result<Schema, SchemaError> {
        let options = jsonschema::options().with_pattern_options(jsonschema::PatternOptions::regex()).offline();
        options.build(&schema.to_json()).map(Schema).map_err(|error| SchemaError {
            pointer: error.instance_path().to_string(),
            message: error.masked().to_string(),
        })
    }

    /// Checks a value.
    ///
    /// # Errors
    /// What does not fit, at most 20 places; never empty.
    pub fn check(&self, value: &Value) -> Result<(), Vec<Violation>> {
        let json = value.to_json();
        let violations: Vec<Violation> = self
            .0
            .iter_errors(&json)
            .take(MAX_VIOLATIONS)
            .map(|error| Violation { pointer: error.instance_path().to_string(), message: error.masked().to_string() })
            .collect();
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(text: &str) -> Result<Schema, SchemaError> {
        Schema::compile(&Value::from_json_text(text).unwrap())
    }

    #[test]
    fn violations_say_where_and_hide_the_value() {
        let schema = schema(r#"{"type":"object","required":["a"],"properties":{"n":{"type":"integer"}}}"#).unwrap();
        let value = Value::from_json_text(r#"{"n":"s3cret"}"#).unwrap();
        let violations = schema.check(&value).unwrap_err();
        assert_eq!(violations.len(), 2);
        assert!(violations.iter().any(|v| v.pointer == "/n"));
        assert!(violations.iter().all(|v| !v.to_string().contains("s3cret")), "{violations:?}");
        assert!(schema.check(&Value::from_json_text(r#"{"a":1,"n":2}"#).unwrap()).is_ok());
    }

    #[test]
    fn nothing_is_fetched_and_bad_schemas_are_refused() {
        assert!(schema(r#"{"$ref":"https://example.com/schema.json"}"#).is_err());
        assert!(schema(r#"{"$ref":"file:///etc/passwd"}"#).is_err());
        assert!(schema(r#"{"type":"nonsense"}"#).is_err());
    }
}
