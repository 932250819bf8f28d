//! The text forms: each node and each edge once, whatever the names are.

use proptest::prelude::*;

use super::plans::any_plan;
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
