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
        &["spec", "bundle"],
        &["spec", "bundle", "sign"],
        &["spec", "bundle", "verify"],
        &["spec", "test"],
        &["spec", "schema"],
        &["run"],
        &["runs"],
        &["runs", "list"],
        &["runs", "get"],
        &["runs", "events"],
        &["runs", "trace"],
        &["runs", "cancel"],
        &["runs", "resume"],
        &["runs", "prune"],
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
        &["runs", "prune"],
        &["runs", "prune", "--older-than", "-1"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718", "--approve", "--reject"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718", "--edit", "x", "--reason", "why not"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718", "--retry", "--reason", "why not"],
        &["completions", "tcsh"],
    ] {
        let answer = project.kneo(arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(answer.stderr.contains("Usage:") || answer.stderr.contains("error:"), "{answer:?}");
        let (code, object) = project.json(arguments);
        assert_eq!((code, &object["error"]["code"]), (2, &"usage".into()), "{arguments:?}");
    }
    assert!(!project.path(".kneo").exists());
}

#[test]
fn wrong_usage_is_an_object_too_where_json_is_asked_for() {
    let project = Project::new();
    let mut text = String::new();
    for arguments in [
        &["--json"][..],
        &["fly", "--json"],
        &["run", "--json"],
        &["run", "flow.yaml", "--detatch", "--json"],
        &["--json", "run", "flow.yaml", "--store", "postgres://x"],
        &["run", "flow.yaml", "--detach", "--approve-as", "ana", "--json"],
    ] {
        let answer = project.kneo(arguments);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.stderr.starts_with("error: "), "{answer:?}");
        text.push_str(&answer.stdout);
    }
    snapshot(&project, "usage_json", &text);
    // What comes after `--` is no option; help and version are no errors.
    assert_eq!(project.kneo(&["run", "flow.yaml", "--detatch", "--", "--json"]).stdout, "");
    for asked in ["--help", "--version"] {
        let answer = project.kneo(&[asked, "--json"]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
        assert!(!answer.stdout.starts_with('{'), "{answer:?}");
    }
}

#[test]
fn completions_know_every_verb() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let answer = project.kneo(&["completions", shell]);
        assert_eq!(answer.code, 0);
        for verb in ["validate", "bundle", "sign", "verify", "resume", "decide", "explain"] {
            assert!(answer.stdout.contains(verb), "{shell} does not know {verb}");
        }
        let (code, object) = project.json(&["completions", shell]);
        assert_eq!((code, object["script"].as_str()), (0, Some(answer.stdout.as_str())));
    }
}

#[test]
fn completions_load_and_complete() {
    let project = Project::new();
    for (shell, options, script) in [
        (
            "bash",
            &["--norc"][..],
            ". ./bash.kneo; COMP_WORDS=(kneo ru); COMP_CWORD=1; _kneo kneo ru kneo; echo ${COMPREPLY[*]}",
        ),
        ("zsh", &["-f"], "autoload -Uz compinit; compinit -u -D; . ./zsh.kneo; echo $_comps[kneo] run runs"),
        ("fish", &["--no-config"], "source fish.kneo; echo (complete -C 'kneo ru' | string split -f 1 \\t)"),
    ] {
        let answer = project.kneo(&["completions", shell]);
        std::fs::write(project.path(&format!("{shell}.kneo")), &answer.stdout).unwrap();
        let mut command = std::process::Command::new(shell);
        let output =
            command.args(options).args(["-c", script]).current_dir(project.path("")).env("HOME", project.path(""));
        let output = match output.output() {
            Ok(output) => Answer::from(output),
            Err(error) => {
                // Past the test harness, which keeps what a passing test prints to itself.
                let said = format!("SKIPPED: completions of {shell}: {error}\n");
                std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
                continue;
            }
        };
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{shell}");
        assert!(output.stdout.contains("run runs"), "{shell}: {output:?}");
    }
}
