//! Graphviz reads what is written for it, where it is installed.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "Graphviz is a program, and the environment says whether it must be there"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::plans::any_plan;
use crate::graph::Graph;

/// Whether Graphviz is installed. Where tests in front of missing programs are to fail, this one does; else it is said
/// past the test harness, which keeps what a passing test prints to itself.
fn is_there() -> bool {
    if Command::new("dot").arg("-V").stderr(Stdio::null()).status().is_ok() {
        return true;
    }
    let required = std::env::var_os("KNEO_REQUIRE_WIRE").is_some_and(|value| !value.is_empty());
    assert!(!required, "Graphviz is not installed, and KNEO_REQUIRE_WIRE is set");
    // Nobody is left to tell if this cannot be written.
    let said = b"\nSKIPPED: Graphviz is not installed: nobody reads the drawings that are written for it\n";
    let _ = std::io::stderr().write_all(said);
    false
}

#[test]
fn graphviz_draws_any_plan() {
    if !is_there() {
        return;
    }
    let mut runner = TestRunner::deterministic();
    for _ in 0..24 {
        let plan = any_plan().new_tree(&mut runner).unwrap().current();
        let drawing = Graph::of(&plan).dot();
        let mut dot = Command::new("dot")
            .arg("-Tplain")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        dot.stdin.take().unwrap().write_all(drawing.as_bytes()).unwrap();
        let answer = dot.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&answer.stderr).into_owned();
        // Fonts that are not there are no matter.
        let syntax = complaint.lines().any(|line| line.contains("syntax") || line.starts_with("Error"));
        assert!(answer.status.success() && !syntax, "{complaint}\n{drawing}");
        let graph = Graph::of(&plan);
        let lines = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert_eq!(lines.lines().filter(|line| line.starts_with("edge ")).count(), graph.edges().len(), "{drawing}");
    }
}
