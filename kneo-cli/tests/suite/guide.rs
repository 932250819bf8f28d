//! The guides, held against the program.

use super::support::*;

/// Whoever meets a code in a table of the guides can have it explained.
#[test]
fn every_code_that_a_guide_lists_is_explained() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    let project = Project::new();
    let mut codes = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let tables = text.split("\n\n").filter(|part| part.lines().any(|line| line.starts_with("| Code |")));
        for line in tables.flat_map(str::lines).filter(|line| line.starts_with("| `")) {
            let cell = line.split(" | ").next().unwrap();
            codes.extend(cell.split('`').skip(1).step_by(2).map(|code| (path.clone(), code.to_owned())));
        }
    }
    assert!(codes.len() > 10, "{codes:?}");
    for (path, code) in codes {
        assert_eq!(project.kneo(&["explain", &code]).code, 0, "{}: `{code}`", path.display());
    }
}
