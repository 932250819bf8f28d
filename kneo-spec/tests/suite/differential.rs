//! A second reader gives the same values: what the compiler understands is what YAML says.

use proptest::prelude::*;
use serde_json::Value;

use kneo_spec::source::SourceMap;
use kneo_spec::{CompileOptions, resolve};

use super::golden::specs;

/// The values that the compiler read, through its own normal form.
fn ours(text: &str) -> Option<Value> {
    let mut sources = SourceMap::new();
    let file = sources.add("a.yaml", text);
    let normal = resolve(&sources, file, &CompileOptions::default()).ok()?;
    Some(untagged(serde_yaml::from_str(&normal).unwrap()))
}

/// The value without the tags that keep text from being read as a number.
fn untagged(value: serde_yaml::Value) -> Value {
    match value {
        serde_yaml::Value::Tagged(tagged) => untagged(tagged.value),
        serde_yaml::Value::Sequence(items) => items.into_iter().map(untagged).collect(),
        serde_yaml::Value::Mapping(entries) => Value::Object(
            entries.into_iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), untagged(value))).collect(),
        ),
        scalar => serde_json::to_value(scalar).unwrap(),
    }
}

fn theirs(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_corpus_reads_the_same() {
    for (name, path) in specs("ok") {
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(ours(&text).unwrap(), theirs(&text), "{name}");
    }
}

/// Any JSON value, with the texts that readers of YAML disagree about.
fn value() -> impl Strategy<Value = Value> {
    let awkward = proptest::sample::select(
        &[
            "",
            "~",
            "null",
            "true",
            "no",
            "yes",
            "on",
            "1",
            "017",
            "0o17",
            "0x1F",
            "1_000",
            "1e3",
            "1.",
            ".5",
            ".inf",
            ".nan",
            "12:30:45",
            "2026-01-01",
            "- a",
            "a: b",
            "a #b",
            "#",
            "{{ x }}",
            "*a",
            "&a",
            "!t",
            "|",
            ">",
            "%",
            "@",
            "`",
            " lead",
            "trail ",
            "tab\t",
            "line\nbreak",
            "line\n\nbreaks\n",
            "'",
            "\"",
            "\\",
            "<<",
            "=",
            "?",
            "---",
            "...",
            "größe",
            "値",
            "𝄞",
            "\u{e000}",
            "+",
            "-",
            "-1",
            "+1",
            "1e999",
            "9007199254740993",
            "[a",
            "{a",
            "a]",
            ",",
            "x,y",
        ][..],
    );
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991i64..=9_007_199_254_740_991).prop_map(Value::from),
        (-1e15..1e15f64).prop_map(Value::from),
        awkward.prop_map(Value::from),
        "[ -~]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map("[a-z ]{1,8}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Written by the second reader's writer, read by ours, written again, read by theirs.
    #[test]
    fn random_documents_read_the_same(value in value()) {
        let spec = serde_json::json!({
            "version": "v1",
            "x-value": value,
            "workflow": {"type": "sequential", "steps": [{"id": "a", "kind": "set", "set": {"x": 1}}]},
        });
        let text = serde_yaml::to_string(&spec).unwrap();
        // Their writer leaves this text without quotes, and then it is a number to everybody.
        prop_assume!(!text.contains(" 1e999"));
        // A credential by chance is no matter of reading.
        let Some(ours) = ours(&text) else { panic!("refused:\n{text}") };
        prop_assert_eq!(ours, theirs(&text), "{}", text);
    }

    /// Written as JSON, which is YAML.
    #[test]
    fn json_reads_the_same(value in value()) {
        let spec = serde_json::json!({
            "version": "v1",
            "x-value": value,
            "workflow": {"type": "sequential", "steps": [{"id": "a", "kind": "set", "set": {"x": 1}}]},
        });
        for text in [spec.to_string(), format!("{spec:#}")] {
            let Some(ours) = ours(&text) else { panic!("refused:\n{text}") };
            prop_assert_eq!(&ours, &spec, "{}", text);
        }
    }
}
