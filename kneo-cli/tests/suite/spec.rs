//! `kneo spec`.

use serde_json::json;

use super::support::*;

const WRONG: &str = "version: v1
workflow:
  type: sequential
  steps:
    - {id: one, kind: function, ref: nothing}
    - {id: one, kind: human, ref: {descripton: Really?}}
";

#[test]
fn a_valid_spec_is_said_to_be() {
    let project = Project::with(APPROVAL);
    let answer = project.kneo(&["spec", "validate", "flow.yaml"]);
    assert_eq!((answer.code, answer.stdout.as_str(), answer.stderr.as_str()), (0, "`flow.yaml` is valid\n", ""));
    let (code, report) = project.json(&["spec", "validate", "flow.yaml"]);
    assert_eq!((code, report.to_string().as_str()), (0, r#"{"diagnostics":[],"files":["flow.yaml"],"ok":true}"#));
}

#[test]
fn every_mistake_is_reported_at_once() {
    let project = Project::with(WRONG).file("other.yaml", "version: v2\n");
    let answer = project.kneo(&["spec", "validate", "flow.yaml", "other.yaml"]);
    snapshot(&project, "spec_invalid", &answer.whole());
    let (code, report) = project.json(&["spec", "validate", "flow.yaml", "other.yaml"]);
    assert_eq!(code, 1);
    snapshot(&project, "spec_invalid_json", &serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn a_file_that_is_not_there_hides_no_mistake_of_the_others() {
    let project = Project::with(WRONG).file("good.yaml", APPROVAL);
    let validate = ["spec", "validate", "good.yaml", "none.yaml", "flow.yaml", "nor.yaml"];
    let answer = project.kneo(&validate);
    assert_eq!(answer.code, 4, "{answer:?}");
    assert_eq!(answer.stdout, "`good.yaml` is valid\n4 specs: 1 valid, 1 invalid, 2 not read\n");
    for said in ["error[E_DUPLICATE_ID]", "there is no file `none.yaml`", "there is no file `nor.yaml`"] {
        assert!(answer.stderr.contains(said), "{answer:?}");
    }
    let (code, report) = project.json(&validate);
    assert_eq!((code, &report["ok"], &report["files"]), (4, &false.into(), &json!(["good.yaml", "flow.yaml"])));
    assert_eq!(report["diagnostics"].as_array().unwrap().len(), 3);
    let error = json!({
        "code": "file_not_found",
        "message": "there is no file `none.yaml`; there is no file `nor.yaml`",
        "help": "check the path and the working directory",
    });
    assert_eq!(report["error"], error);
}

#[test]
fn several_specs_are_counted() {
    let project = Project::with(APPROVAL);
    let answer = project.kneo(&["spec", "validate", "flow.yaml", "flow.yaml"]);
    assert_eq!((answer.code, answer.stdout.lines().last()), (0, Some("2 specs: 2 valid")));
}

#[test]
fn what_a_plan_needs_is_listed() {
    let steps = "{id: a, kind: function, ref: {implementation: my.code}}, \
                 {id: b, kind: agent, ref: {model: {provider: openai, name: gpt}, strategy: {type: simple}}}";
    let project = Project::with(&format!("version: v1\nworkflow: {{type: sequential, steps: [{steps}]}}\n"));
    let answer = project.kneo(&["spec", "compile", "flow.yaml"]);
    assert!(answer.stdout.ends_with("  needs      provider `openai`\n             function `my.code`\n"), "{answer:?}");
}

#[test]
fn the_other_verbs_report_the_same_mistakes() {
    let project = Project::with(WRONG);
    for verb in ["compile", "resolve", "graph"] {
        let answer = project.kneo(&["spec", verb, "flow.yaml"]);
        assert_eq!((answer.code, answer.stdout.as_str()), (1, ""), "{verb}");
        assert!(answer.stderr.contains("error[E_COMPONENT_REF]") && answer.stderr.contains("error[spec_invalid]"));
        let (code, report) = project.json(&["spec", verb, "flow.yaml"]);
        assert_eq!((code, &report["ok"], &report["error"]["code"]), (1, &false.into(), &"spec_invalid".into()));
        assert_eq!(report["files"][0], "flow.yaml");
    }
}

#[test]
fn a_plan_is_the_same_however_the_spec_is_laid_out() {
    let project = Project::with(APPROVAL)
        .file("same.yaml", &format!("# A comment.\n{}", APPROVAL.replace("templates: true", "templates:    true")));
    let answer = project.kneo(&["spec", "compile", "flow.yaml", "--output", "plan.json"]);
    snapshot(&project, "spec_compile", &answer.whole());
    let (_, one) = project.json(&["spec", "compile", "flow.yaml"]);
    let (_, two) = project.json(&["spec", "compile", "same.yaml"]);
    assert_eq!(one["digest"], two["digest"]);
    let written = std::fs::read_to_string(project.path("plan.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written, one["plan"]);
    assert_eq!((&one["name"], one["requirements"].as_array().map(Vec::len)), (&"workflow".into(), Some(0)));
}

#[test]
fn the_normal_form_compiles_to_the_same_plan() {
    let project = Project::with(APPROVAL);
    let normal = project.kneo(&["spec", "resolve", "flow.yaml"]).stdout;
    let project = project.file("normal.yaml", &normal);
    let digest = |file: &str| project.json(&["spec", "compile", file]).1["digest"].clone();
    assert_eq!(digest("flow.yaml"), digest("normal.yaml"));
    assert_eq!(project.json(&["spec", "resolve", "normal.yaml"]).1["yaml"], normal);
}

#[test]
fn a_spec_is_drawn() {
    let project = Project::with(APPROVAL);
    for (format, start) in [("mermaid", "flowchart TD\n"), ("dot", "digraph \"workflow\" {\n"), ("svg", "<svg ")] {
        let answer = project.kneo(&["spec", "graph", "flow.yaml", "--format", format]);
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(answer.stdout.starts_with(start), "{answer:?}");
        let (code, object) = project.json(&["spec", "graph", "flow.yaml", "--format", format]);
        assert_eq!((code, &object["ok"], &object["format"]), (0, &json!(true), &json!(format)));
        assert_eq!(object[format], answer.stdout);

        let file = format!("drawing.{format}");
        let (code, object) = project.json(&["spec", "graph", "flow.yaml", "--format", format, "-o", &file]);
        assert_eq!((code, &object), (0, &json!({"ok": true, "format": format, "file": file})));
        assert_eq!(std::fs::read_to_string(project.path(&file)).unwrap(), answer.stdout);
        // The ending of the file says as much, unless something else is asked for.
        let (code, object) = project.json(&["spec", "graph", "flow.yaml", "-o", &file]);
        assert_eq!((code, &object["format"]), (0, &json!(format)));
        let (_, object) = project.json(&["spec", "graph", "flow.yaml", "-o", &file, "--format", "dot"]);
        assert_eq!(object["format"], "dot");
    }
    let plain = project.kneo(&["spec", "graph", "flow.yaml"]);
    assert!(plain.stdout.starts_with("flowchart TD\n"), "{plain:?}");
    let answer = project.kneo(&["spec", "graph", "flow.yaml", "-o", "no/such/folder.svg"]);
    assert_eq!(answer.code, 4);
    assert!(answer.stderr.contains("output_unwritable"), "{answer:?}");
}

/// `UPDATE_EXPECT=1` draws it anew.
#[test]
fn the_picture_in_the_guide_is_what_the_program_draws() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let spec = format!("{root}/examples/specs/review/review.yaml");
    let drawn = Project::new().kneo(&["spec", "graph", &spec, "--format", "svg"]).stdout;
    let path = format!("{root}/docs/guide/review.svg");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == drawn, "{path} differs; UPDATE_EXPECT=1 draws it anew");
}

#[test]
fn warnings_do_not_make_a_spec_invalid_and_quiet_hides_them() {
    let project = Project::with(&APPROVAL.replace("templates: true\n", ""));
    let answer = project.kneo(&["spec", "validate", "flow.yaml"]);
    assert_eq!(answer.code, 0);
    assert!(answer.stderr.contains("warning[W_TEMPLATE_OFF]"), "{answer:?}");
    assert_eq!(project.kneo(&["spec", "validate", "flow.yaml", "--quiet"]).stderr, "");
}

#[test]
fn the_examples_are_valid() {
    let project = Project::new();
    for name in ["report", "review"] {
        let spec = format!("{}/../examples/specs/{name}/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let answer = project.kneo(&["spec", "validate", &spec]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{name}");
    }
}

#[test]
fn the_schema_is_printed_or_written() {
    let published = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/kneo-v1.schema.json"));
    let published = published.unwrap();
    let project = Project::new();
    let answer = project.kneo(&["spec", "schema"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert!(answer.stdout == published, "{}", answer.stdout);

    let answer = project.kneo(&["spec", "schema", "--output", "kneo.schema.json"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (0, ""));
    assert!(answer.stderr.ends_with("  # yaml-language-server: $schema=kneo.schema.json\n"), "{answer:?}");
    assert_eq!(std::fs::read_to_string(project.path("kneo.schema.json")).unwrap(), published);

    let (code, object) = project.json(&["spec", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&published).unwrap();
    assert_eq!((code, &object["schema"], &object["url"]), (0, &schema, &schema["$id"]));

    let answer = project.kneo(&["spec", "schema", "--output", "no/such/folder.json"]);
    assert_eq!(answer.code, 4, "{answer:?}");
    assert!(answer.stderr.contains("error[output_unwritable]"), "{answer:?}");
}
