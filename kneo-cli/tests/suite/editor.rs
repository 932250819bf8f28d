//! Specs in an editor: the schema that the program writes, in front of the YAML language server.

mod client;

use std::path::{Path, PathBuf};

use self::client::{Editor, Underlined};
use super::support::*;

/// A folder with the schema, and a server on it; `None`, and said so, where there is no server.
fn editor() -> Option<(Project, Editor)> {
    let server = kneo_tests::programs::find("yaml-language-server", "KNEO_TEST_YAML_LANGUAGE_SERVER")?;
    let project = Project::new();
    let answer = project.kneo(&["spec", "schema", "--output", "kneo-v1.schema.json"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let editor = Editor::start(&server, &project.path(""));
    Some((project, editor))
}

/// A spec that says where its schema is.
fn spec(text: &str) -> String {
    format!("# yaml-language-server: $schema=kneo-v1.schema.json\n{text}")
}

fn specs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut specs: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    specs.sort();
    assert!(!specs.is_empty());
    specs
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn what_compiles_is_not_underlined() {
    let Some((_project, mut editor)) = editor() else { return };
    for path in specs("schemas/samples/valid").into_iter().chain(specs("tests/spec/ok")) {
        let document = editor.open(&name(&path), &spec(&std::fs::read_to_string(&path).unwrap()));
        assert_eq!(editor.underlined(&document), [], "{}", path.display());
    }
}

#[test]
fn what_the_schema_refuses_is_underlined() {
    let Some((_project, mut editor)) = editor() else { return };
    for path in specs("schemas/samples/invalid") {
        let document = editor.open(&name(&path), &spec(&std::fs::read_to_string(&path).unwrap()));
        assert_ne!(editor.underlined(&document), [], "{}", path.display());
    }
}

/// The examples name the schema by a path of their own.
#[test]
fn examples_find_the_schema() {
    let Some((_project, mut editor)) = editor() else { return };
    for folder in ["examples/specs/report", "examples/specs/review"] {
        for path in specs(folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.canonicalize().unwrap();
            let document = editor.open(path.to_str().unwrap(), &text);
            assert_eq!(editor.underlined(&document), [], "{}", path.display());
            let wrong = path.with_file_name("wrong.yaml");
            let document = editor.open(wrong.to_str().unwrap(), &text.replace("workflow:", "workflaw:"));
            let found = editor.underlined(&document);
            assert!(found.iter().any(|found| found.message == "Property workflaw is not allowed."), "{found:?}");
        }
    }
}

/// A project that `kneo new` makes is ready for editors.
#[test]
fn new_projects_bring_the_schema() {
    let Some((project, mut editor)) = editor() else { return };
    assert_eq!(project.kneo(&["new", "greeter"]).code, 0);
    let text = std::fs::read_to_string(project.path("greeter/specs/hello.yaml")).unwrap();
    let document = editor.open("greeter/specs/hello.yaml", &text);
    assert_eq!(editor.underlined(&document), []);
    let document = editor.open("greeter/specs/other.yaml", &text.replace("workflow:", "workflaw:"));
    let found = editor.underlined(&document);
    assert!(found.iter().any(|found| found.message == "Property workflaw is not allowed."), "{found:?}");
}

#[track_caller]
fn assert_underlined(editor: &mut Editor, text: &str, expected: &[(&str, &str)]) {
    let document = editor.open_new(&spec(text));
    let expected: Vec<Underlined> = expected
        .iter()
        .map(|(text, message)| Underlined { text: (*text).to_owned(), message: (*message).to_owned() })
        .collect();
    assert_eq!(editor.underlined(&document), expected, "{text}");
}

#[test]
fn mistakes_are_underlined_where_they_are() {
    let Some((_project, mut editor)) = editor() else { return };
    let steps = |steps: &str| format!("version: v1\nworkflow:\n  type: sequential\n  steps:\n    - {steps}\n");
    for (text, expected) in [
        (steps("{id: a, kind: set, set: {b: 1}, nobody: 2}"), ("nobody: 2}", "Property nobody is not allowed.")),
        // Of a step only the fields of its kind.
        (steps("{id: a, kind: set, set: {b: 1}, ref: c}"), ("ref: c}", "Property ref is not allowed.")),
        (steps("{id: a, kind: function}"), ("{id: a, kind: function}", "Missing property \"ref\".")),
        // What stands in `ref` is of the step's kind, and its mistakes are told, not that it could be a name.
        (
            steps("{id: a, kind: agent, ref: {model: {provider: dummy}, sytem_prompt: x}}"),
            ("sytem_prompt: x}}", "Property sytem_prompt is not allowed."),
        ),
        (steps("{id: a, kind: human, ref: 7}"), ("7}", "Incorrect type. Expected \"string\".")),
        (
            steps("{id: a, kind: set, set: {b: 1}, on_error: stop}"),
            ("stop}", "Value is not accepted. Valid values: \"fail\", \"retry\", \"continue\", \"fallback\"."),
        ),
        (steps("{id: a, kind: human, ref: {}, timeout_seconds: 0}"), ("0}", "Value is below the minimum of 0.001.")),
        (
            steps("{id: a, kind: set, set: {b: 1}, fallback_ref: c}"),
            (
                "{id: a, kind: set, set: {b: 1}, fallback_ref: c}",
                "Object is missing property on_error required by property fallback_ref.",
            ),
        ),
        ("version: v1\nname: a\n".to_owned(), ("version: v1", "A spec has `agent` or `workflow`")),
    ] {
        assert_underlined(&mut editor, &text, &[expected]);
    }
    let tools = |tool: &str| format!("version: v1\nagent: {{name: a}}\ntools:\n  look: {tool}\n");
    let one = "A tool has exactly one of `implementation`, `command`, `mcp` or `agent`";
    assert_underlined(&mut editor, &tools("{effect: read}"), &[("look: {effect: read}", one)]);
    let both = "{implementation: a, command: {argv: [b]}}";
    assert_underlined(&mut editor, &tools(both), &[("command: {argv: [b]}}", one)]);
}

/// What is offered at the cursor, without the pieces that editors put together of several fields.
fn labels(editor: &mut Editor, text: &str) -> Vec<String> {
    let document = editor.open_new(&spec(text));
    let mut labels: Vec<String> = editor.offered(&document).into_iter().map(|offered| offered.label).collect();
    labels.retain(|label| label.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
    labels.sort();
    labels
}

#[test]
fn keys_are_completed_by_what_stands_around_them() {
    let Some((_project, mut editor)) = editor() else { return };
    let step = "version: v1\nworkflow:\n  type: sequential\n  steps:\n    - id: a\n";
    let of_set = labels(&mut editor, &format!("{step}      kind: set\n      ¦\n"));
    assert_eq!(of_set, ["fallback_only", "fallback_ref", "on_error", "output_schema", "set", "when"]);
    let of_human = labels(&mut editor, &format!("{step}      kind: human\n      ¦\n"));
    let fields =
        ["fallback_only", "fallback_ref", "input", "on_error", "output_schema", "ref", "timeout_seconds", "when"];
    assert_eq!(of_human, fields);
    // Nodes alone have edges that lead on.
    let of_node = labels(
        &mut editor,
        "version: v1\nworkflow:\n  type: graph\n  start: a\n  nodes:\n    a:\n      kind: set\n      set: {b: 1}\n      ¦\n",
    );
    assert!(of_node.iter().any(|label| label == "route"), "{of_node:?}");
    let of_graph = labels(&mut editor, "version: v1\nworkflow:\n  type: graph\n  start: a\n  nodes: {}\n  ¦\n");
    assert_eq!(of_graph, ["description", "edges", "max_steps", "name", "on_max"]);
    let inline = labels(&mut editor, &format!("{step}      kind: agent\n      ref:\n        ¦\n"));
    assert!(inline.iter().any(|label| label == "system_prompt"), "{inline:?}");
    assert!(!inline.iter().any(|label| label == "request_type"), "{inline:?}");
    let schema = labels(&mut editor, "version: v1\ninputs:\n  type: object\n  ¦\n");
    assert!(schema.iter().any(|label| label == "properties"), "{schema:?}");
}

#[test]
fn what_is_offered_says_what_it_is() {
    let Some((_project, mut editor)) = editor() else { return };
    let mut documentation = |text: &str, label: &str| {
        let document = editor.open_new(&spec(text));
        let offered = editor.offered(&document);
        let found = offered.iter().find(|offered| offered.label == label);
        found.unwrap_or_else(|| panic!("no {label}: {offered:?}")).documentation.clone()
    };
    assert_eq!(documentation("version: v1\n¦\n", "tools"), "Tools that agents call, by name.");
    assert_eq!(documentation("version: v1\nworkflow:\n  ¦\n", "type"), "How the steps follow each other.");
    let kinds = "version: v1\nworkflow:\n  type: sequential\n  steps:\n    - id: a\n      kind: ¦\n";
    assert_eq!(documentation(kinds, "set"), "Computes values with expressions.");
    let approvals = "version: v1\nagent: {name: a}\ntools:\n  look:\n    implementation: look\n    approval: ¦\n";
    assert_eq!(documentation(approvals, "always"), "Somebody is asked before each call.");
}

#[test]
fn keys_under_the_cursor_are_explained() {
    let Some((_project, mut editor)) = editor() else { return };
    let document = editor.open_new(&spec("version: v1\nworkflow:\n  type: sequential\n  steps:\n    - {id: a, kind: set, set: {b: 1}, on_¦error: fail}\n"),
    );
    let told = editor.told(&document);
    assert!(told.contains("What happens when attempts are used up."), "{told}");
    assert!(told.contains("* `continue`: The flow goes on with the step's input"), "{told}");
}
