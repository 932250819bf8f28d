//! The corpus itself: nothing in it is forgotten.

use super::golden::corpus;

#[test]
fn every_expected_file_has_its_spec() {
    for (folder, endings) in [("ok", &[".plan.json", ".mmd"][..]), ("diagnostics", &[".txt"][..])] {
        for entry in std::fs::read_dir(corpus().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() || name.ends_with(".yaml") {
                continue;
            }
            let stem = endings.iter().find_map(|ending| name.strip_suffix(ending));
            let stem = stem.unwrap_or_else(|| panic!("{name} is of no known kind"));
            assert!(corpus().join(folder).join(format!("{stem}.yaml")).exists(), "{name} has no spec");
        }
    }
}

#[test]
fn every_module_of_this_suite_is_run() {
    let suite = include_str!("../suite.rs");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(suite.contains(&format!("mod {name};")), "{name} is forgotten");
    }
}
