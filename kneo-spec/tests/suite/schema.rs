//! The published schema: it is the one of the tables, it says what the compiler says, and no more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use kneo_spec::CompileOptions;
use kneo_spec::diagnostic::Code;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::golden::{check, corpus, run};

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(of)
}

fn schema() -> Validator {
    let schema = serde_json::from_str(&kneo_spec::json_schema()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft7::new(&schema).unwrap()
}

/// The value of a spec, as the second reader reads it.
fn value(text: &str) -> Option<Value> {
    serde_yaml::from_str(text).ok()
}

/// What the schema says of a value: for each thing that does not fit its place, and the keyword that it breaks.
fn refusals(schema: &Validator, value: &Value) -> Vec<String> {
    let line = |error: jsonschema::ValidationError<'_>| {
        let (place, keyword) = (error.instance_path().to_string(), error.schema_path().to_string());
        let place = if place.is_empty() { "the spec" } else { &place };
        format!("{place}: {}", keyword.rsplit('/').next().unwrap_or_default())
    };
    schema.iter_errors(value).map(line).collect()
}

/// The codes that the compiler gives, if it refuses.
fn codes(name: &str, text: &str) -> Option<Vec<Code>> {
    let (_, compilation) = run(name, text, &CompileOptions::default());
    compilation.plan.is_none().then(|| compilation.diagnostics.iter().map(|found| found.code).collect())
}

/// The specs in a folder and those below it.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Everything in this repository that compiles, by name.
fn accepted() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for code in Code::ALL {
        for (which, text) in [("wrong", code.page().wrong), ("right", code.page().right)] {
            all.insert(format!("{code} {which}"), text.to_owned());
        }
    }
    for folder in [corpus(), folder("examples"), folder("schemas/samples/valid")] {
        for path in below(&folder) {
            all.insert(path.display().to_string(), std::fs::read_to_string(&path).unwrap());
        }
    }
    all.retain(|name, text| codes(name, text).is_none());
    all
}

#[test]
fn the_published_schema_is_the_one_of_the_tables() {
    check(&folder("schemas/kneo-v1.schema.json"), &kneo_spec::json_schema());
}

#[test]
fn what_compiles_fits_the_schema() {
    let schema = schema();
    let accepted = accepted();
    assert!(accepted.len() > 90, "{}", accepted.len());
    for (name, text) in accepted {
        let found = refusals(&schema, &value(&text).unwrap());
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }
}

#[test]
fn valid_samples_are_accepted_by_both() {
    let schema = schema();
    let samples = below(&folder("schemas/samples/valid"));
    assert!(samples.len() >= 8, "{samples:?}");
    for path in samples {
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, compilation) = run("sample.yaml", &text, &CompileOptions::default());
        assert!(compilation.diagnostics.is_empty(), "{}: {:?}", path.display(), compilation.diagnostics);
        let found = refusals(&schema, &value(&text).unwrap());
        assert!(found.is_empty(), "{}:\n{}", path.display(), found.join("\n"));
    }
}

/// What both say of an invalid sample stands beside it.
#[test]
fn invalid_samples_are_refused_by_both() {
    let schema = schema();
    let samples = below(&folder("schemas/samples/invalid"));
    assert!(samples.len() >= 15, "{samples:?}");
    for path in samples {
        let text = std::fs::read_to_string(&path).unwrap();
        let compiler = codes("sample.yaml", &text).unwrap_or_else(|| panic!("{} compiles", path.display()));
        let mut lines = refusals(&schema, &value(&text).unwrap());
        assert!(!lines.is_empty(), "{} fits the schema", path.display());
        lines.sort();
        let report = format!(
            "schema:\n{}\n\ncompiler:\n{}\n",
            lines.join("\n"),
            compiler.iter().map(|code| code.as_str()).collect::<Vec<_>>().join("\n")
        );
        check(&path.with_extension("txt"), &report);
    }
}

#[test]
fn every_report_of_a_sample_belongs_to_one() {
    for entry in std::fs::read_dir(folder("schemas/samples/invalid")).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.with_extension("yaml").exists(), "{} has no sample", path.display());
    }
}

/// Keys under which everything is the author's.
const OPEN: &[&str] = &[
    "arguments",
    "content",
    "context",
    "extra",
    "input",
    "inputs",
    "output",
    "output_schema",
    "parameters",
    "schema",
    "set",
];

/// Fields in which there may be any value, `null` as well.
const VALUES: &[&str] = &["arguments", "content", "input", "output", "value"];

/// The value without optional fields that have nothing behind their colon, the one thing in which the two differ.
fn without_empty_fields(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.iter().filter(|(key, value)| !value.is_null() || VALUES.contains(&key.as_str()));
            let entry = |(key, value): (&String, &Value)| {
                let value = match key.as_str() {
                    "outputs" => without_empty_schemas(value),
                    key if OPEN.contains(&key) || key.starts_with("x-") => value.clone(),
                    _ => without_empty_fields(value),
                };
                (key.clone(), value)
            };
            Value::Object(kept.map(entry).collect())
        }
        Value::Array(items) => items.iter().map(without_empty_fields).collect(),
        scalar => scalar.clone(),
    }
}

/// As [`without_empty_fields`], of outputs, whose values are the author's.
fn without_empty_schemas(outputs: &Value) -> Value {
    let mut outputs = outputs.clone();
    for output in outputs.as_object_mut().into_iter().flat_map(|outputs| outputs.values_mut()) {
        if let Value::Object(output) = output {
            output.retain(|key, value| key != "schema" || !value.is_null());
        }
    }
    outputs
}

/// What is done to one value of a spec.
#[derive(Clone, Debug)]
enum Change {
    Replace(Value),
    Remove,
    Rename(&'static str),
    Add(&'static str, Value),
}

/// Keys that belong somewhere, and one that belongs nowhere.
const KEYS: &[&str] = &[
    "agent",
    "argv",
    "command",
    "effect",
    "id",
    "implementation",
    "include",
    "join",
    "kind",
    "max_retries",
    "max_steps",
    "model",
    "nobody",
    "nodes",
    "on_max",
    "options",
    "participants",
    "ref",
    "retry",
    "schema",
    "set",
    "start",
    "steps",
    "timeout_seconds",
    "tools",
    "type",
    "value",
    "version",
    "when",
    "workflow",
    "x-mine",
];

/// The few changes that show most of a value.
fn short_changes(value: &Value) -> Vec<Change> {
    let scalars = [json!(1), json!("word")];
    let structures = [json!("word"), json!([]), json!({})];
    let values = if value.is_array() || value.is_object() { &structures[..] } else { &scalars[..] };
    let replaced = values.iter().filter(|with| *with != value).cloned().map(Change::Replace);
    replaced.chain([Change::Remove, Change::Add("nobody", json!(1))]).collect()
}

fn all_changes() -> Vec<Change> {
    let values = [
        Value::Null,
        json!(1),
        json!("word"),
        json!([]),
        json!({}),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e12),
        json!(""),
        json!(["word"]),
        json!([{}]),
        json!({"word": "word"}),
        json!({"value": {"value": 1}}),
        json!({"to": "word"}),
        json!({"include": ["word"]}),
    ];
    let added = KEYS.iter().flat_map(|key| [json!("word"), json!(1), json!({})].map(|value| Change::Add(key, value)));
    let renamed = KEYS.iter().map(|key| Change::Rename(key));
    values.map(Change::Replace).into_iter().chain([Change::Remove]).chain(added).chain(renamed).collect()
}

/// Every place of a value, as the keys that lead to it.
fn places(value: &Value) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let children: Vec<(String, &Value)> = match value {
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let below = places(child).into_iter();
        found.extend(below.map(|path| std::iter::once(key.clone()).chain(path).collect()));
    }
    found
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}

fn at<'a>(spec: &'a Value, path: &[String]) -> Option<&'a Value> {
    spec.pointer(&pointer(path))
}

/// The spec with one thing changed; `None` where that cannot be done.
fn changed(spec: &Value, path: &[String], change: &Change) -> Option<Value> {
    let mut spec = spec.clone();
    match change {
        Change::Replace(with) => *spec.pointer_mut(&pointer(path))? = with.clone(),
        Change::Add(key, value) => {
            let entries = spec.pointer_mut(&pointer(path))?.as_object_mut()?;
            entries.insert((*key).to_owned(), value.clone());
        }
        Change::Remove | Change::Rename(_) => {
            let (last, above) = path.split_last()?;
            let entries = spec.pointer_mut(&pointer(above))?.as_object_mut()?;
            let value = entries.remove(last)?;
            if let Change::Rename(to) = change {
                entries.insert((*to).to_owned(), value);
            }
        }
    }
    Some(spec)
}

/// The codes for what the tables say, which the schema says as well.
const SAID_BY_TABLES: &[Code] = &[
    Code::UnknownField,
    Code::MissingField,
    Code::UnknownValue,
    Code::NotSupportedYet,
    Code::InvalidName,
    Code::NoRoot,
    Code::OnMaxUnused,
    Code::ToolNoBacking,
    Code::ToolMultipleBackings,
    Code::FunctionNoBacking,
    Code::FunctionMultipleBackings,
];

/// Where only the compiler knows which words and fields go together: the words of a `status_is`, the `join_at` of
/// `route: all`, what goes with a decision, the codes of a model's errors, and that `…_ref` in an environment or a header
/// is a name.
const NOT_IN_TABLES: &[&str] = &["code", "condition", "content", "env", "headers", "join_at", "option", "route"];

/// Where schema and compiler do not agree about a changed spec.
fn disagreement(schema: &Validator, name: &str, path: &[String], change: &Change, changed: &Value) -> Option<String> {
    let refusals = refusals(schema, &without_empty_fields(changed));
    let codes = codes(name, &changed.to_string());
    let place = format!("{name}, /{}, {change:?}", path.join("/"));
    if !refusals.is_empty() && codes.is_none() {
        return Some(format!("{place}: the schema is too strict: {refusals:?}"));
    }
    let key = match change {
        Change::Rename(key) | Change::Add(key, _) => key,
        Change::Replace(_) | Change::Remove => "",
    };
    if refusals.is_empty() && !path.iter().map(String::as_str).chain([key]).any(|key| NOT_IN_TABLES.contains(&key)) {
        // Bounds are in the tables, and whether there must be entries; which of two numbers is greater is not.
        let empty = matches!(change, Change::Replace(value) if *value == json!([]) || *value == json!({}));
        // The tables do not say it of lists in lists, of which tests have some.
        let flat = path.first().is_none_or(|first| first != "tests");
        let told = |code: &Code| SAID_BY_TABLES.contains(code) || (empty && flat && *code == Code::OutOfRange);
        let said: Vec<Code> = codes.into_iter().flatten().filter(told).collect();
        return (!said.is_empty()).then(|| format!("{place}: the schema is too lax: {said:?}"));
    }
    None
}

/// The spec with every field, each of them spoilt in a few ways.
#[test]
fn the_schema_refuses_what_the_compiler_refuses_of_every_field() {
    let schema = schema();
    let text = std::fs::read_to_string(corpus().join("fields/whole.yaml")).unwrap();
    let spec = value(&text).unwrap();
    let changes = |path: Vec<String>| {
        let changes = short_changes(at(&spec, &path).unwrap()).into_iter();
        changes.map(move |change| (path.clone(), change)).collect::<Vec<_>>()
    };
    let all: Vec<(Vec<String>, Change)> = places(&spec).into_iter().flat_map(changes).collect();
    assert!(all.len() > 1_000, "{}", all.len());
    let disagreement = |(path, change): &(Vec<String>, Change)| {
        disagreement(&schema, "whole.yaml", path, change, &changed(&spec, path, change)?)
    };
    let disagreements: Vec<String> = std::thread::scope(|scope| {
        let share = |share| scope.spawn(move || <[_]>::iter(share).filter_map(disagreement).collect::<Vec<_>>());
        let shares: Vec<_> = all.chunks(all.len().div_ceil(4)).map(share).collect();
        shares.into_iter().flat_map(|share| share.join().unwrap()).collect()
    });
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every spec that compiles, spoilt anyhow.
    #[test]
    fn what_the_schema_refuses_the_compiler_refuses(spec in any::<Index>(), place in any::<Index>(), change in any::<Index>()) {
        static ACCEPTED: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
            // What is ignored there is not looked into either.
            let all = accepted().into_iter().filter(|(name, _)| !name.starts_with(Code::AgentToolParameters.as_str()));
            all.map(|(name, text)| (name, value(&text).unwrap())).collect()
        });
        static SCHEMA: LazyLock<Validator> = LazyLock::new(schema);
        let (name, spec) = spec.get(&ACCEPTED);
        let places = places(spec);
        let path = place.get(&places);
        let changes = all_changes();
        let change = change.get(&changes);
        if let Some(changed) = changed(spec, path, change) {
            let disagreement = disagreement(&SCHEMA, name, path, change, &changed);
            prop_assert!(disagreement.is_none(), "{}\n{changed:#}", disagreement.unwrap_or_default());
        }
    }
}
