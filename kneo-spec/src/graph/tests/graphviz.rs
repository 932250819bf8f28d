//! Graphviz reads what is written for it, where it is installed.
#![expect(clippy::disallowed_types, reason = "Graphviz is a program")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::plans::any_plan;
use crate::graph::Graph;

#[test]
fn graphviz_draws_any_plan() {
    if Command::new("dot").arg("-V").stderr(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: Graphviz is not installed, nobody has read the drawings for it");
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
