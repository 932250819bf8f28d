//! `kneo spec test`.

use super::support::*;

/// A spec with everything that a test can answer for, and its tests.
const STORIES: &str = "version: v1
inputs: {type: object, required: [topic], properties: {topic: {type: string}}}
mcp_servers:
  files: {transport: stdio, command: no-such-program}
tools:
  search: {command: {argv: [no-such-program]}, effect: read, approval: always}
  expert: {agent: expert}
components:
  agents:
    writer: {name: the writer, model: {provider: openai, name: gpt, extra: {api_key_ref: nobodys-key}}, tools: [search, expert, files]}
    expert: {model: {provider: openai, name: gpt}, output_schema: {type: object}}
  humans:
    editor: {request_type: review, assignee: ana, timeout_seconds: 604800}
  functions:
    publish: {command: {argv: [no-such-program]}, effect: idempotent, approval: always}
workflow:
  type: sequential
  steps:
    - {id: write, kind: agent, ref: writer}
    - {id: agree, kind: human, ref: editor}
    - {id: publish, kind: function, ref: publish, timeout_seconds: 3600, retry: {max_attempts: 3, initial_seconds: 600, max_seconds: 600}}
tests:
";

const GOOD: &str = "  - name: a story is published
    input: {topic: rust}
    models:
      writer:
        - tool_calls: [{name: search, arguments: {q: rust}}, {name: expert, arguments: {input: why}}, {name: read}]
        - {text: A story., when_input_contains: rust}
      expert: [{output: {because: so}, when_input_contains: why, delay_seconds: 2}]
    tools: {search: {output: found}}
    mcp_servers: {files: {read: {output: {text: words}}}}
    humans: {agree: [{decision: edit, content: A tale.}]}
    approvals: {search: approve_for_run, publish: {decision: approve, reason: fine}}
    functions: {publish: [{error: {code: busy, retryable: true}}, {output: late, delay_seconds: 7200}, {output: done}]}
    expect:
      output: done
      path: [write, write/expert, agree, publish]
      tools_called: [search, expert, read]
      tools_not_called: [write_file]
      human_tasks: [search, agree, publish]
  - name: nobody agrees
    input: {topic: rust}
    models: {the writer: [A story.]}
    humans: {agree: {decision: reject, reason: too long}}
    expect: {status: failed, error: {kind: rejected, contains: too long}}
  - name: nobody answers for a week
    input: {topic: rust}
    models: {writer: [A story.]}
    expect: {status: expired, human_tasks: [agree]}
  - name: a model is away
    input: {topic: rust}
    models: {writer: [{error: {code: provider_unavailable, message: it is away}}]}
    expect: {status: failed, error: {kind: provider, code: provider_unavailable}, path: [write]}
";

const BAD: &str = "  - name: everything else
    input: {topic: rust}
    models: {writer: [A story., Another.]}
    humans: {agree: approve}
    approvals: {publish: approve, search: [approve, reject]}
    functions: {publish: {output: {a: [1]}}}
    expect: {output: {a: [2]}, path: [write], tools_called: [search], human_tasks: []}
  - {name: nothing foreseen, input: {topic: rust}}
  - {name: it waits, input: {topic: rust}, models: {writer: [A story.]}, humans: {agree: approve}}
  - name: another failure
    input: {topic: rust}
    models: {writer: [{error: {code: provider_refused, message: never}}]}
    expect: {status: failed, error: {kind: rejected, code: no, contains: perhaps}}
  - name: a tool too many
    input: {topic: rust}
    models: {writer: [{tool_calls: [{name: read}]}, A story.]}
    humans: {agree: {decision: approve, by: ben}}
    expect: {status: expired, tools_not_called: [read]}
";

#[test]
fn tests_pass_without_models_commands_servers_and_waiting() {
    let project = Project::with(&format!("{STORIES}{GOOD}"));
    let answer = project.kneo(&["spec", "test", "flow.yaml"]);
    let told =
        "ok a story is published\nok nobody agrees\nok nobody answers for a week\nok a model is away\n4 tests passed\n";
    assert_eq!((answer.code, answer.stdout.as_str(), answer.stderr.as_str()), (0, told, ""));
    // Nothing is left behind.
    assert!(!project.path(".kneo").exists());
}

/// What a spec keeps from its agents a server of a test has, without being told.
#[test]
fn a_server_of_a_test_has_what_the_spec_excludes() {
    let spec = format!("{STORIES}{GOOD}")
        .replace("command: no-such-program}\n", "command: no-such-program, tools: {exclude: [write_file]}}\n");
    let answer = Project::with(&spec).kneo(&["spec", "test", "flow.yaml", "--filter", "published"]);
    assert_eq!((answer.code, answer.stdout.lines().last()), (0, Some("1 test passed")), "{answer:?}");
}

#[test]
fn what_differs_is_told() {
    let project = Project::with(&format!("{STORIES}{BAD}"));
    let answer = project.kneo(&["spec", "test", "flow.yaml"]);
    assert_eq!(answer.code, 1);
    snapshot(&project, "spec_test_fails", &answer.whole());
    let (code, report) = project.json(&["spec", "test", "flow.yaml", "--filter", "failure"]);
    assert_eq!(code, 1);
    let expected = serde_json::json!({
        "ok": false,
        "file": "flow.yaml",
        "files": ["flow.yaml"],
        "tests": [{
            "name": "another failure",
            "file": "flow.yaml",
            "line": 32,
            "ok": false,
            "status": "failed",
            "differences": [{
                "about": "error",
                "expected": "kind `rejected`, code `no`, a message that contains `perhaps`",
                "actual": "kind `provider` (code `provider_refused`): never",
            }],
        }],
    });
    assert_eq!(report, expected);
}

/// Whoever was asked last may have been passed over: the first of these two is still waited for.
#[test]
fn only_those_who_are_waited_for_are_said_not_to_answer() {
    let spec = "version: v1
workflow:
  type: concurrent
  join: any
  participants:
    - {id: a, kind: human, ref: {description: A?, request_type: approval}}
    - {id: b, kind: human, ref: {description: B?, request_type: approval, timeout_seconds: 3600}}
tests:
  - {name: nobody answers}
";
    let (code, report) = Project::with(spec).json(&["spec", "test", "flow.yaml"]);
    let difference = &report["tests"][0]["differences"][0];
    assert_eq!((code, &difference["actual"]), (1, &"blocked: nobody answers [a]".into()), "{report}");
}

#[test]
fn a_filter_chooses_and_a_check_of_nothing_fails() {
    let project = Project::with(&format!("{STORIES}{GOOD}")).file("none.yaml", APPROVAL);
    let answer = project.kneo(&["spec", "test", "flow.yaml", "--filter", "nobody"]);
    assert_eq!((answer.code, answer.stdout.lines().last()), (0, Some("2 tests passed")));
    let answer = project.kneo(&["spec", "test", "flow.yaml", "--filter", "somebody"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (1, ""));
    assert!(answer.stderr.contains("error[tests_missing]: no test of `flow.yaml` is called `somebody`"), "{answer:?}");
    let (code, report) = project.json(&["spec", "test", "none.yaml"]);
    assert_eq!((code, &report["error"]["code"]), (1, &"tests_missing".into()));
}

#[test]
fn a_spec_that_does_not_compile_is_not_tested() {
    let spec = format!("{STORIES}  - {{name: wrong, input: {{topic: rust}}, models: {{wrter: [x]}}}}\n");
    let project = Project::with(&spec);
    let answer = project.kneo(&["spec", "test", "flow.yaml"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (1, ""));
    assert!(answer.stderr.contains("error[E_TEST_REF]") && answer.stderr.contains("error[spec_invalid]"), "{answer:?}");
    let answer = project.kneo(&["spec", "test", "none.yaml"]);
    assert_eq!(answer.code, 4, "{answer:?}");
}

/// One verdict for all of them: the worst.
#[test]
fn several_specs_are_tested_together() {
    let project = Project::with(&format!("{STORIES}{GOOD}"))
        .file("bad.yaml", &format!("{STORIES}{BAD}"))
        .file("none.yaml", APPROVAL)
        .file("broken.yaml", "version: v1\nworkflow: {}\n");
    let answer = project.kneo(&["spec", "test", "flow.yaml", "none.yaml"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, "`none.yaml` has no tests\n"));
    assert!(answer.stdout.starts_with("flow.yaml\nok a story is published\n"), "{answer:?}");
    assert!(answer.stdout.ends_with("\n4 tests of 2 specs passed\n"), "{answer:?}");
    let answer = project.kneo(&["spec", "test", "flow.yaml", "bad.yaml"]);
    assert_eq!((answer.code, answer.stdout.lines().last()), (1, Some("5 of 9 tests of 2 specs failed")), "{answer:?}");
    let answer = project.kneo(&["spec", "test", "broken.yaml", "flow.yaml"]);
    let last = Some("4 tests of 2 specs passed, and 1 spec could not be tested");
    assert_eq!((answer.code, answer.stdout.lines().last()), (1, last), "{answer:?}");
    assert!(answer.stderr.contains("error[spec_invalid]: `broken.yaml` does not compile"), "{answer:?}");
    assert_eq!(project.kneo(&["spec", "test", "bad.yaml", "away.yaml", "flow.yaml"]).code, 4);
    // A filter that finds something anywhere is enough; nothing at all is too little.
    assert_eq!(project.kneo(&["spec", "test", "flow.yaml", "none.yaml", "--filter", "nobody agrees"]).code, 0);
    for nothing in [&["none.yaml", "none.yaml"][..], &["flow.yaml", "none.yaml", "--filter", "somebody"]] {
        let answer = project.kneo(&[&["spec", "test"], nothing].concat());
        assert!(answer.code == 1 && answer.stderr.contains("error[tests_missing]"), "{answer:?}");
    }
    let (code, report) = project.json(&["spec", "test", "flow.yaml", "broken.yaml", "away.yaml"]);
    assert_eq!((code, &report["ok"], &report["file"]), (4, &false.into(), &serde_json::Value::Null));
    assert_eq!(report["files"], serde_json::json!(["flow.yaml", "broken.yaml", "away.yaml"]));
    assert_eq!((report["tests"].as_array().unwrap().len(), &report["error"]["code"]), (4, &"spec_invalid".into()));
    assert!(!report["diagnostics"].as_array().unwrap().is_empty(), "{report}");
    let (code, report) = project.json(&["spec", "test", "flow.yaml", "bad.yaml", "--filter", "agrees"]);
    assert_eq!((code, &report["ok"], report["error"].is_null()), (0, &true.into(), true), "{report}");
}

/// The tests of the example pass, and do what they say: with another answer of a reviewer they do not.
#[test]
fn the_example_is_tested() {
    let spec = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/specs/review/review.yaml");
    let spec = std::fs::read_to_string(spec).unwrap();
    let answer = Project::with(&spec).kneo(&["spec", "test", "flow.yaml"]);
    assert_eq!((answer.code, answer.stdout.lines().last()), (0, Some("2 tests passed")), "{answer:?}");
    let other = spec.replace("style: [accept]", "style: [revise]");
    let answer = Project::with(&other).kneo(&["spec", "test", "flow.yaml"]);
    assert_eq!((answer.code, answer.stdout.lines().last()), (1, Some("1 of 2 tests failed")), "{answer:?}");
}

/// The spec in the guide is one, and its tests pass.
#[test]
fn the_guide_tells_the_truth() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/testing.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let spec = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let answer = Project::with(spec).kneo(&["spec", "test", "flow.yaml"]);
    assert_eq!((answer.code, answer.stdout.lines().last()), (0, Some("2 tests passed")), "{answer:?}");
}
