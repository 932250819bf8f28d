//! Specs that compile, beside their plans, drawings and normal forms.

use kneo_core::plan::CompiledPlan;
use kneo_spec::graph::Graph;
use kneo_spec::source::SourceMap;
use kneo_spec::{CompileOptions, compile, resolve};

use super::golden::{check, run, specs};

fn readable(plan: &CompiledPlan) -> String {
    let value: serde_json::Value = serde_json::from_slice(plan.bytes()).unwrap();
    let requirements: Vec<String> = plan.plan().requirements().iter().map(ToString::to_string).collect();
    let origins: Vec<String> = plan
        .plan()
        .nodes
        .iter()
        .zip(0u32..)
        .map(|(node, at)| {
            let origin = plan.origins().node(kneo_core::plan::NodeIx::new(at)).unwrap();
            format!("{} {}:{}", node.id, origin.line, origin.column)
        })
        .collect();
    let readable = serde_json::json!({"plan": value, "requires": requirements, "origins": origins});
    format!("{readable:#}\n")
}

#[test]
fn plans_and_drawings_are_as_expected() {
    for (name, path) in specs("ok") {
        let text = std::fs::read_to_string(&path).unwrap();
        let (sources, compilation) = run(&format!("{name}.yaml"), &text, &CompileOptions::default());
        let report =
            kneo_spec::diagnostic::to_text(&compilation.diagnostics, &sources, kneo_spec::diagnostic::TextStyle::Plain);
        assert!(report.is_empty(), "{name}: {report}");
        let plan = compilation.plan.unwrap();
        check(&path.with_extension("plan.json"), &readable(&plan));
        check(&path.with_extension("mmd"), &Graph::of(plan.plan()).mermaid());
    }
}

/// The normal form means the same, and is its own normal form.
#[test]
fn the_normal_form_compiles_to_the_same_plan() {
    for (name, path) in specs("ok") {
        let text = std::fs::read_to_string(&path).unwrap();
        let (sources, compilation) = run(&name, &text, &CompileOptions::default());
        let options = CompileOptions::default();
        let file = sources.files().next().unwrap().id();
        let normal = resolve(&sources, file, &options).unwrap();
        let mut again = SourceMap::new();
        let file = again.add("normal.yaml", normal.as_str());
        let recompiled = compile(&again, file, &options).plan.unwrap_or_else(|| panic!("{name}:\n{normal}"));
        assert_eq!(recompiled.digest(), compilation.plan.unwrap().digest(), "{name}:\n{normal}");
        assert_eq!(resolve(&again, file, &options).unwrap(), normal, "{name}");
    }
}

/// Layout, comments and the order of keys are not part of a plan.
#[test]
fn reformatting_keeps_the_digest() {
    let one =
        "version: v1\nworkflow:\n  type: sequential\n  steps:\n    - {id: a, kind: set, set: {x: 1}, on_error: fail}\n";
    let two = "# a comment\nworkflow: {steps: [{kind: set, on_error: fail, set: {x: 1}, id: a}], type: sequential}\nversion: v1\n";
    let digest = |text| run("a", text, &CompileOptions::default()).1.plan.unwrap().digest();
    assert_eq!(digest(one), digest(two));
}

/// What nothing uses is no part of a plan.
#[test]
fn unused_components_change_no_plan() {
    let spec = |more: &str| {
        format!(
            "version: v1\ncomponents:\n  functions:\n    work: {{implementation: work}}\n{more}workflow:\n  type: sequential\n  steps: [{{id: a, kind: function, ref: work}}]\n"
        )
    };
    let more = "    spare: {implementation: spare}\n  agents: {idle: {system_prompt: Nobody asks me.}}\n  humans: {who: {}}\n  workflows:\n    other: {type: sequential, steps: [{id: b, kind: set, set: {x: 1}}]}\ntools: {lost: {implementation: lost}}\n";
    let (_, with) = run("with", &spec(more), &CompileOptions::default());
    let (_, without) = run("without", &spec(""), &CompileOptions::default());
    let codes: Vec<_> = with.diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["W_UNUSED_COMPONENT"; 5]);
    assert_eq!(with.plan.unwrap().digest(), without.plan.unwrap().digest());
}
