//! Whatever compiles reads only what is there: random graphs with branches, whose nodes read each other at random.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kneo::tool::value_function;
use kneo::{FailureKind, Outcome, Start, spec};
use kneo_tests::seed::{self, Rng};

use super::support::*;

/// A graph as it grows.
struct Graph {
    rng: Rng,
    nodes: Vec<Node>,
    edges: Vec<String>,
}

struct Node {
    fan: Option<String>,
    fallback: Option<usize>,
    reads: Vec<usize>,
}

/// A place where a part of the graph begins or ends.
type At = usize;

impl Graph {
    fn random(seed: u64) -> Graph {
        let mut graph = Graph { rng: Rng::new(seed), nodes: Vec::new(), edges: Vec::new() };
        graph.chain(0);
        if graph.rng.one_in(3) {
            graph.stray();
        }
        let nodes = graph.nodes.len() as u64;
        for at in 0..graph.nodes.len() {
            // Nodes come after those that lead to them, so that an earlier one may have been there.
            if graph.rng.one_in(4) {
                let below = if graph.rng.one_in(16) { nodes } else { at as u64 };
                let read = usize::try_from(graph.rng.below(below)).unwrap();
                graph.nodes[at].reads.push(read);
            }
            if graph.rng.one_in(12) {
                let to = usize::try_from(graph.rng.below(nodes)).unwrap();
                graph.nodes[at].fallback = Some(to).filter(|to| *to != at);
            }
        }
        graph
    }

    fn node(&mut self) -> At {
        self.nodes.push(Node { fan: None, fallback: None, reads: Vec::new() });
        self.nodes.len() - 1
    }

    /// Nodes one behind the other, some of them with branches between them and the next.
    fn chain(&mut self, depth: u32) -> (At, At) {
        let first = self.node();
        let mut last = first;
        let length = if depth == 0 { 1 + self.rng.below(3) } else { self.rng.below(2) };
        for _ in 0..length {
            let branches = if depth < 2 && !self.rng.one_in(3) { 1 + self.rng.below(3) } else { 0 };
            let parts: Vec<(At, At)> = (0..branches).map(|_| self.chain(depth + 1)).collect();
            let next = self.node();
            if parts.is_empty() {
                self.edge(last, next, false);
            } else {
                let join = match self.rng.below(4) {
                    0 => ", join: any".to_owned(),
                    1 => format!(", join: {{at_least: {}}}", 1 + self.rng.below(branches)),
                    _ => String::new(),
                };
                self.nodes[last].fan = Some(format!("route: all, join_at: n{next}{join}"));
                for (begin, end) in parts {
                    let asks = self.rng.one_in(3);
                    self.edge(last, begin, asks);
                    self.edge(end, next, false);
                }
            }
            last = next;
        }
        (first, last)
    }

    /// An edge that need not fit.
    fn stray(&mut self) {
        let nodes = self.nodes.len() as u64;
        let draw = |rng: &mut Rng| usize::try_from(rng.below(nodes)).unwrap();
        let (from, to) = (draw(&mut self.rng), draw(&mut self.rng));
        let at = self.rng.below(self.edges.len() as u64 + 1);
        let edge = self.written(from, to, true);
        self.edges.insert(usize::try_from(at).unwrap(), edge);
    }

    fn edge(&mut self, from: At, to: At, asks: bool) {
        let edge = self.written(from, to, asks);
        self.edges.push(edge);
    }

    fn written(&mut self, from: At, to: At, asks: bool) -> String {
        let when = match (asks, self.rng.below(3)) {
            (false, _) => "",
            (true, 0) => ", when: \"size(prev) > 1\"",
            (true, 1) => ", condition: {type: status_is, value: completed}",
            (true, _) => ", when: false",
        };
        format!("{{from: n{from}, to: n{to}{when}}}")
    }

    fn spec(&self) -> String {
        let mut text =
            "version: v1\nlimits: {max_steps: 60}\nworkflow:\n  type: graph\n  start: n0\n  nodes:\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let mut fields = String::new();
            for (place, read) in node.reads.iter().enumerate() {
                let _ = write!(fields, "r{place}: \"{{{{ steps.n{read}.status }}}}\", ");
            }
            let fan = node.fan.iter().map(|fan| format!(", {fan}")).collect::<String>();
            let fallback = node.fallback.map(|to| format!(", on_error: fallback, fallback_ref: n{to}"));
            let fallback = fallback.unwrap_or_default();
            let _ = writeln!(
                text,
                "    n{at}: {{kind: function, ref: {{implementation: work}}, input: {{{fields}at: {at}}}{fan}{fallback}}}"
            );
        }
        text.push_str("  edges:\n");
        for edge in &self.edges {
            let _ = writeln!(text, "    - {edge}");
        }
        text
    }
}

static COMPILED: AtomicU32 = AtomicU32::new(0);
static BRANCHED: AtomicU32 = AtomicU32::new(0);

#[test]
fn what_compiles_reads_only_what_is_there() {
    seed::each(600, |seed| {
        let graph = Graph::random(seed);
        let text = graph.spec();
        let Ok(plan) = spec::compile_str("random.yaml", &text) else { return };
        COMPILED.fetch_add(1, Ordering::Relaxed);
        if graph.nodes.iter().any(|node| node.fan.is_some()) {
            BRANCHED.fetch_add(1, Ordering::Relaxed);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            // Each call takes its own time, and some fail, so that branches finish in every order.
            let mut rng = Rng::new(seed.wrapping_add(7));
            let calls: Vec<(u64, bool)> = (0..64).map(|_| (rng.below(9), rng.one_in(5))).collect();
            let calls = std::sync::Mutex::new(calls);
            let work = value_function(move |value, _| {
                let (seconds, breaks) = calls.lock().unwrap().pop().unwrap_or((1, false));
                async move {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    if breaks { Err(kneo::tool::CallError::fatal("broken", "it is broken")) } else { Ok(value) }
                }
            });
            let harness = harness();
            let host = harness.builder().function("work", work).build().unwrap();
            let run = host.start(&plan, Start::new(json("1"))).await.unwrap();
            match run.wait().await.unwrap() {
                Outcome::Failed(failure) => {
                    assert_ne!(failure.kind, FailureKind::Expression, "{failure}\n{text}");
                }
                Outcome::Completed(_) => {}
                other => panic!("{other:?}\n{text}"),
            }
        });
    });
    let (compiled, branched) = (COMPILED.load(Ordering::Relaxed), BRANCHED.load(Ordering::Relaxed));
    println!("{compiled} graphs were run, {branched} of them with branches");
    // Unless one seed is asked for, there is something to see.
    assert!(compiled < 2 || branched > 100, "{compiled} {branched}");
}
