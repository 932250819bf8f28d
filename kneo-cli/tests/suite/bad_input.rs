//! Bad input: a code, a remedy, the documented exit code, and nothing written.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::support::*;

const RUN: &str = "run_0198f2a7c0de7f00a1b2c3d4e5f60718";
const TASK: &str = "task_0198f2a7c0de7f00a1b2c3d4e5f60718";

/// One step.
fn with_step(step: &str) -> String {
    format!("version: v1\nworkflow: {{type: sequential, steps: [{step}]}}\n")
}

/// Runs a command that fails, and keeps what it said.
fn refused(project: &Project, name: &str, arguments: &[&str]) -> Answer {
    let answer = project.kneo(arguments);
    snapshot(project, &format!("bad_{name}"), &answer.whole());
    assert!(answer.stderr.contains("error[") && answer.stderr.contains("help: "), "{answer:?}");
    assert!(!answer.stderr.contains("Error {") && !answer.stderr.contains("panicked"), "{answer:?}");
    let (code, object) = project.json(arguments);
    assert_eq!(code, answer.code);
    let said = object["error"]["code"].as_str().unwrap();
    assert!(answer.stderr.contains(&format!("error[{said}]: ")), "{object}");
    answer
}

#[test]
fn a_file_that_is_not_there() {
    let project = Project::new();
    for (name, arguments) in [
        ("file_validate", &["spec", "validate", "none.yaml"][..]),
        ("file_run", &["run", "none.yaml"]),
        ("file_folder", &["spec", "validate", "."]),
    ] {
        assert_eq!(refused(&project, name, arguments).code, 4);
    }
    let project = Project::with(APPROVAL);
    for (name, arguments) in [
        ("file_input", &["run", "flow.yaml", "--input-file", "none.json"][..]),
        ("file_models", &["run", "flow.yaml", "--models", "none.json"]),
        ("file_workdir", &["run", "flow.yaml", "--workdir", "none"]),
    ] {
        assert_eq!(refused(&project, name, arguments).code, 4);
    }
    assert!(!project.path(".kneo").exists());
}

#[test]
fn malformed_yaml() {
    let project = Project::with("version: v1\nworkflow: [unclosed\n");
    assert_eq!(refused(&project, "yaml", &["run", "flow.yaml"]).code, 1);
    std::fs::write(project.path("flow.yaml"), b"version: v1\nname: \xff\n").unwrap();
    assert_eq!(refused(&project, "not_utf8", &["run", "flow.yaml"]).code, 1);
    assert!(!project.path(".kneo").exists());
}

#[test]
fn a_tool_that_is_not_declared() {
    let step = "{id: a, kind: agent, ref: {model: {provider: dummy}, tools: [serch]}}";
    let project = Project::with(&format!("{}tools: {{search: {{implementation: x}}}}\n", with_step(step)));
    assert_eq!(refused(&project, "tool", &["run", "flow.yaml"]).code, 1);
}

#[test]
fn what_this_program_lacks() {
    let steps = "{id: a, kind: function, ref: {implementation: my.code}}, \
                 {id: b, kind: agent, ref: {model: {provider: vertex, name: gpt}, tools: [search]}}, \
                 {id: c, kind: agent, ref: {model: {provider: scripted}}}";
    let spec = format!("{}tools: {{search: {{implementation: my.search}}}}\n", with_step(steps));
    let project = Project::with(&spec);
    assert_eq!(refused(&project, "requirements", &["run", "flow.yaml"]).code, 4);
    assert_eq!(project.json(&["runs", "list"]).1["runs"].as_array().unwrap().len(), 0);
    // Others may run it: a run can be left to them, and not resumed here.
    let (code, run) = project.json(&["run", "flow.yaml", "--detach"]);
    assert_eq!(code, 0);
    let lacks = ["provider `scripted`", "provider `vertex`", "tool `my.search`", "function `my.code`"];
    assert_eq!((&run["lacks"], &run["claimable"]), (&json!(lacks), &json!(true)));
    let said = format!("no worker like this program can run it: it lacks {}\n", lacks.join(", "));
    let answer = project.kneo(&["run", "flow.yaml", "--detach"]);
    assert!(answer.code == 0 && answer.stderr.ends_with(&said), "{answer:?}");
    let id = run["run_id"].as_str().unwrap();
    let shown = project.kneo(&["runs", "get", id]);
    assert!(shown.stdout.contains(&format!("  worker    none; {said}")), "{shown:?}");
    assert_eq!(project.json(&["runs", "get", id]).1["lacks"], json!(lacks));
    assert_eq!(refused(&project, "requirements_resume", &["runs", "resume", run["run_id"].as_str().unwrap()]).code, 4);
}

#[test]
fn a_program_that_is_not_installed() {
    let project = Project::with(&with_step("{id: a, kind: function, ref: {command: {argv: [no-such-program]}}}"));
    assert_eq!(refused(&project, "program", &["run", "flow.yaml"]).code, 4);
}

#[test]
fn a_secret_that_is_not_set() {
    let model = |key: &str| format!("{{provider: dummy, extra: {{api_key_ref: {key}}}}}");
    let step = |key: &str| {
        format!(
            "{{id: {0}, kind: agent, ref: {{model: {1}, strategy: {{type: simple}}}}}}",
            key.to_lowercase(),
            model(key)
        )
    };
    let project = Project::with(&with_step(&format!("{}, {}", step("ONE_KEY"), step("OTHER_KEY"))));
    assert_eq!(refused(&project, "secret", &["run", "flow.yaml", "--input", "x"]).code, 4);
    assert_eq!(project.json(&["runs", "list"]).1["runs"].as_array().unwrap().len(), 0);
    let mut command = project.command(&["run", "flow.yaml", "--input", "x"]);
    let set = command.env("ONE_KEY", "canary-1").env("OTHER_KEY", "canary-2").output().unwrap();
    let answer = Answer::from(set);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(!answer.whole().contains("canary"));
}

#[test]
fn input_that_does_not_fit() {
    let spec = format!(
        "{}inputs: {{type: object, required: [week], properties: {{week: {{type: integer}}}}}}\n",
        with_step("{id: a, kind: set, set: {x: 1}}")
    );
    let project = Project::with(&spec);
    for (name, input) in [
        ("input_missing", &[][..]),
        ("input_text", &["--input", "46"]),
        ("input_field", &["--input-json", "{\"week\": \"46\"}"]),
        ("input_not_json", &["--input-json", "{week: 46}"]),
    ] {
        assert_eq!(refused(&project, name, &[&["run", "flow.yaml"], input].concat()).code, 1);
    }
    assert_eq!(project.json(&["runs", "list"]).1["runs"].as_array().unwrap().len(), 0);
}

#[test]
fn scripted_replies_that_are_none() {
    let project = Project::with(APPROVAL).file("models.json", "{\"agents\": {\"a\": [{\"turn\": []}]}}");
    assert_eq!(refused(&project, "models", &["run", "flow.yaml", "--models", "models.json"]).code, 1);
}

#[test]
fn a_run_or_task_that_does_not_exist() {
    let project = Project::with(APPROVAL);
    assert_eq!(project.kneo(&["run", "flow.yaml", "--input", "tea"]).code, 3);
    for (name, arguments) in [
        ("run_get", &["runs", "get", RUN][..]),
        ("run_events", &["runs", "events", RUN]),
        ("run_cancel", &["runs", "cancel", RUN]),
        ("run_resume", &["runs", "resume", RUN]),
        ("task_get", &["human", "get", TASK]),
        ("task_decide", &["human", "decide", TASK, "--approve"]),
    ] {
        assert_eq!(refused(&project, name, arguments).code, 1, "{name}");
    }
}

#[test]
fn an_action_that_does_not_fit_a_run_that_has_ended() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea", "--approve-as", "ana"]);
    let id = run["run_id"].as_str().unwrap();
    let before = project.kinds(id);
    assert_eq!(refused(&project, "ended_cancel", &["runs", "cancel", id]).code, 1);
    assert_eq!(refused(&project, "ended_resume", &["runs", "resume", id]).code, 1);
    assert_eq!(project.kinds(id), before);
}

#[test]
fn somebody_who_is_not_asked() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea"]);
    let task = run["pending"][0]["task_id"].as_str().unwrap();
    assert_eq!(refused(&project, "not_authorised", &["human", "decide", task, "--approve", "--by", "ben"]).code, 1);
    // Nor somebody who does not say who it is.
    let (code, refused) = project.json(&["human", "decide", task, "--approve"]);
    assert_eq!((code, &refused["error"]["code"]), (1, &"not_authorised".into()));
    assert_eq!(project.tasks().len(), 1);
}

#[test]
fn help_leads_back_to_the_store_that_was_named() {
    let project = Project::with(APPROVAL);
    let store = ["--store", "sqlite:the runs.db"];
    let (_, run) = project.json(&[&["run", "flow.yaml", "--input", "tea", "--approve-as", "ana"][..], &store].concat());
    let id = run["run_id"].as_str().unwrap();
    let answer = project.kneo(&[&["runs", "cancel", id][..], &store].concat());
    let help = format!("see it with `kneo runs get {id} --store 'sqlite:the runs.db'`\n");
    assert!(answer.stderr.ends_with(&help), "{answer:?}");
}

#[test]
fn a_store_that_cannot_be_used() {
    let project =
        Project::with(APPROVAL).file("file", "not a folder").file("text.db", "this is no database, it is a text");
    let in_a_file = "sqlite:file/kneo.db";
    assert_eq!(refused(&project, "store_place", &["run", "flow.yaml", "--store", in_a_file]).code, 4);
    assert_eq!(refused(&project, "store_text", &["run", "flow.yaml", "--store", "sqlite:text.db"]).code, 4);
    assert_eq!(refused(&project, "store_none", &["runs", "list", "--store", "sqlite:none.db"]).code, 4);
    assert_eq!(std::fs::read_to_string(project.path("text.db")).unwrap(), "this is no database, it is a text");
    assert!(!project.path("none.db").exists());
}

/// Runs a copy of the program as somebody for whom rights count: root lacks none, and others may not reach the original.
#[cfg(unix)]
fn within_rights(project: &Project, copy: &Path, arguments: &[&str]) -> Answer {
    use std::os::unix::process::CommandExt as _;
    let me = Command::new("id").arg("-u").output().unwrap().stdout;
    let mut command = project.command_of(copy, arguments);
    if me == b"0\n" {
        command.uid(65_534).gid(65_534);
    }
    command.output().unwrap().into()
}

#[cfg(unix)]
#[test]
fn a_store_that_may_not_be_written() {
    let project = Project::with(APPROVAL);
    let (_, run) = project.json(&["run", "flow.yaml", "--input", "tea", "--store", "sqlite:runs.db"]);
    let (id, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    let set = |mode: &str| {
        let modes = Command::new("chmod").args(["-R", mode]).arg(project.path("")).status().unwrap();
        assert!(modes.success());
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("kneo");
    std::fs::copy(env!("CARGO_BIN_EXE_kneo"), &copy).unwrap();
    assert!(Command::new("chmod").args(["-R", "a+rX"]).arg(elsewhere.path()).status().unwrap().success());
    set("a+rX,a-w");
    for (name, arguments) in [
        ("readonly_new", &["run", "flow.yaml", "--store", "sqlite:new.db"][..]),
        ("readonly_run", &["run", "flow.yaml", "--store", "sqlite:runs.db"]),
        ("readonly_decide", &["human", "decide", task, "--approve", "--by", "ana", "--store", "sqlite:runs.db"]),
        ("readonly_cancel", &["runs", "cancel", id, "--store", "sqlite:runs.db"]),
        ("readonly_list", &["runs", "list", "--store", "sqlite:runs.db"]),
    ] {
        let answer = within_rights(&project, &copy, arguments);
        snapshot(&project, &format!("bad_{name}"), &answer.whole());
        assert_eq!(answer.code, 4, "{answer:?}");
    }
    set("u+w");
    assert_eq!(project.json(&["runs", "get", id, "--store", "sqlite:runs.db"]).1["status"], "blocked");
}

#[test]
fn a_store_that_a_newer_kneo_wrote() {
    let project = Project::with(APPROVAL);
    assert_eq!(project.kneo(&["run", "flow.yaml", "--input", "tea", "--store", "sqlite:new.db"]).code, 3);
    let database = rusqlite::Connection::open(project.path("new.db")).unwrap();
    let row = "insert into kneo_migrations (version, checksum, applied_at) values (999, x'00', 0)";
    database.execute(row, []).unwrap();
    database.close().unwrap();
    let content = |path: &Path| std::fs::read(path).unwrap();
    let before = content(&project.path("new.db"));
    for (name, arguments) in [
        ("store_newer_run", &["run", "flow.yaml", "--store", "sqlite:new.db"][..]),
        ("store_newer_list", &["runs", "list", "--store", "sqlite:new.db"]),
    ] {
        assert_eq!(refused(&project, name, arguments).code, 4);
    }
    assert_eq!(content(&project.path("new.db")), before);
}
