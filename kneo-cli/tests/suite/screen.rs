//! What others wrote, in front of a person: it is seen, and does nothing to the terminal.
#![cfg(target_os = "linux")]

use std::process::Command;

use super::person::Person;
use super::support::*;

/// What acts on terminals: it clears them, names them, writes over what stands there, turns its direction, hides, and
/// looks like lines of the program.
const EVIL: &str =
    "tea\u{1b}[2J\u{1b}]0;owned\u{7}\rover\u{9b}2K\u{7f}\u{202e}\u{2066}\u{2028}\u{1b}[31mred\nforged line";

/// The same as YAML writes it.
const YAML: &str = r"tea\e[2J\e]0;owned\a\rover\x9b2K\x7f\u202e\u2066\u2028\e[31mred\nforged line";

/// Its beginning, as it is seen.
const SEEN: &str = r"tea\u{1b}[2J\u{1b}]0;owned\u{7}\rover\u{9b}2K\u{7f}\u{202e}\u{2066}\u{2028}";

fn harmless(screen: &str) {
    for acting in [
        "\u{1b}[2J",
        "\u{1b}]",
        "\u{7}",
        "\rover",
        "\u{9b}",
        "\u{7f}",
        "\u{202e}",
        "\u{2066}",
        "\u{2028}",
        "\u{1b}[31mred",
    ] {
        assert!(!screen.contains(acting), "{acting:?} acts in {screen:?}");
    }
    assert!(!screen.lines().any(|line| line.starts_with("forged")), "{screen}");
}

/// What a command writes at a terminal.
fn screen(project: &Project, arguments: &[&str]) -> String {
    let (_, screen) = Person::sees(project.command(arguments)).leaves();
    harmless(&screen);
    screen
}

/// The same, in which it is seen what others wrote.
fn shows(project: &Project, arguments: &[&str]) {
    let screen = screen(project, arguments);
    assert!(screen.contains(SEEN), "{arguments:?}: {screen}");
}

/// A tool complains, somebody is asked with all that a question has, and the answer comes out.
fn asking() -> Project {
    let spec = format!(
        r#"
version: v1
templates: true
workflow:
  type: sequential
  steps:
    - {{id: call, kind: function, ref: {{effect: read, command: {{argv: [sh, complains.sh]}}}}, on_error: continue}}
    - id: ask
      kind: human
      ref: {{description: "May {{{{ input }}}}?", request_type: selection, options: ["{YAML}", no]}}
      input: "{YAML}"
"#
    );
    let (head, tail) = EVIL.split_once('\n').unwrap();
    Project::with(&spec).file("complains.sh", &format!("printf '%s\\n' '{head}' '{tail}' >&2\nexit 1\n"))
}

#[test]
fn what_a_run_says_and_asks_is_seen_and_does_nothing() {
    let project = asking();
    let run = project.command(&["run", "flow.yaml", "--input", EVIL, "--label", &format!("note={EVIL}")]);
    let mut person = Person::sees(run);
    let asked = person.reads("or later? ");
    harmless(&asked);
    // What the tool complained of, the question, what it is about, and the option.
    assert!(asked.matches(SEEN).count() >= 4, "{asked}");
    assert!(asked.contains("\u{1b}["), "the program's own colours are there: {asked:?}");
    person.types("1\n");
    let (code, end) = person.leaves();
    assert_eq!(code, Some(0), "{end}");
    // The output keeps its lines: it is the answer itself.
    let (before, output) = end.rsplit_once(SEEN).unwrap();
    harmless(before);
    assert!(output.contains("\\u{1b}[31mred\nforged line\n"), "{output:?}");
}

#[test]
fn the_output_of_a_run_comes_to_the_byte_to_whatever_is_no_terminal() {
    let step = "{id: say, kind: function, ref: {effect: read, command: {argv: [cat, said]}}}";
    let project = Project::with(&format!("version: v1\nworkflow: {{type: sequential, steps: [{step}]}}\n"));
    let project = project.file("said", EVIL);
    let answer = project.kneo(&["run", "flow.yaml"]);
    assert_eq!((answer.code, answer.stdout), (0, format!("{EVIL}\n")));
    let object = project.json(&["run", "flow.yaml"]).1;
    assert_eq!(object["output"], EVIL);
}

#[test]
fn what_is_told_of_runs_and_questions_is_seen_and_does_nothing() {
    let project = asking();
    let run = project.json(&["run", "flow.yaml", "--input", EVIL, "--label", &format!("note={EVIL}")]).1;
    let (run, task) = (run["run_id"].as_str().unwrap(), run["pending"][0]["task_id"].as_str().unwrap());
    shows(&project, &["human", "list"]);
    shows(&project, &["human", "get", task]);
    screen(&project, &["human", "decide", task, "--select", &format!("no {EVIL}")]);
    shows(&project, &["runs", "get", run]);
    shows(&project, &["runs", "trace", run, "--with-values"]);
    for told in [&["runs", "list"][..], &["runs", "events", run], &["run", "flow.yaml", "--detach"]] {
        screen(&project, told);
    }
    let object = screen(&project, &["runs", "get", run, "--json"]);
    let object: serde_json::Value = serde_json::from_str(object.trim_end()).unwrap();
    assert_eq!(object["labels"]["note"], EVIL);
}

#[test]
fn what_ends_a_run_is_seen_and_does_nothing() {
    let project = asking();
    let spec = std::fs::read_to_string(project.path("flow.yaml")).unwrap();
    let project = project.file("fails.yaml", &spec.replace(", on_error: continue", ""));
    shows(&project, &["run", "fails.yaml"]);
    let run = project.json(&["run", "fails.yaml", "--input", EVIL]).1["run_id"].as_str().unwrap().to_owned();
    shows(&project, &["runs", "get", &run]);
    let run = project.json(&["run", "flow.yaml", "--input", EVIL]).1["run_id"].as_str().unwrap().to_owned();
    screen(&project, &["runs", "cancel", &run, "--reason", EVIL]);
    shows(&project, &["runs", "get", &run]);
}

#[test]
fn what_servers_and_models_say_is_seen_and_does_nothing() {
    let spec = "version: v1
mcp_servers: {files: {transport: stdio, command: ./serve.sh, timeout_seconds: 20, tools: {effect: read}}}
agent: {name: clerk, model: {provider: scripted}, strategy: {type: react}, tools: [files]}
";
    let models = serde_json::json!({"agents": {"clerk": [{"turns": [
        {"tool_calls": [{"name": EVIL, "arguments": {EVIL: EVIL}}]},
        {"error": {"code": "provider_overloaded", "message": EVIL, "retryable": false}},
    ]}]}});
    let serve = include_str!("serve.sh")
        .replace("Reads.", &YAML.replace(r"\e", r"\u001b").replace(r"\a", r"\u0007").replace(r"\x", r"\u00"));
    let (head, tail) = EVIL.split_once('\n').unwrap();
    let says = format!("printf '%s\\n' '{head}' '{tail}' >&2\n");
    let project = Project::with(spec).file("models.json", &models.to_string());
    let write = |text: &str| {
        std::fs::write(project.path("serve.sh"), format!("#!/bin/sh\n{says}{text}")).unwrap();
        assert!(
            Command::new("chmod").args(["+x", "serve.sh"]).current_dir(project.path("")).status().unwrap().success()
        );
    };
    write(&serve);
    shows(&project, &["run", "flow.yaml", "--models", "models.json", "--input", "go"]);
    write("exit 3\n");
    shows(&project, &["doctor", "flow.yaml", "--models", "models.json"]);
    shows(&project, &["run", "flow.yaml", "--models", "models.json", "--input", "go"]);
}

#[test]
fn what_stands_in_specs_and_on_the_command_line_is_seen_and_does_nothing() {
    let spec = format!(
        r#"
version: v1
workflow: {{type: sequential, steps: [{{id: say, kind: set, set: {{x: "{YAML}"}}}}]}}
tests: [{{name: one, expect: {{output: "other {YAML}"}}}}]
"#
    );
    let project = Project::with(&spec).file("bad\u{1b}[2J.yaml", "version: v1\nworkflow: \u{1b}]0;owned\u{7}\n");
    for arguments in [
        &["spec", "test", "flow.yaml"][..],
        &["spec", "resolve", "flow.yaml"],
        &["spec", "graph", "flow.yaml"],
        &["spec", "compile", "flow.yaml"],
        &["spec", "compile", "flow.yaml", "--json"],
        &["spec", "validate", "bad\u{1b}[2J.yaml"],
        &["spec", "validate", "no\u{1b}[2J.yaml"],
        &["explain", EVIL],
        &["run", "flow.yaml", EVIL],
        &["run", "flow.yaml", &format!("--{EVIL}")],
    ] {
        let (_, screen) = Person::sees(project.command(arguments)).leaves();
        for acting in ["\u{1b}[2J", "\u{1b}]", "\u{7}", "\rover", "\u{9b}", "\u{7f}", "\u{202e}", "\u{2028}"] {
            assert!(!screen.contains(acting), "{acting:?} acts in {screen:?}");
        }
        assert!(!screen.is_empty(), "{arguments:?}");
    }
}

/// Only where everything is guarded that is written does it help to guard it.
#[test]
fn nothing_is_written_but_where_it_is_guarded() {
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            let guarded =
                ["src/output.rs", "src/log.rs", "src/progress/live.rs"].iter().any(|file| path.ends_with(file));
            for way in ["::stdout()", "::stderr()", "print!", "println!", "dbg!", "/dev/tty"] {
                assert!(guarded || !text.contains(way), "{} writes with `{way}`", path.display());
            }
        }
    }
    assert!(files > 80, "{files}");
}
