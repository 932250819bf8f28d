//! The specs of the guides are specs.

use kneo::spec::diagnostic::{TextStyle, to_text};
use kneo::spec::source::SourceMap;
use kneo::spec::{CompileOptions, compile};

#[test]
fn the_guide_to_workflows_compiles() {
    let guide = include_str!("../../docs/guide/workflows.md");
    let specs: Vec<&str> =
        guide.split("```yaml\n").skip(1).filter_map(|rest| Some(rest.split_once("\n```")?.0)).collect();
    assert_eq!(specs.len(), 4);
    for spec in specs {
        let mut sources = SourceMap::new();
        let file = sources.add("workflows.md", spec);
        let compilation = compile(&sources, file, &CompileOptions::default());
        let report = to_text(&compilation.diagnostics, &sources, TextStyle::Plain);
        assert!(compilation.plan.is_some() && report.is_empty(), "{report}");
        // What the guide says of a mistake.
        if spec.contains("steps.write.output.title") {
            let wrong = spec.replace("steps.write.output.title", "steps.write.output.titel");
            let error = kneo::spec::compile_str("workflows.md", &wrong).unwrap_err().to_string();
            assert!(error.contains("E_EXPR_UNKNOWN_FIELD"), "{error}");
        }
    }
}
