//! The codes of the guides and of completions, held against the program.

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

/// Nobody types a code to its end, and the help is not full of them.
#[test]
fn codes_are_completed() {
    let project = Project::new();
    let (_, listed) = project.json(&["explain"]);
    let codes: Vec<&str> =
        listed["codes"].as_array().unwrap().iter().map(|code| code["code"].as_str().unwrap()).collect();
    for shell in ["bash", "zsh", "fish"] {
        let script = project.kneo(&["completions", shell]).stdout;
        let unknown: Vec<&&str> = codes.iter().filter(|code| !script.contains(**code)).collect();
        // Fish gets the words of what stands without an option elsewhere.
        assert!(shell == "fish" || unknown.is_empty(), "{shell}: {unknown:?}");
    }
    std::fs::write(project.path("bash.kneo"), project.kneo(&["completions", "bash"]).stdout).unwrap();
    let ask = ". ./bash.kneo; COMP_WORDS=(kneo explain E_STEP_R); COMP_CWORD=2; _kneo kneo E_STEP_R explain; echo ${COMPREPLY[*]}";
    let mut bash = std::process::Command::new("bash");
    let bash = bash.args(["--norc", "-c", ask]).current_dir(project.path("")).output();
    assert_eq!(Answer::from(bash.unwrap()).stdout, "E_STEP_REF\n");
    assert!(project.kneo(&["explain", "--help"]).stdout.lines().count() < 20);
}
