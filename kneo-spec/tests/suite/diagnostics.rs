//! Specs with mistakes, beside their whole reports.

use super::golden::{check, report, specs};

#[test]
fn reports_are_as_expected() {
    for (name, path) in specs("diagnostics") {
        let text = std::fs::read_to_string(&path).unwrap();
        let (report, codes) = report(&format!("{name}.yaml"), &text);
        assert!(!codes.is_empty(), "{name} has no mistake");
        check(&path.with_extension("txt"), &report);
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
