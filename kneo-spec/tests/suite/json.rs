//! The JSON form of diagnostics is a public interface.

use kneo_spec::CompileOptions;
use kneo_spec::diagnostic::to_json;

use super::golden::run;

#[test]
fn the_shape_is_the_published_one() {
    let text = "version: v1\nworkflow:\n  type: sequential\n  steps:\n    - {id: größe, kind: set, set: {x: 1}}\n    - {id: größe, kind: set, set: {x: 1}, whan: true}\n";
    let (sources, compilation) = run("flow.yaml", text, &CompileOptions::default());
    let json = to_json(&compilation.diagnostics, &sources);
    assert_eq!(
        json,
        serde_json::json!({
            "ok": false,
            "files": ["flow.yaml"],
            "diagnostics": [
                {
                    "severity": "error",
                    "code": "E_DUPLICATE_ID",
                    "message": "the id `größe` is already taken in this workflow",
                    "file": "flow.yaml",
                    "line": 6, "column": 12, "end_line": 6, "end_column": 17,
                    "offset": text.rfind("größe").unwrap(), "length": 7,
                    "help": "give each step an id of its own",
                    "path": "workflow.steps[1].id",
                    "labels": [{
                        "file": "flow.yaml",
                        "line": 5, "column": 12, "end_line": 5, "end_column": 17,
                        "message": "first here"
                    }],
                    "docs_url": "https://github.com/kneo-project/kneo/blob/main/kneo-spec/pages/E_DUPLICATE_ID.md"
                },
                {
                    "severity": "error",
                    "code": "E_UNKNOWN_FIELD",
                    "message": "a step has no field `whan`",
                    "file": "flow.yaml",
                    "line": 6, "column": 43, "end_line": 6, "end_column": 47,
                    "offset": text.find("whan").unwrap(), "length": 4,
                    "help": "did you mean `when`?",
                    "path": "workflow.steps[1].whan",
                    "labels": [],
                    "docs_url": "https://github.com/kneo-project/kneo/blob/main/kneo-spec/pages/E_UNKNOWN_FIELD.md"
                }
            ]
        })
    );
}

#[test]
fn a_clean_spec_is_ok() {
    let text = "version: v1\nworkflow:\n  type: sequential\n  steps:\n    - {id: a, kind: set, set: {x: 1}}\n";
    let (sources, compilation) = run("flow.yaml", text, &CompileOptions::default());
    let json = to_json(&compilation.diagnostics, &sources);
    assert_eq!(json, serde_json::json!({"ok": true, "files": ["flow.yaml"], "diagnostics": []}));
}
