//! The text forms: each node and each edge once, whatever the names are.

use kneo_core::plan::{self, Node, NodeIx, Scope, ScopeIx, ScopeKind, StepPolicy};
use proptest::prelude::*;

use super::plans::{any_plan, empty};
use crate::graph::{End, Graph, NodeKind};

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn mermaid_and_dot_draw_each_node_and_each_edge(plan in any_plan()) {
        let graph = Graph::of(&plan);
        let (mermaid, dot) = (graph.mermaid(), graph.dot());
        let lines = |text: &str, is: &dyn Fn(&str) -> bool| text.lines().filter(|line| is(line.trim())).count();
        for (at, node) in graph.nodes().iter().enumerate() {
            let (in_mermaid, in_dot) = match node.kind {
                NodeKind::Workflow(Some(frame)) => {
                    (format!("subgraph w{}[", frame.index()), format!("subgraph cluster_{} {{", frame.index()))
                }
                _ => (format!("n{at}"), format!("n{at} [label=")),
            };
            let opens = |line: &str| {
                line.strip_prefix(&in_mermaid).is_some_and(|rest| in_mermaid.ends_with('[') || rest.starts_with(['[', '(', '{']))
            };
            prop_assert_eq!(lines(&mermaid, &opens), 1, "{}\n{}", in_mermaid, mermaid);
            prop_assert_eq!(lines(&dot, &|line| line.starts_with(&in_dot)), 1, "{}\n{}", in_dot, dot);
        }
        let links = ["-->", "==>", ".->", "-.->", "-.-", ".-"];
        let ends = |line: &str| {
            let mut words = line.split(' ');
            let (from, to) = (words.next().unwrap_or(""), words.next_back().unwrap_or(""));
            let is = |word: &str| word.starts_with(['n', 'w']) && word.len() > 1 && word[1..].chars().all(|c| c.is_ascii_digit());
            is(from) && is(to) && links.iter().any(|link| line.contains(link))
        };
        prop_assert_eq!(lines(&mermaid, &ends), graph.edges().len(), "{}", mermaid);
        prop_assert_eq!(lines(&dot, &|line| line.split(" -> ").nth(1).is_some_and(|rest| rest.starts_with('n'))), graph.edges().len());
        for edge in &graph.edges {
            if let End::Frame(frame) = edge.to {
                let cut = format!("lhead=cluster_{}", frame.index());
                prop_assert!(dot.contains(&cut));
            }
        }
        // In quotes, nothing is read: no quote of an author ends them.
        for line in mermaid.lines().filter(|line| !line.starts_with("  classDef")) {
            prop_assert!(line.matches('"').count() <= 2, "{}", line);
        }
        for line in dot.lines() {
            prop_assert_eq!(line.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2, 0, "{}", line);
        }
    }
}

/// Workflows in workflows, far deeper than a spec may nest them, end no stack: every so often a frame stands by itself.
#[test]
fn workflows_nest_as_deep_as_they_like() {
    let mut plan = empty("deep");
    let scopes = 1_000;
    for at in 0..scopes {
        let first = NodeIx::new(at);
        plan.scopes.push(Scope {
            name: "deep".parse().unwrap(),
            kind: ScopeKind::Sequential,
            start: first,
            first,
            len: 1,
            max_steps: None,
        });
        let kind = match at + 1 < scopes {
            true => plan::NodeKind::Workflow(ScopeIx::new(at + 1)),
            false => plan::NodeKind::Set(Vec::new()),
        };
        plan.nodes.push(Node {
            id: format!("level {at}").parse().unwrap(),
            scope: ScopeIx::new(at),
            when: None,
            input: None,
            output: None,
            idempotency_key: None,
            policy: StepPolicy::default(),
            kind,
            out: Vec::new(),
        });
    }
    let graph = Graph::of(&plan);
    let apart = graph.frames().iter().filter(|frame| frame.of.is_none()).count();
    assert!(apart > 1 && apart < 100, "{apart}");
    for drawing in [graph.mermaid(), graph.dot(), graph.svg()] {
        assert!(drawing.contains("level 999"));
    }
}
