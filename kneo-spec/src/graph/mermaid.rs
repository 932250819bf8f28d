//! Graphs as Mermaid flowcharts.
//!
//! Kinds by shape (agent: rounded, function: box, human: hexagon, workflow: frame or double-sided box, set: slanted),
//! ways back thick, ways that something out of the ordinary opens dotted.

use std::fmt::Write as _;

use super::{Edge, EdgeKind, End, FrameId, Graph, Node, NodeId, NodeKind};

pub(super) fn draw(graph: &Graph) -> String {
    let mut drawing = Drawing { graph, depth: 1, out: String::from("flowchart TD\n") };
    let apart = graph.frames.iter().enumerate().filter(|(_, frame)| frame.of.is_none());
    for (at, _) in apart {
        drawing.frame(FrameId(at), None);
    }
    for edge in &graph.edges {
        drawing.edge(edge);
    }
    drawing.out.push_str(CLASSES);
    drawing.out
}

/// Colours that read on light and dark pages; shapes alone tell the kinds apart too.
const CLASSES: &str = "  classDef agent fill:#dbeafe,stroke:#1d4ed8,color:#111827
  classDef function fill:#f3f4f6,stroke:#4b5563,color:#111827
  classDef human fill:#fef3c7,stroke:#b45309,stroke-width:3px,color:#111827
  classDef workflow fill:#ede9fe,stroke:#6d28d9,color:#111827
  classDef set fill:#ecfdf5,stroke:#047857,color:#111827
  classDef mark fill:#111827,stroke:#111827,color:#f9fafb
";

struct Drawing<'a> {
    graph: &'a Graph,
    depth: usize,
    out: String,
}

impl Drawing<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(&"  ".repeat(self.depth));
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// A frame with all that stands in it; one in the place of a step has the step's words.
    fn frame(&mut self, at: FrameId, of: Option<&Node>) {
        let Some(frame) = self.graph.frame(at) else { return };
        // Mermaid has room for one line there.
        let title = of.map_or(&frame.name, |node| &node.title);
        let lines = of.map(Node::lines).unwrap_or_default().into_iter().chain(frame.lines());
        let lines: String = lines.map(|line| format!(" · {}", escape(&line))).collect();
        self.line(&format!("subgraph w{}[\"<b>{}</b>{lines}\"]", at.0, escape(&title.short())));
        self.depth = self.depth.saturating_add(1);
        self.line("direction TB");
        for (id, node) in self.graph.nodes_in(at) {
            self.node(id, node);
        }
        self.depth = self.depth.saturating_sub(1);
        self.line("end");
    }

    fn node(&mut self, at: NodeId, node: &Node) {
        let (open, close, class) = match node.kind {
            NodeKind::Workflow(Some(frame)) => return self.frame(frame, Some(node)),
            NodeKind::Workflow(None) => ("[[", "]]", "workflow"),
            NodeKind::Agent => ("([", "])", "agent"),
            NodeKind::Function => ("[", "]", "function"),
            NodeKind::Human => ("{{", "}}", "human"),
            NodeKind::Set => ("[/", "/]", "set"),
            NodeKind::Start | NodeKind::End => ("((", "))", "mark"),
            NodeKind::Fork | NodeKind::Join => ("[", "]", "mark"),
        };
        self.line(&format!("n{}{open}\"{}\"{close}:::{class}", at.0, words(node)));
    }

    fn edge(&mut self, edge: &Edge) {
        let (plain, open, close) = match (edge.kind, edge.back) {
            (EdgeKind::Flow, false) => ("-->", "-->|", "|"),
            (EdgeKind::Flow, true) => ("==>", "==>|", "|"),
            (EdgeKind::Fallback | EdgeKind::Bound, _) => ("-.->", "-. ", " .->"),
            (EdgeKind::Runs, _) => ("-.-", "-. ", " .-"),
        };
        let to = match edge.to {
            End::Node(to) => self.name(to),
            End::Frame(frame) => format!("w{}", frame.0),
        };
        let from = self.name(edge.from);
        let label = escape(&edge.words());
        self.line(&match label.is_empty() {
            true => format!("{from} {plain} {to}"),
            false => format!("{from} {open}\"{label}\"{close} {to}"),
        });
    }

    fn name(&self, at: NodeId) -> String {
        match self.graph.node(at).map(|node| node.kind) {
            Some(NodeKind::Workflow(Some(frame))) => format!("w{}", frame.0),
            _ => format!("n{}", at.0),
        }
    }
}

fn words(node: &Node) -> String {
    let mut label = match node.kind {
        NodeKind::Start | NodeKind::End => escape(&node.title.short()),
        _ => format!("<b>{}</b>", escape(&node.title.short())),
    };
    for line in node.lines() {
        // Writing to a String cannot fail.
        let _ = write!(label, "<br/>{}", escape(&line));
    }
    label
}

/// Text inside a quoted Mermaid label, without what Mermaid reads.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '|' | '`' | '{' | '}' | ';' | '\\' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
