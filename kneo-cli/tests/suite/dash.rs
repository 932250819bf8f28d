//! `-` in the place of a file, and a bundle in that of a spec.

use std::io::Write as _;
use std::process::Stdio;

use super::support::*;

/// Runs the program with something on standard input.
fn given(project: &Project, input: &[u8], arguments: &[&str]) -> Answer {
    let mut command = project.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that reads nothing is seen by what it answers.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

const SPEC: &str = "version: v1
agent: {name: writer, model: {provider: dummy}, strategy: {type: simple}}
tests: [{name: one, input: tea, models: {writer: [done]}, expect: {output: done}}]
";

#[test]
fn a_spec_and_an_input_come_from_standard_input() {
    let project = Project::with(SPEC);
    let valid = given(&project, SPEC.as_bytes(), &["spec", "validate", "-"]);
    assert_eq!((valid.code, valid.stdout.as_str()), (0, "`<stdin>` is valid\n"));
    let broken = given(&project, b"version: v1\nworkflow: {}\n", &["spec", "validate", "-", "--json"]);
    assert_eq!((broken.code, &broken.object()["files"]), (1, &serde_json::json!(["<stdin>"])));
    for verb in ["graph", "resolve", "test", "compile"] {
        let answer = given(&project, SPEC.as_bytes(), &["spec", verb, "-"]);
        assert_eq!(answer.stdout, project.kneo(&["spec", verb, "flow.yaml"]).stdout, "{verb}: {answer:?}");
    }
    let told = project.kneo(&["run", "flow.yaml", "--input", "green tea"]);
    assert_eq!(told.code, 0, "{told:?}");
    let input = given(&project, b"green tea", &["run", "flow.yaml", "--input-file", "-"]);
    assert_eq!((input.code, &input.stdout), (0, &told.stdout));
    let spec = given(&project, SPEC.as_bytes(), &["run", "-", "--input", "green tea"]);
    assert_eq!((spec.code, &spec.stdout), (0, &told.stdout));
    // It ends once: what is read of it then would pass for nothing.
    for twice in [&["run", "-", "--input-file", "-"][..], &["spec", "validate", "-", "-"], &["spec", "test", "-", "-"]]
    {
        let answer = given(&project, SPEC.as_bytes(), twice);
        assert!(answer.code == 4 && answer.stderr.contains("`-` stands for one file only"), "{answer:?}");
    }
    let wrong = given(&project, b"\xff", &["run", "flow.yaml", "--input-file", "-"]);
    assert!(wrong.code == 1 && wrong.stderr.contains("error[file_not_utf8]: `<stdin>`"), "{wrong:?}");
}

#[test]
fn what_is_written_goes_to_standard_output() {
    let project = Project::with(SPEC);
    let plain = |arguments: &[&str]| project.kneo(arguments).stdout;
    for verb in [&["spec", "graph", "flow.yaml", "--format", "svg"][..], &["spec", "schema"]] {
        assert_eq!(plain(&[verb, &["-o", "-"]].concat()), plain(verb), "{verb:?}");
    }
    assert_eq!(plain(&["spec", "compile", "flow.yaml", "-o", "plan"]).lines().next(), Some("writer"));
    let plan = std::fs::read_to_string(project.path("plan")).unwrap();
    assert_eq!(plain(&["spec", "compile", "flow.yaml", "-o", "-"]), plan);
    assert!(!project.path("-").exists());
}

/// Five mistakes of a spec would be told of it.
#[test]
fn a_bundle_is_told_where_a_spec_is_asked_for() {
    let project = Project::with(SPEC);
    std::fs::write(project.path("key"), "0123456789abcdef0123456789abcdef").unwrap();
    let sign = ["--key-id", "k", "--key-file", "key", "--approved-by", "ana", "--env", "here", "--sequence", "1"];
    let signed = project.kneo(&[&["spec", "bundle", "sign", "flow.yaml", "-o", "flow.bundle"][..], &sign].concat());
    assert_eq!(signed.code, 0, "{signed:?}");
    for verb in ["validate", "graph", "test", "compile", "resolve"] {
        let answer = project.kneo(&["spec", verb, "flow.bundle"]);
        let said = "error[spec_expected]: `flow.bundle` is a bundle: a spec is asked for here\n  help: ";
        assert!(answer.stderr.starts_with(said) && answer.stderr.contains("kneo spec bundle verify"), "{answer:?}");
        assert!(answer.code == 1 && !answer.stderr.contains("error[E_"), "{answer:?}");
    }
    // Nobody writes a file of that name without meaning standard output, nor gives a key there.
    let dash = project.kneo(&[&["spec", "bundle", "sign", "flow.yaml", "-o", "-"][..], &sign].concat());
    assert!(dash.code == 2 && !project.path("-").exists(), "{dash:?}");
    let key = ["--key-id", "k", "--key-file", "-", "--approved-by", "ana", "--env", "here", "--sequence", "1"];
    let key = project.kneo(&[&["spec", "bundle", "sign", "flow.yaml", "-o", "c"][..], &key].concat());
    assert!(key.code == 4 && key.stderr.contains("there is no file `-`"), "{key:?}");
    let again = project.kneo(&[&["spec", "bundle", "sign", "flow.bundle", "-o", "b"][..], &sign].concat());
    assert!(again.code == 1 && again.stderr.starts_with("error[spec_expected]"), "{again:?}");
}
