//! Projects that `kneo new` makes.

use serde_json::json;

use super::support::*;

#[test]
fn a_new_project_runs_as_it_is() {
    let project = Project::new();
    let answer = project.kneo(&["new", "greeter"]);
    snapshot(&project, "new", &answer.whole());
    let inside = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        Answer::from(command.current_dir(project.path("greeter")).output().unwrap())
    };
    let checked = inside(&["spec", "validate", "specs/hello.yaml", "--json"]);
    assert_eq!(checked.object()["diagnostics"], json!([]), "{checked:?}");
    let tested = inside(&["spec", "test", "specs/hello.yaml"]);
    assert_eq!((tested.code, tested.stdout.lines().last()), (0, Some("2 tests passed")), "{tested:?}");
    assert_eq!(inside(&["doctor", "specs/hello.yaml"]).code, 0);
    let run = inside(&["run", "specs/hello.yaml", "--input", "Ana", "--approve-as", "owner", "--json"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.object()["output"]["approved_by"], "owner", "{run:?}");
    // The project is found from below, and keeps its runs to itself.
    let below = project.command(&["runs", "list", "--json"]).current_dir(project.path("greeter/specs")).output();
    assert_eq!(Answer::from(below.unwrap()).object()["runs"].as_array().unwrap().len(), 1);
    assert!(project.path("greeter/.kneo/kneo.db").exists());
    let manifest = std::fs::read_to_string(project.path("greeter/Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"greeter\"\n") && manifest.contains("kneo = { git = \"https://"), "{manifest}");
}

#[test]
fn an_empty_folder_becomes_a_project_under_its_name() {
    let project = Project::new();
    std::fs::create_dir(project.path("greeter")).unwrap();
    let new = |folder: &str| {
        let mut command = project.command(&["new", folder]);
        Answer::from(command.current_dir(project.path("greeter")).output().unwrap())
    };
    let answer = new(".");
    assert!(answer.code == 0 && answer.stdout.starts_with("made greeter with "), "{answer:?}");
    assert!(!answer.stdout.contains("cd ") && answer.stderr.contains("`--kneo FOLDER`"), "{answer:?}");
    let manifest = std::fs::read_to_string(project.path("greeter/Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"greeter\"\n"), "{manifest}");
    // It is empty no more; and what is above it has no name to give.
    assert!(new("./").stderr.starts_with("error[folder_not_empty]"));
    assert!(new("..").stderr.starts_with("error[project_name_invalid]: `..` cannot be"));
}

#[test]
fn a_project_is_made_nowhere_else() {
    let project = Project::new();
    std::fs::create_dir_all(project.path("cloned/.git")).unwrap();
    assert_eq!(project.kneo(&["new", "cloned"]).code, 0);
    std::fs::create_dir_all(project.path("full")).unwrap();
    std::fs::write(project.path("full/notes.txt"), "mine").unwrap();
    let (code, problem) = project.json(&["new", "full"]);
    assert_eq!((code, &problem["error"]["code"]), (1, &json!("folder_not_empty")));
    assert_eq!(std::fs::read_dir(project.path("full")).unwrap().count(), 1);
    for name in ["9lives", "a b", "tokio", "..", "a.b"] {
        let (code, problem) = project.json(&["new", name]);
        assert_eq!((code, &problem["error"]["code"]), (1, &json!("project_name_invalid")), "{name}");
    }
    let (code, problem) = project.json(&["new", "fresh", "--kneo", "full"]);
    assert_eq!((code, &problem["error"]["code"]), (4, &json!("file_not_found")));
    assert!(!project.path("fresh").exists());
}
