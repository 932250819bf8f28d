//! What `--json` promises: one object on standard output, of the documented keys, and nothing else there.

use serde_json::{Value, json};

use super::support::*;

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
