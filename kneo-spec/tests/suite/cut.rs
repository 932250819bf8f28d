//! Texts that stop being YAML: what is said of the part before is true of the whole.

use std::collections::HashSet;

use kneo_spec::CompileOptions;
use kneo_spec::diagnostic::{Code, Diagnostics};

use super::golden::{run, specs};

/// What is said, and of which bytes.
fn said(diagnostics: &Diagnostics) -> HashSet<(&'static str, String, std::ops::Range<usize>)> {
    diagnostics.iter().map(|d| (d.code.as_str(), d.message.clone(), d.primary.span.range())).collect()
}

fn is_syntax(code: &str) -> bool {
    matches!(code, "E_YAML_SYNTAX" | "E_EXPR_NEEDS_QUOTES")
}

/// Every spec that there is, cut after every line by a quote that is never closed.
#[test]
fn a_cut_adds_nothing_to_what_was_wrong_before() {
    let pages = Code::ALL.iter().map(|code| (code.to_string(), code.page().wrong.to_owned()));
    let files = ["ok", "diagnostics"].into_iter().flat_map(specs);
    let files = files.map(|(name, path)| (name, std::fs::read_to_string(path).unwrap()));
    let mut kept = 0;
    for (name, text) in files.chain(pages) {
        let whole = said(&run(&name, &text, &CompileOptions::default()).1.diagnostics);
        let mut head = String::new();
        for line in text.split_inclusive('\n') {
            head.push_str(line);
            let cut = format!("{head}\"x");
            let found = said(&run(&name, &cut, &CompileOptions::default()).1.diagnostics);
            assert!(
                found.iter().any(|(code, ..)| is_syntax(code) || code.starts_with("E_YAML")),
                "{name}: no error:\n{cut}"
            );
            for (code, message, range) in found.iter().filter(|(code, ..)| !is_syntax(code)) {
                kept += 1;
                let known = whole.contains(&(*code, message.clone(), range.clone()));
                assert!(known, "{name}: only where it is cut: {code}: {message}\n{cut}");
            }
        }
    }
    assert!(kept > 1_000, "{kept}");
}
