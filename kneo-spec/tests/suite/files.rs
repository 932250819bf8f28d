//! Specs in files.

use kneo_spec::loader::LoadErrorKind;
use kneo_spec::{CompileError, compile_file};

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn load_error(path: &std::path::Path) -> (&'static str, String) {
    match compile_file(path).unwrap_err() {
        CompileError::Load(error) => (error.code(), error.to_string()),
        other => panic!("{other}"),
    }
}

#[test]
fn a_file_compiles() {
    let path = folder("good").join("flow.yaml");
    std::fs::write(&path, "version: v1\nworkflow: {type: sequential, steps: [{id: a, kind: set, set: {x: 1}}]}\n")
        .unwrap();
    assert_eq!(compile_file(&path).unwrap().plan().nodes.len(), 1);
}

#[test]
fn what_cannot_be_read_says_why_and_what_to_do() {
    let folder = folder("bad");
    let missing = folder.join("missing.yaml");
    let (code, text) = load_error(&missing);
    assert_eq!(code, "file_not_found");
    assert!(text.contains("missing.yaml") && text.contains("check the path"), "{text}");

    assert_eq!(load_error(&folder).0, "file_unreadable");

    let binary = folder.join("binary.yaml");
    std::fs::write(&binary, [b'a', b':', b' ', 0xff, 0xfe]).unwrap();
    let (code, text) = load_error(&binary);
    assert_eq!(code, "file_not_utf8");
    assert!(text.contains("at byte 3"), "{text}");

    let large = folder.join("large.yaml");
    std::fs::File::create(&large).unwrap().set_len(9 * 1024 * 1024).unwrap();
    assert_eq!(load_error(&large).0, "file_too_large");
}

#[test]
fn the_error_prints_the_report() {
    let path = folder("wrong").join("flow.yaml");
    std::fs::write(&path, "version: v1\nworkflaw: {}\n").unwrap();
    let error = compile_file(&path).unwrap_err();
    assert_eq!(error.code(), "spec_invalid");
    let text = error.to_string();
    assert!(text.contains("flow.yaml:2:1"), "{text}");
    assert!(text.contains("did you mean `workflow`?"), "{text}");
    let CompileError::Invalid(report) = error else { panic!("{text}") };
    assert_eq!(report.diagnostics.len(), 2);
    assert!(!matches!(LoadErrorKind::NotFound, LoadErrorKind::TooLarge { .. }));
}
