//! Specs with mistakes, beside their whole reports.

use kneo_spec::CompileOptions;

use super::golden::{check, report, run, specs};

#[test]
fn reports_are_as_expected() {
    for (name, path) in specs("diagnostics") {
        let text = std::fs::read_to_string(&path).unwrap();
        let (report, codes) = report(&format!("{name}.yaml"), &text);
        assert!(!codes.is_empty(), "{name} has no mistake");
        check(&path.with_extension("txt"), &report);
    }
}

/// A help says something, whatever was wrong.
#[test]
fn no_help_is_empty() {
    for (name, path) in specs("diagnostics") {
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, compilation) = run(&name, &text, &CompileOptions::default());
        for diagnostic in &compilation.diagnostics {
            let help = diagnostic.help.as_deref().unwrap_or_default().trim();
            let ends = ["write", "is", "has", "are", "with", "add", "keep one of", "``"];
            let hollow = help.is_empty() || ends.iter().any(|end| help.ends_with(end)) || help.contains("``");
            assert!(!hollow, "{name}: {}: {help:?}", diagnostic.message);
        }
    }
}

/// The promise of the first page: ten different mistakes, ten diagnostics, each with file, line,
/// column, the offending text underlined, and help.
#[test]
fn ten_mistakes_give_ten_diagnostics() {
    let path = super::golden::corpus().join("diagnostics/ten_mistakes.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let (report, codes) = report("ten_mistakes.yaml", &text);
    let different: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!((codes.len(), different.len()), (10, 10), "{report}");
    for part in report.split("\n\n").filter(|part| !part.trim().is_empty() && part.contains('[')) {
        assert!(part.contains("--> ten_mistakes.yaml:"), "no place: {part}");
        assert!(part.contains('^'), "nothing underlined: {part}");
        assert!(part.contains("= help: "), "no help: {part}");
    }
}
