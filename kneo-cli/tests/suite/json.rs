//! What `--json` promises: one object on standard output, of the documented keys, and nothing else there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::support::*;
use super::usage::verbs;

const RUN_KEYS: [&str; 19] = [
    "cancel",
    "claimable",
    "cost_usd",
    "deadline",
    "ended_at",
    "error",
    "holder",
    "labels",
    "lacks",
    "lease_until",
    "marks",
    "output",
    "pending",
    "run_id",
    "started_at",
    "starter",
    "status",
    "usage",
    "workflow",
];

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_run_has_the_documented_keys_wherever_it_is_shown() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    assert_eq!(keys(&run), RUN_KEYS);
    assert_eq!(project.json(&["runs", "get", id]).1, run);
    assert_eq!(keys(&project.json(&["runs", "resume", id]).1), RUN_KEYS);
    assert_eq!(keys(&project.json(&["human", "decide", task, "--approve", "--by", "ana"]).1), RUN_KEYS);
    assert_eq!(keys(&project.json(&["run", "flow.yaml", "--input", "tea", "--detach"]).1), RUN_KEYS);
    let (_, other) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    assert_eq!(keys(&project.json(&["runs", "cancel", other["run_id"].as_str().unwrap()]).1), RUN_KEYS);
    snapshot(&project, "json_run", &serde_json::to_string_pretty(&run).unwrap());
}

#[test]
fn usage_counts_the_tokens_of_every_model_turn() {
    let spec = "
version: v1
workflow:
  type: sequential
  steps:
    - {id: one, kind: agent, ref: {model: {provider: dummy}, strategy: {type: simple}}}
    - {id: two, kind: agent, ref: {model: {provider: dummy}, strategy: {type: simple}}}
";
    let (code, run) = Project::with(spec).json(&["run", "flow.yaml", "--input", "three little words"]);
    assert_eq!((code, &run["usage"]), (0, &json!({"input_tokens": 6, "output_tokens": 6})));
}

#[test]
fn an_error_is_an_object_too() {
    let project = Project::with(APPROVAL);
    let answer = project.kneo(&["runs", "list", "--json"]);
    assert_eq!((answer.code, keys(&answer.object())), (4, vec!["error"]));
    assert_eq!(keys(&answer.object()["error"]), ["code", "help", "message"]);
    assert!(answer.stderr.starts_with("error[store_not_found]: "), "{answer:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let mut command = project.command(&["runs", "events", run["run_id"].as_str().unwrap(), "--follow"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// What the guide says of an object: its keys, and of those that hold objects, or lists of them, theirs.
type Shape = BTreeMap<String, Option<Told>>;

#[derive(Clone, Debug)]
struct Told(Shape);

/// What the guide says of what a verb writes.
#[derive(Clone, Debug, Default)]
struct Row {
    /// One of these.
    shapes: Vec<Shape>,
    /// Keys that may be there besides.
    others: BTreeSet<String>,
}

/// Reads an object as the guide writes it: `{"a", "b": [{"c"}], "d": [task]}`.
fn shape(text: &str) -> (Shape, &str) {
    let (mut found, mut rest) = (Shape::new(), text.strip_prefix('{').unwrap());
    loop {
        let (key, after) = rest.strip_prefix('"').unwrap_or_else(|| panic!("{rest}")).split_once('"').unwrap();
        rest = after;
        let mut below = None;
        if let Some(value) = rest.strip_prefix(": ") {
            let value = value.trim_start_matches('[');
            if value.starts_with('{') {
                let (object, after) = shape(value);
                (below, rest) = (Some(Told(object)), after);
            } else {
                rest = value.trim_start_matches(char::is_alphabetic);
            }
            rest = rest.trim_start_matches(']');
        }
        found.insert(key.to_owned(), below);
        match rest.strip_prefix(", ") {
            Some(more) => rest = more,
            None => return (found, rest.strip_prefix('}').unwrap_or_else(|| panic!("{rest}"))),
        }
    }
}

/// The row that names no verb.
const FAILING: &str = "any that fails, wrong usage included";

/// The table of the guide, by verbs.
fn table() -> BTreeMap<String, Row> {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/program.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let table = guide.split_once("| Command | Object |\n| --- | --- |\n").unwrap().1.split_once("\n\n").unwrap().0;
    let (mut rows, mut before) = (BTreeMap::new(), BTreeSet::new());
    for line in table.lines() {
        let (verbs, told) = line.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        let code = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let mut row = Row::default();
        for part in code(told) {
            match part.starts_with('{') {
                true => row.shapes.push(shape(&part).0),
                false => row.others.extend(part.split('"').skip(1).step_by(2).map(str::to_owned)),
            }
        }
        if told.starts_with("the same, with ") {
            let keys: BTreeSet<&String> = before.iter().chain(&row.others).collect();
            row.shapes.push(keys.into_iter().map(|key| (key.clone(), None)).collect());
        }
        before = row.shapes[0].keys().cloned().collect();
        let named = if verbs == FAILING { vec![FAILING.to_owned()] } else { code(verbs) };
        for verb in named {
            rows.insert(verb, row.clone());
        }
    }
    rows
}

/// Whether an object is as it is told.
fn fits(object: &Value, shape: &Shape, others: &BTreeSet<String>) -> bool {
    let Some(entries) = object.as_object() else { return false };
    let told = |key: &String| shape.contains_key(key) || others.contains(key);
    entries.keys().all(told)
        && shape.iter().all(|(key, below)| match (entries.get(key), below) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(Value::Array(list)), Some(Told(below))) => {
                !list.is_empty() && list.iter().all(|one| fits(one, below, others))
            }
            (Some(one), Some(Told(below))) => fits(one, below, others),
        })
}

/// The guide promises that no key is renamed or removed: each verb writes what its row says, and each has a row.
#[test]
fn every_verb_writes_what_the_guide_says_of_it() {
    let spec = format!("{APPROVAL}tests: [{{name: it waits, expect: {{status: completed}}}}]\n");
    let project = Project::with(&spec);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    let (_, other) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let other = other["run_id"].as_str().unwrap();
    std::fs::write(project.path("key"), "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").unwrap();
    let sign = "--output flow.bundle --key-id k --key-file key --approved-by ana --env test --sequence 1".split(' ');
    let sign: Vec<&str> = std::iter::once("flow.yaml").chain(sign).collect();
    let asked: [(&str, &[&str]); 32] = [
        ("run", &["flow.yaml", "--input", "tea"]),
        ("runs list", &[]),
        ("runs get", &[id]),
        ("runs events", &[id]),
        ("runs trace", &[id]),
        ("runs trace", &[id, "--html"]),
        ("runs trace", &[id, "--html", "--output", "trace.html"]),
        ("human list", &[]),
        ("human get", &[task]),
        ("human decide", &[task, "--approve", "--by", "ana"]),
        ("runs resume", &[other]),
        ("runs cancel", &[other]),
        ("runs prune", &["--older-than", "1"]),
        ("spec validate", &["flow.yaml"]),
        ("spec compile", &["flow.yaml"]),
        ("spec resolve", &["flow.yaml"]),
        ("spec test", &["flow.yaml"]),
        ("spec schema", &[]),
        ("spec graph", &["flow.yaml"]),
        ("spec graph", &["flow.yaml", "--format", "dot"]),
        ("spec graph", &["flow.yaml", "--format", "svg"]),
        ("spec graph", &["flow.yaml", "--output", "flow.mmd"]),
        ("spec bundle sign", &sign),
        ("spec bundle verify", &["flow.bundle", "--key-id", "k=file:key", "--env", "test"]),
        ("new", &["greeter"]),
        ("doctor", &["flow.yaml"]),
        ("completions", &["bash"]),
        ("explain", &["E_STEP_REF"]),
        ("explain", &["tool_exit"]),
        ("explain", &[]),
        (FAILING, &["fly"]),
        (FAILING, &["spec", "compile", "broken.yaml"]),
    ];
    std::fs::write(project.path("broken.yaml"), "version: v1\n").unwrap();
    let mut table = table();
    let failing = table.remove(FAILING).unwrap();
    for (verb, arguments) in asked {
        let (path, row) = match table.get(verb) {
            Some(row) => (verb.split(' ').collect(), row),
            None => (Vec::new(), &failing),
        };
        let answer = project.kneo(&[path.as_slice(), arguments, &["--json"]].concat());
        let objects = answer.objects();
        assert!(!objects.is_empty(), "{verb}: {answer:?}");
        for object in objects {
            assert!(
                row.shapes.iter().any(|shape| fits(&object, shape, &row.others)),
                "`{verb} {}` wrote {:?}, and is told to write {row:?}",
                arguments.join(" "),
                keys(&object)
            );
        }
    }
    let told: BTreeSet<String> = table.into_keys().collect();
    let there = verbs(&project).into_iter().filter(|verb| verb.below.is_empty());
    let there: BTreeSet<String> = there.map(|verb| verb.spoken().trim_start().to_owned()).collect();
    assert_eq!(told, there);
    let tried: BTreeSet<String> = asked.iter().map(|(verb, _)| (*verb).to_owned()).collect();
    assert_eq!(tried.difference(&told).collect::<Vec<_>>(), [FAILING]);
    assert_eq!(told.difference(&tried).count(), 0);
}
