//! Values, schemas, and what their limits are for.

use kneo_core::Value;
use kneo_core::payload::{MAX_INLINE_BYTES, Payload};
use kneo_core::schema::Schema;
use proptest::prelude::*;

use super::arbitrary;
use super::samples::value;

proptest! {
    #![proptest_config(arbitrary::config())]

    #[test]
    fn every_value_survives_its_json(made in arbitrary::value()) {
        let text = made.to_string();
        prop_assert_eq!(Value::from_json_text(&text)?, made.clone());
        prop_assert_eq!(Value::from_json(&made.to_json())?, made.clone());
        // Compact JSON by another writer has the same text.
        let other: serde_json::Value = serde_json::from_str(&text)?;
        prop_assert_eq!(Value::from_json_text(&other.to_string())?, made);
    }

    #[test]
    fn a_blob_holds_what_the_payload_says(made in arbitrary::value(), times in 1usize..9_000) {
        let payload = Payload::new(Value::list([made, Value::text("x".repeat(times))])?)?;
        match payload.blob() {
            None => prop_assert!(payload.value().size() <= MAX_INLINE_BYTES),
            Some(blob) => {
                prop_assert!(payload.value().size() > MAX_INLINE_BYTES);
                let back = Payload::from_blob(blob.digest(), blob.bytes().clone())?;
                prop_assert_eq!(back, payload);
            }
        }
    }

    #[test]
    fn random_text_is_read_or_refused(text in any::<String>()) {
        if let Ok(made) = Value::from_json_text(&text) {
            prop_assert_eq!(Value::from_json_text(&made.to_string())?, made);
        }
    }
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    for schema in [
        r##"{"$ref":"#"}"##,
        r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}"##,
        r##"{"type":"object","additionalProperties":{"$ref":"#"}}"##,
    ] {
        if let Ok(schema) = Schema::compile(&value(schema)) {
            let _ = schema.check(&value(r#"{"a":{"b":{}}}"#));
        }
    }
}

#[test]
fn a_schema_with_a_costly_pattern_is_checked_in_linear_time() {
    let schema = Schema::compile(&value(r#"{"type":"string","pattern":"^(a+)+$"}"#)).unwrap();
    assert!(schema.check(&Value::text(format!("{}b", "a".repeat(50_000)))).is_err());
    assert!(Schema::compile(&value(r#"{"pattern":"(?=a)b"}"#)).is_err(), "look-around has no linear form");
}
