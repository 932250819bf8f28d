//! Schemas: a plan holds each once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use kneo_core::value::Value;

/// The schemas that are in the plan already, by their digests.
#[derive(Default)]
pub(super) struct Schemas {
    places: HashMap<u64, Vec<usize>>,
}

impl Schemas {
    /// The place of a schema in the plan, which it joins if none is equal to it.
    pub(super) fn place(&mut self, schema: &Value, plan: &mut Vec<Value>) -> usize {
        let places = self.places.entry(digest(schema)).or_default();
        let same = places.iter().find(|at| plan.get(**at).is_some_and(|known| known == schema));
        if let Some(at) = same {
            return *at;
        }
        let at = plan.len();
        places.push(at);
        plan.push(schema.clone());
        at
    }
}

/// Equal values have equal digests: the order of keys does not count, and an integer is a number.
fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Null => 0u8.hash(&mut hasher),
        Value::Bool(value) => (1u8, value).hash(&mut hasher),
        // Adding zero makes minus zero zero.
        Value::Number(number) => (2u8, (number.as_f64() + 0.0).to_bits()).hash(&mut hasher),
        Value::Str(text) => (3u8, text).hash(&mut hasher),
        Value::List(list) => {
            4u8.hash(&mut hasher);
            list.items().iter().for_each(|item| digest(item).hash(&mut hasher));
        }
        Value::Map(map) => {
            let sum = map.iter().map(|(key, value)| {
                let mut entry = DefaultHasher::new();
                (key, digest(value)).hash(&mut entry);
                entry.finish()
            });
            (5u8, sum.fold(0u64, u64::wrapping_add)).hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_schemas_share_a_place() {
        let mut schemas = Schemas::default();
        let mut plan = Vec::new();
        for (text, expected) in [
            (r#"{"type":"object","required":["a"]}"#, 0),
            (r#"{"required":["a"],"type":"object"}"#, 0),
            (r#"{"maxLength":1}"#, 1),
            (r#"{"maxLength":1.0}"#, 1),
            (r#"{"maxLength":-0.0}"#, 2),
            (r#"{"maxLength":0}"#, 2),
            (r#"{"maxLength":"1"}"#, 3),
            ("[null,true,[]]", 4),
            ("[null,true,{}]", 5),
        ] {
            let value = Value::from_json_text(text).unwrap();
            assert_eq!(schemas.place(&value, &mut plan), expected, "{text}");
        }
        assert_eq!(plan.len(), 6);
    }
}
