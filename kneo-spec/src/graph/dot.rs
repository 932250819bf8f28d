//! Graphs in the language of Graphviz.

use std::fmt::Write as _;

use super::{Edge, EdgeKind, End, FrameId, Graph, Node, NodeId, NodeKind};

pub(super) fn draw(graph: &Graph) -> String {
    let mut drawing = Drawing { graph, depth: 1, out: String::new() };
    // Writing to a String cannot fail.
    let _ = writeln!(drawing.out, "digraph \"{}\" {{", escape(&graph.name));
    drawing.line("compound=true");
    drawing.line("graph [fontname=\"Helvetica\", fontsize=12, nodesep=0.4, ranksep=0.5]");
    drawing.line("node [fontname=\"Helvetica\", fontsize=11, shape=box, style=filled]");
    drawing.line("edge [fontname=\"Helvetica\", fontsize=10, color=\"#4b5563\"]");
    let apart = graph.frames.iter().enumerate().filter(|(_, frame)| frame.of.is_none());
    for (at, _) in apart {
        drawing.frame(FrameId(at), None);
    }
    for edge in &graph.edges {
        drawing.edge(edge);
    }
    drawing.out.push_str("}\n");
    drawing.out
}

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

    fn frame(&mut self, at: FrameId, of: Option<(NodeId, &Node)>) {
        let Some(frame) = self.graph.frame(at) else { return };
        let mut lines = match of {
            Some((_, node)) => lines(node),
            None => vec![frame.name.short()],
        };
        lines.extend(frame.lines());
        self.line(&format!("subgraph cluster_{} {{", at.0));
        self.depth = self.depth.saturating_add(1);
        self.line(&format!("label=\"{}\"", label(&lines)));
        self.line("style=\"rounded,filled\" color=\"#6d28d9\" fillcolor=\"#8b5cf614\"");
        if let Some((_, node)) = of {
            self.line(&format!("tooltip=\"{}\"", escape(&node.told())));
        }
        for (id, node) in self.graph.nodes_in(at) {
            self.node(id, node);
        }
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }

    fn node(&mut self, at: NodeId, node: &Node) {
        let look = match node.kind {
            NodeKind::Workflow(Some(frame)) => return self.frame(frame, Some((at, node))),
            NodeKind::Workflow(None) => "shape=component, fillcolor=\"#ede9fe\", color=\"#6d28d9\"",
            NodeKind::Agent => "style=\"filled,rounded\", fillcolor=\"#dbeafe\", color=\"#1d4ed8\"",
            NodeKind::Function => "fillcolor=\"#f3f4f6\", color=\"#4b5563\"",
            NodeKind::Human => "shape=hexagon, fillcolor=\"#fef3c7\", color=\"#b45309\", penwidth=2",
            NodeKind::Set => "shape=parallelogram, fillcolor=\"#ecfdf5\", color=\"#047857\"",
            NodeKind::Start => "shape=circle, fillcolor=\"#111827\", fontcolor=\"#f9fafb\"",
            NodeKind::End => "shape=doublecircle, fillcolor=\"#111827\", fontcolor=\"#f9fafb\"",
            NodeKind::Fork | NodeKind::Join => "fillcolor=\"#111827\", fontcolor=\"#f9fafb\"",
        };
        let (label, told) = (label(&lines(node)), escape(&node.told()));
        self.line(&format!("n{} [label=\"{label}\", tooltip=\"{told}\", {look}]", at.0));
    }

    fn edge(&mut self, edge: &Edge) {
        let (from, tail) = self.anchor(End::Node(edge.from), Side::Below);
        let (to, head) = self.anchor(edge.to, Side::Above);
        let mut looks = Vec::new();
        let (words, told) = (edge.words(), edge.told());
        if !words.is_empty() {
            looks.push(format!("label=\"{}\", tooltip=\"{}\"", escape(&words), escape(&told)));
        }
        looks.extend(tail.map(|frame| format!("ltail=cluster_{}", frame.0)));
        looks.extend(head.map(|frame| format!("lhead=cluster_{}", frame.0)));
        match edge.kind {
            EdgeKind::Flow => {}
            EdgeKind::Fallback => looks.push("style=dashed, color=\"#b91c1c\"".to_owned()),
            EdgeKind::Bound => looks.push("style=dashed, color=\"#b45309\"".to_owned()),
            EdgeKind::Runs => looks.push("style=dotted, arrowhead=none, color=\"#6d28d9\"".to_owned()),
        }
        if edge.back {
            looks.push("penwidth=2, color=\"#c2410c\", constraint=false".to_owned());
        }
        let looks = if looks.is_empty() { String::new() } else { format!(" [{}]", looks.join(", ")) };
        self.line(&format!("n{} -> n{}{looks}", from.0, to.0));
    }

    /// The node that an edge ends at, and the frame at whose border it is cut: Graphviz joins nodes only.
    fn anchor(&self, end: End, side: Side) -> (NodeId, Option<FrameId>) {
        let frame = match end {
            End::Node(at) => match self.graph.node(at).map(|node| node.kind) {
                Some(NodeKind::Workflow(Some(frame))) => frame,
                _ => return (at, None),
            },
            End::Frame(frame) => frame,
        };
        let is_framed = |node: &Node| matches!(node.kind, NodeKind::Workflow(Some(_)));
        let mut nodes = self.graph.nodes_in(frame).filter(|(_, node)| !is_framed(node)).map(|(at, _)| at);
        // The first node of each frame is the mark of its start.
        let node = match side {
            Side::Above => nodes.next(),
            Side::Below => nodes.last(),
        };
        (node.unwrap_or(NodeId(0)), Some(frame))
    }
}

/// At which side of a frame an edge ends.
#[derive(Clone, Copy)]
enum Side {
    Above,
    Below,
}

fn lines(node: &Node) -> Vec<String> {
    std::iter::once(node.title.short()).chain(node.lines()).collect()
}

fn label(lines: &[String]) -> String {
    lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\\n")
}

/// Text inside double quotes: `\` begins what Graphviz reads.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // Graphviz reads entities.
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}
