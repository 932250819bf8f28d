//! The command line itself.

use super::support::*;

#[test]
fn every_verb_explains_itself() {
    let project = Project::new();
    let mut text = String::new();
    for verb in [
        &[][..],
        &["spec"],
        &["spec", "validate"],
        &["spec", "compile"],
        &["spec", "resolve"],
        &["spec", "graph"],
        &["run"],
        &["runs"],
        &["runs", "list"],
        &["runs", "get"],
        &["runs", "events"],
        &["runs", "cancel"],
        &["runs", "resume"],
        &["human"],
        &["human", "list"],
        &["human", "get"],
        &["human", "decide"],
        &["explain"],
        &["completions"],
    ] {
        let answer = project.kneo(&[verb, &["--help"]].concat());
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{verb:?}");
        text.push_str(&format!("$ {} --help\n{}\n", [&["kneo"], verb].concat().join(" "), answer.stdout));
    }
    snapshot(&project, "help", &text);
}

#[test]
fn wrong_usage_ends_with_2_and_writes_nothing() {
    let project = Project::with(APPROVAL);
    for arguments in [
        &[][..],
        &["fly"],
        &["run"],
        &["run", "flow.yaml", "--store", "postgres://x"],
        &["run", "flow.yaml", "--store", "sqlite:"],
        &["run", "flow.yaml", "--label", "no-equals-sign"],
        &["run", "flow.yaml", "--input", "x", "--input-json", "1"],
        &["run", "flow.yaml", "--detach", "--approve-as", "ana"],
        &["runs", "get", "not-a-run"],
        &["runs", "list", "--status", "sleeping"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718", "--approve", "--reject"],
        &["completions", "tcsh"],
    ] {
        let answer = project.kneo(arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(answer.stderr.contains("Usage:") || answer.stderr.contains("error:"), "{answer:?}");
    }
    assert!(!project.path(".kneo").exists());
}

#[test]
fn completions_know_every_verb() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let answer = project.kneo(&["completions", shell]);
        assert_eq!(answer.code, 0);
        for verb in ["validate", "resume", "decide", "explain"] {
            assert!(answer.stdout.contains(verb), "{shell} does not know {verb}");
        }
        let (code, object) = project.json(&["completions", shell]);
        assert_eq!((code, object["script"].as_str()), (0, Some(answer.stdout.as_str())));
    }
}
