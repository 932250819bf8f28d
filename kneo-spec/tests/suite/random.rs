//! Random texts: never a panic, never long.

use proptest::prelude::*;

use kneo_spec::CompileOptions;
use kneo_spec::diagnostic::{TextStyle, to_json, to_text};

use super::golden::{in_time, run};

/// Pieces of which random texts are made; most of them mean something to the reader.
const PIECES: &[&str] = &[
    "version: v1\n",
    "workflow:\n",
    "  type: ",
    "sequential",
    "graph",
    "concurrent",
    "\n",
    " ",
    "  ",
    "    ",
    "- ",
    "id: ",
    "kind: ",
    "set: ",
    "steps: ",
    "nodes: ",
    "edges: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "\"",
    "'",
    "{{ ",
    " }}",
    "|\n",
    ">\n",
    "&a ",
    "*a",
    "!!str ",
    "!x ",
    "? ",
    "<<: ",
    "#",
    "---\n",
    "...\n",
    "null",
    "true",
    "1",
    "-1.5e3",
    ".inf",
    "9007199254740993",
    "\u{7}",
    "\t",
    "\r\n",
    "größe",
    "値",
    "𝄞",
    "\u{feff}",
    "\\",
    "%YAML 1.2\n",
    "when: ",
    "x-",
    "agent:",
    "\u{2028}",
    "`",
    "@",
    "from: a",
    "route: all",
    "join_at: ",
    "at_least: ",
    "fallback_only: true",
    "output_schema: ",
    "tests:\n",
    "expect: ",
    "mcp_servers:\n",
    "transport: stdio",
    "agent: a",
    "to: b",
];

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

fn survives(text: &str) {
    let (sources, compilation, report) = in_time(text, || {
        let (sources, compilation) = run("random.yaml", text, &CompileOptions::default());
        drop(to_json(&compilation.diagnostics, &sources));
        let report = to_text(&compilation.diagnostics, &sources, TextStyle::Coloured);
        (sources, compilation, report)
    });
    assert_eq!(report.is_empty(), compilation.diagnostics.is_empty());
    let file = sources.files().next().unwrap();
    for diagnostic in &compilation.diagnostics {
        let labels = std::iter::once(&diagnostic.primary).chain(&diagnostic.labels);
        for label in labels {
            let range = label.span.range();
            assert!(file.text().get(range.clone()).is_some(), "{range:?} is no part of {text:?}: {diagnostic:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_pieces_survive(text in text()) {
        survives(&text);
    }

    #[test]
    fn random_characters_survive(text in "\\PC{0,200}") {
        survives(&text);
    }
}
