//! `kneo human`.

use serde_json::{Value, json};

use super::support::*;

/// One question of a type, whose decision is the output.
fn asks(request: &str) -> String {
    format!(
        "
version: v1
workflow:
  type: sequential
  steps:
    - {{id: ask, kind: human, ref: {{description: 'Well?', {request}}}}}
outputs:
  kind: '{{{{ steps.ask.decision.kind }}}}'
  content: '{{{{ steps.ask.decision.content }}}}'
  output: '{{{{ steps.ask.output }}}}'
"
    )
}

fn decide(request: &str, decision: &[&str]) -> (i32, Value) {
    let project = Project::with(&asks(request));
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let task = run["pending"][0]["task_id"].as_str().unwrap();
    project.json(&[&["human", "decide", task, "--by", "ana"], decision].concat())
}

#[test]
fn each_type_of_question_takes_its_decisions() {
    for (request, decision, kind, content) in [
        ("request_type: approval", &["--approve"][..], "approved", json!(null)),
        ("request_type: approval", &["--approve", "--reason", "fine"], "approved", json!("fine")),
        ("request_type: review", &["--edit", "green tea"], "edited", json!("green tea")),
        ("request_type: review", &["--edit-json", "{\"tea\": 1}"], "edited", json!({"tea": 1})),
        ("request_type: correction", &["--edit", "Tea"], "edited", json!("Tea")),
        ("request_type: selection, options: [a, b]", &["--select", "b"], "selected", json!("b")),
        ("request_type: freeform", &["--provide", "whatever"], "provided", json!("whatever")),
        ("request_type: freeform", &["--provide-json", "[1]"], "provided", json!([1])),
    ] {
        let (code, run) = decide(request, decision);
        assert_eq!(code, 0, "{request} {decision:?}: {run}");
        assert_eq!((&run["output"]["kind"], &run["output"]["content"]), (&json!(kind), &content), "{request}");
    }
}

#[test]
fn every_answer_is_a_command_that_can_be_pasted() {
    let mut text = String::new();
    let object = "input: {week: '{{ input }}', notes: ['it''s', 2]}";
    let long = format!("input: '{}'", "tea ".repeat(50));
    for (request, input) in [
        ("request_type: selection, options: [release as it is, '-drop', \"omar's way\"]", ""),
        ("request_type: review", ""),
        ("request_type: review", object),
        ("request_type: correction", &long),
        ("request_type: approval, assignee: \"o'hara\"", ""),
        ("request_type: freeform", ""),
    ] {
        let spec =
            asks(request).replace("ref: {", &format!("{input}{}ref: {{", if input.is_empty() { "" } else { ", " }));
        let project = Project::with(&format!("templates: true{spec}"));
        let store = ["--store", "sqlite:the runs.db"];
        let answer = project.kneo(&[&["run", "flow.yaml", "--input", "green tea"][..], &store].concat());
        let commands: Vec<&str> = answer.stderr.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        assert!(!commands.is_empty(), "{answer:?}");
        text.push_str(&format!("{}\n\n", commands.join("\n")));
        // The last one works as it stands.
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_kneo")).parent().unwrap();
        let path = format!("{}:/usr/bin:/bin", program.display());
        let mut shell = std::process::Command::new("sh");
        let pasted = shell.args(["-c", commands.last().unwrap()]).env("PATH", path).current_dir(project.path(""));
        assert_ne!(pasted.output().unwrap().status.code(), Some(2), "{commands:?}");
        let (_, left) = project.json(&[&["human", "list"][..], &store].concat());
        assert_eq!(left["tasks"], json!([]), "{commands:?}");
    }
    snapshot(&Project::new(), "human_commands", &text);
}

#[test]
fn text_does_not_take_the_place_of_something_else_by_mistake() {
    let spec = asks("request_type: review").replace("ref: {", "input: {week: 46}, ref: {");
    let project = Project::with(&spec);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let task = run["pending"][0]["task_id"].as_str().unwrap();
    let answer = project.kneo(&["human", "decide", task, "--edit", "it's 47"]);
    assert_eq!(answer.code, 1);
    snapshot(&project, "human_edit_refused", &answer.whole());
    let (code, run) = project.json(&["human", "decide", task, "--edit-json", "\"it's 47\""]);
    assert_eq!((code, &run["output"]["output"]), (0, &json!("it's 47")));
}

#[test]
fn what_was_answered_can_be_seen_afterwards() {
    let mut text = String::new();
    for (request, decision, key, value) in [
        ("request_type: approval", &["--approve", "--reason", "fine"][..], "reason", json!("fine")),
        ("request_type: approval", &["--reject", "--reason", "too thin"], "reason", json!("too thin")),
        (
            "request_type: review",
            &["--edit-json", "{\"tea\": \"green\\nor black\"}"],
            "content",
            json!({"tea": "green\nor black"}),
        ),
        ("request_type: selection, options: [a, b]", &["--select", "b"], "option", json!("b")),
        ("request_type: freeform", &["--provide", "whatever"], "content", json!("whatever")),
    ] {
        let project = Project::with(&asks(request));
        let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
        let task = run["pending"][0]["task_id"].as_str().unwrap();
        project.kneo(&[&["human", "decide", task, "--by", "ana"], decision].concat());
        let answer = &project.json(&["human", "get", task]).1["decision"];
        assert_eq!((&answer[key], &answer["by"]), (&value, &json!("ana")), "{answer}");
        text.push_str(&project.kneo(&["human", "get", task]).stdout);
        text.push('\n');
    }
    snapshot(&Project::new(), "human_get_decided", &text);
}

#[test]
fn a_decision_of_another_type_is_refused_and_nothing_is_written() {
    let mut text = String::new();
    let project = Project::with(&asks("request_type: selection, options: [red, blue]"));
    let (_, run) = project.json(&["run", "flow.yaml"]);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    let before = project.kinds(id);
    for decision in [&["--approve"][..], &["--select", "green"], &["--provide", "red"], &["--retry"]] {
        let answer = project.kneo(&[&["human", "decide", task], decision].concat());
        assert_eq!(answer.code, 1, "{answer:?}");
        text.push_str(&answer.stderr);
    }
    assert_eq!(project.kinds(id), before);
    // A text in the place of a map is no better where no better form is taken at all.
    let project = Project::with(&asks("request_type: approval").replace("ref: {", "input: {week: 46}, ref: {"));
    let (_, run) = project.json(&["run", "flow.yaml"]);
    let task = run["pending"][0]["task_id"].as_str().unwrap();
    for decision in [&["--edit", "47"][..], &["--edit-json", "47"], &["--provide", "47"], &["--approve-for-run"]] {
        text.push_str(&project.kneo(&[&["human", "decide", task], decision].concat()).stderr);
    }
    assert!(!text.contains("provided") && !text.contains("approved"), "{text}");
    snapshot(&project, "human_wrong_decision", &text);
}

#[test]
fn the_second_decision_is_told_of_the_first() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    assert_eq!(project.kneo(&["human", "decide", task, "--approve", "--by", "ana"]).code, 0);
    let before = project.kinds(id);
    let answer = project.kneo(&["human", "decide", task, "--reject", "--by", "ana"]);
    assert_eq!(answer.code, 1);
    snapshot(&project, "human_second_decision", &answer.whole());
    assert_eq!(project.kinds(id), before);
}

#[test]
fn tasks_are_listed_and_shown() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    let mut text = project.kneo(&["human", "list"]).whole();
    text.push_str(&project.kneo(&["human", "get", task]).whole());
    let count = |arguments: &[&str]| {
        project.json(&[&["human", "list"], arguments].concat()).1["tasks"].as_array().unwrap().len()
    };
    assert_eq!((count(&["--assignee", "ana"]), count(&["--assignee", "ben"]), count(&["--run", id])), (1, 0, 1));
    project.kneo(&["human", "decide", task, "--approve", "--by", "ana"]);
    assert_eq!((count(&[]), count(&["--all"])), (0, 1));
    text.push_str(&project.kneo(&["human", "list"]).whole());
    text.push_str(&project.kneo(&["human", "get", task]).whole());
    snapshot(&project, "human_list_get", &text);
    let shown = project.json(&["human", "get", task]).1;
    assert_eq!((&shown["state"], &shown["decision"]["by"]), (&json!("decided"), &json!("ana")));
    snapshot(&project, "human_get_json", &serde_json::to_string_pretty(&shown).unwrap());
}

/// Nobody is offered an answer that would be refused.
#[test]
fn a_question_whose_time_is_over_says_what_gets_its_run_on() {
    let project = Project::with(&asks(
        "request_type: selection, options: [a, b], default_option: b, timeout_seconds: 1, on_timeout: continue",
    ));
    let store = ["--store", "sqlite:other.db"];
    let kneo = |arguments: &[&str]| project.kneo(&[arguments, &store].concat());
    let (_, run) = project.json(&[&["run", "flow.yaml", "--no-wait"][..], &store].concat());
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    assert_eq!(run["pending"][0]["overdue"], false);
    let is_overdue = || project.json(&[&["human", "get", task][..], &store].concat()).1["overdue"] == true;
    assert!((0..1_000).any(|_| is_overdue()));
    let mut text = String::new();
    for arguments in [
        &["human", "list"][..],
        &["human", "get", task],
        &["human", "decide", task, "--select", "a"],
        &["runs", "get", id],
    ] {
        let answer = kneo(arguments);
        assert!(!answer.whole().contains("--select"), "{answer:?}");
        let again = format!(
            "`kneo runs resume {} --store sqlite:other.db` gets",
            if arguments == ["human", "list"] { "RUN" } else { id }
        );
        assert!(answer.whole().contains(&again), "{answer:?}");
        text.push_str(&answer.whole());
    }
    snapshot(&project, "human_overdue", &text);
    // It is no circle.
    assert_eq!(kneo(&["runs", "resume", id]).code, 0);
    assert_eq!(project.json(&[&["runs", "get", id][..], &store].concat()).1["output"]["content"], "b");
}

#[test]
fn a_run_in_other_hands_goes_on_there() {
    let spec = "
version: v1
workflow:
  type: concurrent
  combine: map
  participants:
    - {id: reads, kind: function, ref: {effect: read, command: {argv: [cat, pipe]}}}
    - {id: asks, kind: human, ref: {description: 'Well?', request_type: freeform}}
";
    let project = Project::with(spec);
    let pipe = project.pipe("pipe");
    let (mut running, run) = project.spawn_run(&[]);
    project.until(&run, "task_opened", "asks");
    let task = project.tasks().remove(0)["task_id"].as_str().unwrap().to_owned();
    let answer = project.kneo(&["human", "decide", &task, "--provide", "fine", "--json"]);
    assert_eq!((answer.code, &answer.object()["status"]), (0, &json!("running")), "{answer:?}");
    assert!(answer.stderr.contains("goes on in worker_"), "{answer:?}");
    std::fs::write(&pipe, "read").unwrap();
    assert!(running.wait().success());
    assert_eq!(project.json(&["runs", "get", &run]).1["output"], json!({"reads": "read", "asks": "fine"}));
}

#[test]
fn a_decision_that_is_recorded_where_the_run_cannot_go_on_stands() {
    let spec = "
version: v1
workflow:
  type: sequential
  steps:
    - {id: ask, kind: human, ref: {description: 'Well?'}}
    - {id: say, kind: agent, ref: {model: {provider: scripted}, strategy: {type: simple}, name: poet}}
";
    let models = r#"{"agents": {"poet": [{"turns": ["roses"]}]}}"#;
    let project = Project::with(spec).file("models.json", models);
    let (_, run) = project.json(&["run", "flow.yaml", "--models", "models.json"]);
    let task = run["pending"][0]["task_id"].as_str().unwrap();
    std::fs::remove_file(project.path("models.json")).unwrap();
    let answer = project.kneo(&["human", "decide", task, "--approve"]);
    assert_eq!(answer.code, 4, "{answer:?}");
    assert!(answer.stderr.contains("the decision is recorded, but the run cannot go on here"), "{answer:?}");
    let project = project.file("elsewhere.json", models);
    let id = run["run_id"].as_str().unwrap();
    let (code, run) = project.json(&["runs", "resume", id, "--models", "elsewhere.json"]);
    assert_eq!((code, &run["output"]), (0, &json!("roses")));
}
