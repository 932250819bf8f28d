//! Structured values that cross step boundaries.
//!
//! A [`Value`] is JSON-shaped, immutable and cheap to clone: text, lists and maps are shared. Every list and map
//! knows its nesting depth and the approximate size of its compact JSON, so that limits are checked in constant time.

mod json;
mod map;
mod number;

pub use map::{Map, MapIter};
pub use number::Number;

use std::fmt;
use std::sync::Arc;

/// The deepest nesting a [`Value`] may have.
pub const MAX_DEPTH: u16 = 128;

/// A structured value.
///
/// Equality of maps ignores the order of their keys; an integer equals a float of the same value.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_enums, reason = "JSON has these shapes and no others")]
pub enum Value {
    /// The absence of a value.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number.
    Number(Number),
    /// Text.
    Str(Arc<str>),
    /// An ordered list.
    List(List),
    /// A map from text to values that keeps the author's order.
    Map(Map),
}

/// Why a [`Value`] cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A list or map would nest deeper than [`MAX_DEPTH`].
    #[error("value nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// An integer lies outside ±(2^53 − 1), where JSON readers lose digits.
    #[error("integer `{0}` is outside ±(2^53 − 1)")]
    IntegerOutOfRange(String),
    /// A number is infinite or not a number.
    #[error("number is not finite")]
    NotFinite,
    /// A text is not valid JSON.
    #[error("not valid JSON: {0}")]
    Syntax(String),
}

/// An immutable, shared list of values.
#[derive(Clone)]
pub struct List(Arc<ListNode>);

struct ListNode {
    items: Box<[Value]>,
    depth: u16,
    size: u64,
}

impl List {
    /// Builds a list.
    ///
    /// # Errors
    /// [`ValueError::TooDeep`] if an item already has the greatest depth.
    pub fn new(items: impl Into<Box<[Value]>>) -> Result<List, ValueError> {
        let items = items.into();
        let mut depth = 0;
        let mut size = 2u64;
        for item in &items {
            depth = depth.max(item.depth());
            size = size.saturating_add(item.size()).saturating_add(1);
        }
        if depth >= MAX_DEPTH {
            return Err(ValueError::TooDeep);
        }
        Ok(List(Arc::new(ListNode { items, depth: depth + 1, size })))
    }

    /// The items, in order.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.0.items
    }

    /// The number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }
}

impl PartialEq for List {
    fn eq(&self, other: &List) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.items == other.0.items
    }
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<Arc<str>>) -> Value {
        Value::Str(text.into())
    }

    /// A list.
    ///
    /// # Errors
    /// [`ValueError::TooDeep`] if an item already has the greatest depth.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Result<Value, ValueError> {
        List::new(items.into_iter().collect::<Vec<_>>()).map(Value::List)
    }

    /// A map; of two entries with one key the later wins.
    ///
    /// # Errors
    /// [`ValueError::TooDeep`] if a value already has the greatest depth.
    pub fn map<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Value)>) -> Result<Value, ValueError> {
        Map::new(entries.into_iter().map(|(k, v)| (k.into(), v)).collect()).map(Value::Map)
    }

    /// An integer.
    ///
    /// # Errors
    /// [`ValueError::IntegerOutOfRange`] beyond ±(2^53 − 1).
    pub fn int(value: i64) -> Result<Value, ValueError> {
        Number::int(value).map(Value::Number)
    }

    /// A floating-point number.
    ///
    /// # Errors
    /// [`ValueError::NotFinite`] for an infinity or NaN.
    pub fn float(value: f64) -> Result<Value, ValueError> {
        Number::float(value).map(Value::Number)
    }

    /// Reads compact or pretty JSON text.
    ///
    /// # Errors
    /// [`ValueError::Syntax`] for malformed text (a duplicate key included), or the limit that the text exceeds.
    pub fn from_json_text(text: &str) -> Result<Value, ValueError> {
        json::read(text)
    }

    /// Converts a `serde_json` value.
    ///
    /// # Errors
    /// The limit that the value exceeds.
    pub fn from_json(value: &serde_json::Value) -> Result<Value, ValueError> {
        json::convert(value)
    }

    /// Converts to a `serde_json` value.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        json::export(self)
    }

    /// The nesting depth: 0 for a scalar, 1 for a flat list or map.
    #[must_use]
    pub fn depth(&self) -> u16 {
        match self {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Str(_) => 0,
            Value::List(list) => list.0.depth,
            Value::Map(map) => map.depth(),
        }
    }

    /// The approximate number of bytes of the compact JSON, in constant time.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Value::Null => 4,
            Value::Bool(_) => 5,
            Value::Number(_) => 8,
            Value::Str(text) => text.len() as u64 + 2,
            Value::List(list) => list.0.size,
            Value::Map(map) => map.size(),
        }
    }

    /// The spec's word for the type: `null`, `bool`, `int`, `double`, `string`, `list` or `map`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.as_i64().is_some() => "int",
            Value::Number(_) => "double",
            Value::Str(_) => "string",
            Value::List(_) => "list",
            Value::Map(_) => "map",
        }
    }

    /// The text as it stands in a prompt: a string as it is, anything else as compact JSON.
    #[must_use]
    pub fn to_text(&self) -> Arc<str> {
        match self {
            Value::Str(text) => Arc::clone(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                Arc::from(self.to_string())
            }
        }
    }

    /// The text, if this is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if this is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value under a key, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(map) => map.get(key),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            _ => false,
        }
    }
}

/// Compact JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Number(Number::from(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::Number(Number::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Str(Arc::from(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Str(Arc::from(value))
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Value {
        Value::Str(value)
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Value {
        Value::Map(value)
    }
}

impl From<List> for Value {
    fn from(value: List) -> Value {
        Value::List(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_nests_deeper_than_the_limit() {
        let mut value = Value::Null;
        for _ in 0..MAX_DEPTH {
            value = Value::list([value]).unwrap();
        }
        assert_eq!(value.depth(), MAX_DEPTH);
        assert_eq!(Value::list([value.clone()]), Err(ValueError::TooDeep));
        assert_eq!(Value::map([("k", value)]), Err(ValueError::TooDeep));
    }

    #[test]
    fn doubling_a_shared_list_is_seen_in_its_size() {
        let mut value = Value::text("x".repeat(100));
        for _ in 0..60 {
            value = Value::list([value.clone(), value]).unwrap();
        }
        assert!(value.size() > 1 << 60);
    }

    #[test]
    fn json_round_trips_and_keeps_the_authors_order() {
        let text = r#"{"z":1,"a":[true,null,1.5,"é\n"],"m":{"b":{},"a":[]}}"#;
        let value = Value::from_json_text(text).unwrap();
        assert_eq!(value.to_string(), text);
        assert_eq!(Value::from_json(&value.to_json()).unwrap(), value);
    }

    #[test]
    fn what_json_readers_would_lose_is_refused() {
        assert!(matches!(Value::from_json_text("9007199254740992"), Err(ValueError::IntegerOutOfRange(_))));
        assert!(matches!(Value::from_json_text("18446744073709551615"), Err(ValueError::IntegerOutOfRange(_))));
        assert!(Value::from_json_text("9007199254740991").is_ok());
        assert!(matches!(Value::from_json_text(r#"{"a":1,"a":2}"#), Err(ValueError::Syntax(_))));
        assert!(matches!(Value::from_json_text("1e400"), Err(ValueError::Syntax(_))));
    }

    #[test]
    fn equality_ignores_key_order_and_number_form() {
        let a = Value::from_json_text(r#"{"a":1,"b":2.0}"#).unwrap();
        let b = Value::from_json_text(r#"{"b":2,"a":1.0}"#).unwrap();
        assert_eq!(a, b);
    }
}
