//! JSON in and out of [`Value`], with the limits of the boundary.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{List, Map, Number, Value, ValueError};

pub(super) fn read(text: &str) -> Result<Value, ValueError> {
    serde_json::from_str(text).map_err(|error| typed(&error.to_string()))
}

/// serde carries errors as text; the limits have marked texts so that they stay typed.
fn typed(message: &str) -> ValueError {
    const RANGE: &str = "integer `";
    if message.starts_with("value nests deeper") || message.starts_with("recursion limit exceeded") {
        return ValueError::TooDeep;
    }
    if let Some(rest) = message.strip_prefix(RANGE) {
        let digits = rest.split('`').next().unwrap_or_default();
        return ValueError::IntegerOutOfRange(digits.to_owned());
    }
    ValueError::Syntax(message.to_owned())
}

pub(super) fn convert(value: &serde_json::Value) -> Result<Value, ValueError> {
    Ok(match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => {
            if let Some(int) = number.as_i64() {
                Value::int(int)?
            } else if number.is_u64() {
                return Err(ValueError::IntegerOutOfRange(number.to_string()));
            } else {
                Value::float(number.as_f64().unwrap_or(f64::NAN))?
            }
        }
        serde_json::Value::String(text) => Value::Str(Arc::from(text.as_str())),
        serde_json::Value::Array(items) => {
            Value::List(List::new(items.iter().map(convert).collect::<Result<Vec<_>, _>>()?)?)
        }
        serde_json::Value::Object(entries) => {
            let entries = entries.iter().map(|(k, v)| Ok((Arc::from(k.as_str()), convert(v)?)));
            Value::Map(Map::new(entries.collect::<Result<Vec<_>, ValueError>>()?)?)
        }
    })
}

pub(super) fn export(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => serde_json::Value::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(int) => serde_json::Value::from(int),
            None => serde_json::Value::from(number.as_f64()),
        },
        Value::Str(text) => serde_json::Value::String(text.to_string()),
        Value::List(list) => serde_json::Value::Array(list.items().iter().map(export).collect()),
        Value::Map(map) => {
            serde_json::Value::Object(map.iter().map(|(key, value)| (key.to_string(), export(value))).collect())
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(int) => serializer.serialize_i64(int),
                None => serializer.serialize_f64(number.as_f64()),
            },
            Value::Str(text) => serializer.serialize_str(text),
            Value::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for item in list.items() {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Value::Map(map) => {
                let mut out = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in map {
                    out.serialize_entry(&**key, value)?;
                }
                out.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Deserialize::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        Value::int(value).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        let int = i64::try_from(value).map_err(|_| E::custom(ValueError::IntegerOutOfRange(value.to_string())))?;
        Value::int(int).map_err(E::custom)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::float(value).map(Value::Number).map_err(E::custom)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Str(Arc::from(value)))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Str(Arc::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        List::new(items).map(Value::List).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
        while let Some(entry) = access.next_entry::<String, Value>()? {
            entries.push((Arc::from(entry.0), entry.1));
        }
        let written = entries.len();
        let map = Map::new(entries).map_err(A::Error::custom)?;
        if map.len() != written {
            return Err(A::Error::custom("an object has the same key twice"));
        }
        Ok(Value::Map(map))
    }
}
