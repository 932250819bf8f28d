//! Texts made to hurt: refused with a code of their own, and quickly.

use std::fmt::Write as _;

use kneo_spec::CompileOptions;
use kneo_spec::diagnostic::{TextStyle, to_text};

use super::golden::{in_time, run};

/// Compiles within the time that no spec may exceed, and gives the codes.
fn codes(text: &str) -> Vec<&'static str> {
    let compilation = in_time(text, || {
        let (sources, compilation) = run("hostile.yaml", text, &CompileOptions::default());
        drop(to_text(&compilation.diagnostics, &sources, TextStyle::Plain));
        compilation
    });
    compilation.diagnostics.iter().map(|d| d.code.as_str()).collect()
}

#[test]
fn alias_bombs_are_refused() {
    let mut laughs = String::from("version: v1\nx-0: &a0 [lol]\n");
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        writeln!(laughs, "x-{level}: &a{level} [{}]", vec![before; 9].join(", ")).unwrap();
    }
    assert_eq!(codes(&laughs), ["E_YAML_ALIAS_BOMB"]);

    let scalar = "x".repeat(100_000);
    let quadratic = format!("version: v1\nx-a: &a {scalar}\nx-b: [{}]\n", vec!["*a"; 20_000].join(", "));
    assert_eq!(codes(&quadratic), ["E_YAML_ALIAS_BOMB"]);
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let text = format!("version: v1\nx-a: {}1{}\n", open.repeat(10_000), close.repeat(10_000));
        assert_eq!(codes(&text), ["E_YAML_TOO_DEEP"], "{open}");
    }
    assert_eq!(codes(&format!("{}a", "? ".repeat(10_000))), ["E_YAML_TOO_DEEP"]);
    assert_eq!(codes(&"- ".repeat(10_000)), ["E_YAML_TOO_DEEP"]);
    let mut block = String::new();
    for level in 0..300 {
        writeln!(block, "{}a:", " ".repeat(level)).unwrap();
    }
    assert_eq!(codes(&block), ["E_YAML_TOO_DEEP"]);
    let aliases =
        format!("x-a: &a {}1{}\nx-b: {}*a{}\n", "[".repeat(40), "]".repeat(40), "[".repeat(40), "]".repeat(40));
    assert_eq!(codes(&aliases), ["E_YAML_TOO_DEEP"]);
}

#[test]
fn size_and_count_are_bounded() {
    assert_eq!(codes(&"#".repeat(9 * 1024 * 1024)), ["E_YAML_TOO_LARGE"]);
    assert_eq!(codes(&format!("x-a: [{}]", "1,".repeat(600_000))), ["E_YAML_TOO_MANY_NODES"]);
}

#[test]
fn control_characters_are_named() {
    assert_eq!(
        codes("version: v1\nname: \"a\0b\"\nworkflow: {type: sequential, steps: [{id: a, kind: set, set: {x: 1}}]}\n"),
        ["E_YAML_CONTROL_CHARACTER"]
    );
    assert!(codes("\0").contains(&"E_YAML_CONTROL_CHARACTER"));
    assert!(codes("version: v1\n\u{7f}\u{9b}31m: 1\n").contains(&"E_YAML_CONTROL_CHARACTER"));
}

#[test]
fn what_yaml_allows_and_we_do_not_has_a_code_of_its_own() {
    for (text, code) in [
        ("a: 1\n---\nb: 2\n", "E_YAML_SEVERAL_DOCUMENTS"),
        ("a: !!python/object/apply:os.system [ls]\n", "E_YAML_TAG"),
        ("a: !env HOME\n", "E_YAML_TAG"),
        ("a: !x!y z\n", "E_YAML_TAG"),
        ("a: &a [*a]\n", "E_YAML_ALIAS_CYCLE"),
        ("a: *b\n", "E_YAML_ALIAS_UNKNOWN"),
        ("<<: {a: 1}\n", "E_YAML_MERGE_KEY"),
        ("[1, 2]: a\n", "E_YAML_NON_STRING_KEY"),
        ("? {a: 1}\n: b\n", "E_YAML_NON_STRING_KEY"),
        ("null: a\n", "E_YAML_NON_STRING_KEY"),
        ("a: 1\na: 2\n", "E_YAML_DUPLICATE_KEY"),
        ("a: 1\n'a': 2\n", "E_YAML_DUPLICATE_KEY"),
        ("a: 9007199254740992\n", "E_YAML_INTEGER_RANGE"),
        ("a: .nan\n", "E_YAML_NUMBER_NOT_FINITE"),
        ("a: [1, 2\n", "E_YAML_SYNTAX"),
        ("a:\n\t- b\n", "E_YAML_SYNTAX"),
    ] {
        let found = codes(text);
        let yaml: Vec<_> = found.iter().filter(|code| code.starts_with("E_YAML")).collect();
        assert_eq!(yaml, [&code], "{text} gives {found:?}");
    }
}

#[test]
fn nothing_at_all_is_no_spec() {
    for text in ["", " ", "\n\n", "# only a comment\n", "---\n", "null", "~"] {
        assert_eq!(codes(text), ["E_VERSION"], "{text:?}");
    }
    for text in ["[]", "text", "1", "true"] {
        assert_eq!(codes(text), ["E_WRONG_TYPE"], "{text:?}");
    }
}

/// Large graphs of every unpleasant kind stay linear enough.
#[test]
fn large_workflows_are_quick() {
    let mut chain = String::from("version: v1\nworkflow:\n  type: sequential\n  steps:\n");
    for at in 0..20_000 {
        writeln!(chain, "    - {{id: s{at}, kind: set, set: {{x: {at}}}}}").unwrap();
    }
    assert_eq!(codes(&chain), Vec::<&str>::new());

    let mut ladder = String::from("version: v1\nworkflow:\n  type: graph\n  start: n0\n  max_steps: 9\n  nodes:\n");
    for at in 0..5_000 {
        writeln!(ladder, "    n{at}: {{kind: set, set: {{x: 1}}}}").unwrap();
    }
    ladder.push_str("  edges:\n");
    for at in 0..4_999 {
        writeln!(ladder, "    - {{from: n{at}, to: n{}, condition: {{type: output_contains, value: a}}}}", at + 1)
            .unwrap();
        writeln!(ladder, "    - {{from: n{}, to: n{at}, condition: {{type: output_contains, value: b}}}}", at + 1)
            .unwrap();
        writeln!(ladder, "    - {{from: n{at}, to: n{}}}", 4_999 - at).unwrap();
    }
    let found = codes(&ladder);
    assert!(found.iter().all(|code| code.starts_with("W_")), "{found:?}");
}

/// A text with a hundred thousand mistakes gives a bounded report.
#[test]
fn mistakes_are_counted_beyond_a_thousand() {
    let mut text = String::from("version: v1\n");
    for at in 0..50_000 {
        writeln!(text, "unknown{at}: 1").unwrap();
    }
    let (_, compilation) = run("many.yaml", &text, &CompileOptions::default());
    assert_eq!(compilation.diagnostics.len(), 1_000);
    assert_eq!(compilation.diagnostics.omitted(), 49_001);
    codes(&text);
    let wide = format!("version: v1\n{}", "{a: 1, b: [1, [1, [1, ") + &"x,".repeat(400_000);
    codes(&wide);
}
