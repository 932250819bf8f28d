//! How a run is advanced: input, labels, idempotency, a crash, timers, detaching.

use std::io::Write;

use serde_json::json;

use super::support::*;

const ECHO: &str = "
version: v1
workflow: {type: sequential, steps: [{id: echo, kind: set, set: {got: '{{ input }}'}}]}
";

fn got(project: &Project, arguments: &[&str]) -> serde_json::Value {
    let (code, run) = project.json(&[&["run", "flow.yaml"], arguments].concat());
    assert_eq!(code, 0, "{run}");
    run["output"]["got"].clone()
}

#[test]
fn input_is_text_json_or_a_file() {
    let project = Project::with(ECHO).file("data.json", "[1, {\"a\": null}]").file("note.txt", "42");
    assert_eq!(got(&project, &[]), json!(null));
    assert_eq!(got(&project, &["--input", "42"]), json!("42"));
    assert_eq!(got(&project, &["--input-json", "42"]), json!(42));
    assert_eq!(got(&project, &["--input-file", "data.json"]), json!([1, {"a": null}]));
    assert_eq!(got(&project, &["--input-file", "note.txt"]), json!("42"));
}

#[test]
fn text_is_read_as_json_where_the_spec_takes_no_text() {
    let project = Project::with(&format!("{ECHO}inputs: {{type: integer}}\n"));
    assert_eq!(got(&project, &["--input", "42"]), json!(42));
    let project = Project::with(&format!("{ECHO}inputs: {{type: [integer, string]}}\n"));
    assert_eq!(got(&project, &["--input", "42"]), json!("42"));
}

#[test]
fn text_output_is_printed_as_it_is() {
    let project =
        Project::with("version: v1\nagent: {name: echo, model: {provider: dummy}, strategy: {type: simple}}\n");
    let answer = project.kneo(&["run", "flow.yaml", "--input", "two\nlines"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (0, "two\nlines\n"));
}

#[test]
fn the_same_start_under_the_same_key_makes_one_run() {
    let project = Project::with(APPROVAL);
    let start = ["run", "flow.yaml", "--input", "tea", "--idempotency-key", "monday"];
    let (_, one) = project.json(&start);
    let (code, two) = project.json(&start);
    assert_eq!((code, &one["run_id"]), (3, &two["run_id"]));
    // What happened before is not told as if it happened again.
    snapshot(&project, "run_started_before", &project.kneo(&start).whole());
    let task = one["pending"][0]["task_id"].as_str().unwrap();
    project.kneo(&["human", "decide", task, "--approve", "--by", "ana"]);
    snapshot(&project, "run_ended_before", &project.kneo(&start).whole());
    let (code, over) = project.json(&start);
    assert_eq!((code, &over["run_id"], &over["status"]), (0, &one["run_id"], &json!("completed")));
    let (code, other) = project.json(&["run", "flow.yaml", "--input", "coffee", "--idempotency-key", "monday"]);
    assert_eq!((code, &other["error"]["code"]), (1, &json!("idempotency_key_conflict")));
    // What to do is said once.
    let said = project.kneo(&["run", "flow.yaml", "--input", "coffee", "--idempotency-key", "monday"]).stderr;
    assert_eq!(said.matches("use a new key").count(), 1, "{said}");
    assert!(said.contains("  help: use a new key for a new start\n"), "{said}");
}

#[test]
fn a_killed_run_is_resumed_and_runs_nothing_again_that_was_committed() {
    let project = Project::with(WAITS_AT_PIPE);
    let pipe = project.pipe("pipe");
    let (running, run) = project.spawn_run(&[]);
    project.until(&run, "effect_intended", "second");
    assert_eq!(project.json(&["runs", "get", &run]).1["claimable"], false);
    let held = project.kneo(&["runs", "get", &run]).stdout;
    running.kill();
    let view = project.json(&["runs", "get", &run]).1;
    assert_eq!((&view["status"], &view["claimable"]), (&json!("running"), &json!(true)));
    let lost = project.kneo(&["runs", "get", &run]).stdout;
    snapshot(&project, "runs_get_worker_lost", &format!("{held}\n{lost}"));
    snapshot(&project, "runs_list_worker_lost", &project.kneo(&["runs", "list"]).whole());
    // Who follows it is told as well, and not left to wait for nothing.
    let mut follower = project.spawn(&["runs", "events", &run, "--follow"]);
    assert_eq!(follower.line(), format!("{run} has lost its worker: `kneo runs resume {run}` gets it on\n"));
    follower.kill();

    let resumed = std::thread::scope(|scope| {
        // Opening the pipe waits until somebody reads it.
        scope.spawn(|| std::fs::File::options().write(true).open(&pipe).unwrap().write_all(b"let go").unwrap());
        project.json(&["runs", "resume", &run])
    });
    assert_eq!((resumed.0, &resumed.1["output"]), (0, &json!("let go")));
    let kinds = project.kinds(&run);
    let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
    // The first step once, the second twice: it was lost.
    assert_eq!((count("effect_intended"), count("effect_lost"), count("effect_succeeded")), (3, 1, 2), "{kinds:?}");
}

#[test]
fn a_write_in_flight_at_a_crash_is_not_run_again_but_asked_about() {
    let spec = WAITS_AT_PIPE
        .replace("{effect: read, command: {argv: [cat, pipe]}}", "{effect: write, command: {argv: [cat, pipe]}}");
    let project = Project::with(&spec);
    project.pipe("pipe");
    let (running, run) = project.spawn_run(&[]);
    project.until(&run, "effect_intended", "second");
    running.kill();
    let (code, view) = project.json(&["runs", "resume", &run]);
    let task = &view["pending"][0];
    assert_eq!((code, &task["cause"], &task["place"]), (3, &json!("uncertain"), &json!("second")));
    assert_eq!(task["actions"], json!(["retried", "provided", "rejected"]));
    // The operator found out what it did.
    let id = task["task_id"].as_str().unwrap();
    let (code, view) = project.json(&["human", "decide", id, "--provide", "it was written"]);
    assert_eq!((code, &view["output"]), (0, &json!("it was written")));
}

#[test]
fn two_processes_do_not_advance_one_run() {
    let project = Project::with(WAITS_AT_PIPE);
    let pipe = project.pipe("pipe");
    let (mut running, run) = project.spawn_run(&[]);
    project.until(&run, "effect_intended", "second");
    std::thread::scope(|scope| {
        let other = scope.spawn(|| project.json(&["runs", "resume", &run]));
        std::fs::File::options().write(true).open(&pipe).unwrap().write_all(b"once").unwrap();
        // It either waited for the first process to end the run, or came after that.
        let (code, view) = other.join().unwrap();
        match view.get("error").and_then(|error| error["code"].as_str()) {
            Some(refused) => assert_eq!((code, refused), (1, "invalid_state")),
            None => assert_eq!((code, &view["output"]), (0, &json!("once"))),
        }
    });
    assert!(running.wait().success());
    let kinds = project.kinds(&run);
    assert_eq!(kinds.iter().filter(|kind| *kind == "effect_intended").count(), 2, "{kinds:?}");
}

#[test]
fn a_process_advances_no_run_but_the_one_it_was_asked_for() {
    let project = Project::with(ECHO);
    let (code, left) = project.json(&["run", "flow.yaml", "--detach"]);
    assert_eq!((code, &left["status"], &left["lacks"]), (0, &json!("queued"), &json!([])));
    snapshot(&project, "run_detached", &project.kneo(&["run", "flow.yaml", "--detach"]).whole());
    assert_eq!(project.json(&["run", "flow.yaml"]).1["status"], "completed");
    let run = left["run_id"].as_str().unwrap();
    assert_eq!(project.json(&["runs", "get", run]).1["status"], "queued");
    let (code, done) = project.json(&["runs", "resume", run]);
    assert_eq!((code, &done["status"]), (0, &json!("completed")));
}

#[test]
fn a_timer_is_waited_for_unless_told_otherwise() {
    let spec = "
version: v1
workflow:
  type: sequential
  steps:
    - id: later
      kind: function
      ref: {effect: read, command: {argv: [cat, thing]}}
      retry: {max_attempts: 2, initial_seconds: 3600, max_seconds: 3600, jitter: false}
";
    let project = Project::with(spec);
    let answer = project.kneo(&["run", "flow.yaml", "--no-wait"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stderr.contains("blocked until") && answer.stderr.contains("again in 60 min"), "{answer:?}");
    let run = answer.stderr.split(' ').next().unwrap();
    let (code, view) = project.json(&["runs", "resume", run, "--no-wait"]);
    assert_eq!((code, &view["status"], &view["pending"]), (3, &json!("blocked"), &json!([])));
}

/// A step that fails once and is tried again in so many seconds.
fn tried_again_in(seconds: u32) -> String {
    format!(
        "{{id: later, kind: function, ref: {{effect: read, command: {{argv: [cat, thing]}}}}, \
         retry: {{max_attempts: 2, initial_seconds: {seconds}, max_seconds: {seconds}, jitter: false}}}}"
    )
}

#[test]
fn a_retry_that_is_due_soon_is_not_waited_for_either() {
    let spec = format!("version: v1\nworkflow: {{type: sequential, steps: [{}]}}\n", tried_again_in(20));
    let project = Project::with(&spec);
    let answer = project.kneo(&["run", "flow.yaml", "--no-wait"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    let run = answer.stderr.split(' ').next().unwrap();
    assert!(answer.stderr.contains(&format!("waits for a worker: `kneo runs resume {run}` gets it on")), "{answer:?}");
    // The lease was given back: nobody is waited for either.
    assert_eq!(project.kneo(&["runs", "resume", run, "--no-wait"]).code, 3);
    let kinds = project.kinds(run);
    assert_eq!(kinds.iter().filter(|kind| *kind == "effect_intended").count(), 1, "{kinds:?}");
}

#[test]
fn what_is_in_flight_is_waited_for_all_the_same() {
    let spec = format!(
        "version: v1\nworkflow:\n  type: concurrent\n  combine: map\n  participants:\n    - {}\n    - {}\n    - {}\n",
        tried_again_in(20),
        "{id: reads, kind: function, ref: {effect: read, command: {argv: [cat, pipe]}}}",
        "{id: asks, kind: human, ref: {description: 'Well?'}}",
    );
    let project = Project::with(&spec);
    let pipe = project.pipe("pipe");
    let (mut running, run) = project.spawn_run(&["--no-wait", "--json"]);
    project.until(&run, "effect_failed", "later");
    std::fs::File::options().write(true).open(&pipe).unwrap().write_all(b"read").unwrap();
    assert_eq!(running.wait().code(), Some(3));
    let kinds = project.kinds(&run);
    let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
    assert_eq!((count("effect_intended"), count("effect_succeeded"), count("task_opened")), (2, 1, 1), "{kinds:?}");
    assert_eq!(project.tasks().len(), 1);
}

#[test]
fn another_worker_is_not_waited_for_without_patience() {
    let project = Project::with(WAITS_AT_PIPE);
    project.pipe("pipe");
    let (_running, run) = project.spawn_run(&[]);
    project.until(&run, "effect_intended", "second");
    let (code, refused) = project.json(&["runs", "resume", &run, "--no-wait"]);
    assert_eq!((code, &refused["error"]["code"]), (4, &json!("run_held")));
}

#[test]
fn commands_run_in_the_folder_of_the_spec_wherever_the_run_is_resumed() {
    let project = Project::new();
    std::fs::create_dir_all(project.path("specs")).unwrap();
    let spec = "
version: v1
workflow:
  type: sequential
  steps:
    - {id: agree, kind: human, ref: {description: Go on?}}
    - {id: read, kind: function, ref: {effect: read, command: {argv: [cat, word]}}}
";
    let project = project.file("specs/flow.yaml", spec).file("specs/word", "beside");
    let (_, run) = project.json(&["run", "specs/flow.yaml", "--store", "sqlite:runs.db"]);
    let task = run["pending"][0]["task_id"].as_str().unwrap();
    let (code, run) = project.json(&["human", "decide", task, "--approve", "--store", "sqlite:runs.db"]);
    assert_eq!((code, &run["output"]), (0, &json!("beside")));
}

#[test]
fn whoever_starts_a_run_is_the_user() {
    let project = Project::with(ECHO);
    let starter = |command: &mut std::process::Command| {
        assert!(command.status().unwrap().success());
        project.json(&["runs", "list", "--limit", "1"]).1["runs"][0]["starter"].clone()
    };
    assert_eq!(starter(&mut project.command(&["run", "flow.yaml", "--by", "ben"])), json!("ben"));
    assert_eq!(starter(&mut project.command(&["run", "flow.yaml"])), json!("uma"));
    // Without a variable it is whom the system says, if it says one.
    let listed = "awk -F: -v user=$(id -u) '$3 == user { print $1; exit }' /etc/passwd";
    let known = std::process::Command::new("sh").args(["-c", listed]).output().unwrap();
    let known = String::from_utf8(known.stdout).unwrap();
    let known = Some(known.trim()).filter(|known| !known.is_empty());
    assert_eq!(starter(project.command(&["run", "flow.yaml"]).env_remove("USER")), json!(known));
}

#[test]
fn the_store_is_the_projects_own() {
    let project = Project::with(ECHO);
    std::fs::create_dir_all(project.path(".kneo")).unwrap();
    std::fs::create_dir_all(project.path("deep/down")).unwrap();
    let run = |folder: &str| {
        let mut command = project.command(&["run", "flow.yaml", "--quiet"]);
        command.args(["--input", folder]).current_dir(project.path(folder));
        command.arg("--workdir").arg(project.path("")).status().unwrap()
    };
    std::fs::copy(project.path("flow.yaml"), project.path("deep/down/flow.yaml")).unwrap();
    assert!(run("deep/down").success() && run("").success());
    assert_eq!(project.json(&["runs", "list"]).1["runs"].as_array().unwrap().len(), 2);
    assert!(!project.path("deep/down/.kneo").exists());
}
