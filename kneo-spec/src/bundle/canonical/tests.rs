use std::fmt;

use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::*;

fn kind(text: &str) -> Option<FlawKind> {
    check(text.as_bytes()).err().map(|flaw| flaw.kind)
}

#[test]
fn each_flaw_is_told_with_its_place() {
    for (text, kind, at) in [
        ("", FlawKind::Cut, 0),
        ("{", FlawKind::Cut, 1),
        ("{\"a", FlawKind::Cut, 3),
        ("{\"a\":1", FlawKind::Cut, 6),
        ("[1,", FlawKind::Cut, 3),
        ("\"\\", FlawKind::Cut, 2),
        ("\"\\ud83d", FlawKind::Cut, 7),
        ("tru", FlawKind::Cut, 0),
        ("-", FlawKind::Cut, 1),
        ("1.", FlawKind::Cut, 2),
        ("1e", FlawKind::Cut, 2),
        ("{}x", FlawKind::Trailing, 2),
        ("{}{}", FlawKind::Trailing, 2),
        ("1 2", FlawKind::Trailing, 2),
        ("01", FlawKind::Trailing, 1),
        ("{a:1}", FlawKind::Syntax, 1),
        ("{\"a\" 1}", FlawKind::Syntax, 5),
        ("[1 2]", FlawKind::Syntax, 3),
        ("[1}", FlawKind::Syntax, 2),
        ("[1,]", FlawKind::Syntax, 3),
        ("{\"a\":1,}", FlawKind::Syntax, 7),
        ("nil", FlawKind::Syntax, 0),
        ("NaN", FlawKind::Syntax, 0),
        ("-Infinity", FlawKind::Syntax, 1),
        ("+1", FlawKind::Syntax, 0),
        (".5", FlawKind::Syntax, 0),
        ("\"\\x\"", FlawKind::Syntax, 1),
        ("\"\\u12g4\"", FlawKind::Syntax, 5),
        ("\"a\nb\"", FlawKind::Syntax, 2),
        ("\u{feff}{}", FlawKind::Syntax, 0),
        ("{\"a\":1,\"a\":1}", FlawKind::DuplicateKey, 7),
        ("{\"a\":1,\"b\":2,\"a\":3}", FlawKind::DuplicateKey, 13),
        ("{\"a\":1,\"\\u0061\":2}", FlawKind::DuplicateKey, 7),
        ("{\"x\":{\"a\":1,\"a\":1}}", FlawKind::DuplicateKey, 12),
        ("[1e400]", FlawKind::Number, 1),
        ("-1e999", FlawKind::Number, 0),
        ("\"\\ud83d\"", FlawKind::Surrogate, 1),
        ("\"\\ud83dx\"", FlawKind::Surrogate, 1),
        ("\"\\ud83d\\u0041\"", FlawKind::Surrogate, 1),
        ("\"\\ude00\"", FlawKind::Surrogate, 1),
        ("\"\\ude00\\ud83d\"", FlawKind::Surrogate, 1),
        ("{ }", FlawKind::NotCanonical, 1),
        ("{}\n", FlawKind::NotCanonical, 2),
        ("[1, 2]", FlawKind::NotCanonical, 3),
        ("{\"b\":1,\"a\":2}", FlawKind::NotCanonical, 7),
        ("{\"\u{fb33}\":1,\"\u{1f600}\":2}", FlawKind::NotCanonical, 9),
        ("\"\\/\"", FlawKind::NotCanonical, 1),
        ("\"\\u0041\"", FlawKind::NotCanonical, 1),
        ("\"\\ud83d\\ude00\"", FlawKind::NotCanonical, 1),
        ("\"\\u000A\"", FlawKind::NotCanonical, 1),
        ("\"\\u001F\"", FlawKind::NotCanonical, 1),
        ("1.0", FlawKind::NotCanonical, 0),
        ("1E3", FlawKind::NotCanonical, 0),
        ("-0", FlawKind::NotCanonical, 0),
        ("1e-400", FlawKind::NotCanonical, 0),
        ("9007199254740993", FlawKind::NotCanonical, 0),
        // What means two things is worse than what is written in another way, wherever it stands.
        ("{ \"b\":1, \"a\":2, \"a\":2}", FlawKind::DuplicateKey, 16),
    ] {
        assert_eq!(check(text.as_bytes()), Err(Flaw { kind, at }), "{text}");
    }
    assert_eq!(check(b"\"\xff\"").unwrap_err(), Flaw { kind: FlawKind::NotUtf8, at: 1 });
    assert_eq!(check(b"\"\xc3").unwrap_err(), Flaw { kind: FlawKind::Cut, at: 1 });
    // Half a pair in UTF-8, as some programs write it, is no UTF-8.
    assert_eq!(check(b"\"\xed\xa0\xbd\"").unwrap_err(), Flaw { kind: FlawKind::NotUtf8, at: 1 });
}

#[test]
fn what_is_canonical_passes() {
    for text in [
        "{}",
        "[]",
        "null",
        "true",
        "0",
        "-1",
        "1e+30",
        "5e-324",
        "\"\"",
        "\"\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\u{7f}é😀\"",
        "{\"\":1,\"1\":[{},[]],\"\u{1f600}\":2,\"\u{fb33}\":{\"a\":null}}",
        // Two texts that look alike are two.
        "{\"A\u{30a}\":1,\"\u{c5}\":2}",
    ] {
        assert_eq!(kind(text), None, "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(kind(&nested(MAX_DEPTH)), None);
    assert_eq!(kind(&nested(MAX_DEPTH + 1)), Some(FlawKind::TooDeep));
    assert_eq!(kind(&"[".repeat(1_000_000)), Some(FlawKind::TooDeep));
    assert_eq!(kind(&"{\"a\":".repeat(1_000_000)), Some(FlawKind::TooDeep));
}

/// JSON of which no object has a key twice.
#[derive(Debug)]
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unique, D::Error> {
        deserializer.deserialize_any(Unique)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        while items.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unique, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, Unique)) = entries.next_entry::<String, Unique>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("a key twice"));
            }
        }
        Ok(Unique)
    }
}

/// JSON in many spellings, most of it whole, some of it broken by a change.
fn text() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i32>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        any::<f64>().prop_map(|number| serde_json_canonicalizer::to_string(&number).unwrap()),
    ];
    let piece = prop_oneof!["[a-c]{0,2}", Just("\\n".to_owned()), Just("\\u0062".to_owned()), Just("é😀".to_owned())];
    let string = proptest::collection::vec(piece, 0..3).prop_map(|pieces| format!("\"{}\"", pieces.concat()));
    let leaf = prop_oneof![number, string.clone(), Just("null".to_owned()), Just("true".to_owned())];
    let space = prop_oneof![9 => Just(""), 1 => Just(" ")];
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        let entry = (string.clone(), space.clone(), inner.clone())
            .prop_map(|(key, space, value)| format!("{key}:{space}{value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(entry, 0..4).prop_map(|entries| format!("{{{}}}", entries.join(","))),
        ]
    });
    let change = proptest::option::weighted(0.3, (any::<prop::sample::Index>(), any::<char>(), any::<bool>()));
    (value, change).prop_map(|(text, change)| match change {
        None => text,
        Some((at, with, instead)) => {
            let mut characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len());
            match instead {
                true => characters[at] = with,
                false => drop(characters.remove(at)),
            }
            characters.into_iter().collect()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Another parser and another writer say the same.
    #[test]
    fn only_the_canonical_form_passes(text in text()) {
        let parsed = serde_json::from_str::<Unique>(&text);
        let canonical = || serde_json_canonicalizer::to_string(&serde_json::from_str::<Json>(&text).unwrap()).unwrap();
        match kind(&text) {
            None => prop_assert_eq!(canonical(), &*text),
            Some(FlawKind::NotCanonical) => {
                prop_assert!(parsed.is_ok(), "{:?}", parsed);
                prop_assert_ne!(canonical(), &*text);
            }
            Some(flaw) => prop_assert!(parsed.is_err(), "{:?}", flaw),
        }
    }

    #[test]
    fn whatever_comes_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(flaw) = check(&bytes) {
            prop_assert!(flaw.at <= bytes.len());
        }
    }
}
