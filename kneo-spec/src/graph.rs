//! Plans as pictures: one model, and the forms that it is written in.
//!
//! [`Graph::of`] says what there is to see in a plan, in words and shapes that no form adds to or takes from:
//! [`Graph::mermaid`], [`Graph::dot`] and [`Graph::svg`] draw the same nodes, edges and frames.
//!
//! ```
//! use kneo_spec::graph::Graph;
//!
//! let plan = kneo_spec::compile_str("hello.yaml", "
//! version: v1
//! workflow:
//!   type: sequential
//!   steps:
//!     - {id: hello, kind: set, set: {greeting: hello}}
//! ")?;
//! let graph = Graph::of(plan.plan());
//! assert!(graph.mermaid().starts_with("flowchart TD\n"));
//! assert!(graph.dot().starts_with("digraph \"workflow\" {\n"));
//! # Ok::<(), kneo_spec::CompileError>(())
//! ```

mod back;
mod build;
mod dot;
mod expression;
mod frames;
mod mermaid;
mod reach;
mod svg;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use kneo_core::plan::{NodeIx, Plan, ScopeIx, ScopeKind};

/// What there is to see in a plan.
///
/// Every step of the plan is one node. A step that runs a workflow is a node with a frame around the nodes of that
/// workflow, unless others refer to the workflow too: then the frame stands by itself, and all that refer to it lead
/// there. Marks that are no steps show where a workflow starts and ends and where branches join.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Graph {
    name: String,
    frames: Vec<Frame>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

/// The place of a frame in its graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FrameId(usize);

/// The place of a node in its graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(usize);

impl FrameId {
    /// The offset into [`Graph::frames`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl NodeId {
    /// The offset into [`Graph::nodes`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// A workflow: what its nodes stand in.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Frame {
    /// The workflow.
    pub scope: ScopeIx,
    /// Its name; of the root workflow that of the plan.
    pub name: Label,
    /// The author's word for it.
    pub kind: ScopeKind,
    /// Whether it is nothing but an agent, of which it has the name: one that others ask as a tool.
    pub is_agent: bool,
    /// The step whose place it takes, in the frame of that step; `None` stands by itself.
    pub of: Option<NodeId>,
    /// What else is to be known of it, a line each.
    pub notes: Vec<Label>,
}

/// A step, or a mark.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Node {
    /// The frame that it stands in.
    pub frame: FrameId,
    /// What it is.
    pub kind: NodeKind,
    /// The step; `None` for a mark. A fork is a step, and the mark where its branches join is none.
    pub step: Option<NodeIx>,
    /// The step's name, or the mark in a word.
    pub title: Label,
    /// What it is, with the name of what it refers to: `agent writer`. Empty for a mark.
    pub what: Label,
    /// What else is to be known of it, a line each: its condition, tools, approvals, attempts.
    pub notes: Vec<Label>,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NodeKind {
    /// Where a workflow starts.
    Start,
    /// Where a workflow ends.
    End,
    /// Where branches start.
    Fork,
    /// Where branches join.
    Join,
    /// An agent is asked.
    Agent,
    /// A function is called.
    Function,
    /// A person is asked.
    Human,
    /// A workflow runs. With a frame, the node is that frame: edges lead to it and from it.
    Workflow(Option<FrameId>),
    /// Values are computed.
    Set,
}

/// A way from one node to another.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Edge {
    /// Where it begins.
    pub from: NodeId,
    /// Where it leads.
    pub to: End,
    /// Why.
    pub kind: EdgeKind,
    /// Whether it leads back to where the flow has been: a loop.
    pub back: bool,
    /// Its condition, or what else there is to say; may be empty.
    pub label: Label,
    /// How often it is taken, and what happens then; empty if it has no bound.
    pub bound: Label,
}

/// Where an edge leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum End {
    /// To a node.
    Node(NodeId),
    /// To a frame that stands by itself.
    Frame(FrameId),
}

/// Why an edge is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum EdgeKind {
    /// The flow goes on there.
    Flow,
    /// A node runs in the place of one that failed.
    Fallback,
    /// The flow goes on there once a bound is reached.
    Bound,
    /// The workflow that runs.
    Runs,
}

/// Text of an author or about a step: on one line, without characters that are not seen.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Label(String);

/// Longer labels are cut where they are seen: a picture is for the shape of things.
const LONGEST: usize = 72;

/// The most notes of a node that are seen; what cannot be seen there is counted.
const MOST_NOTES: usize = 10;

impl Label {
    /// A label of a text: white space is one space, and what is not seen is a blank.
    #[must_use]
    pub fn new(text: &str) -> Label {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let c = if is_unseen(c) { ' ' } else { c };
            if c != ' ' || !out.ends_with(' ') {
                out.push(c);
            }
        }
        Label(out.trim().to_owned())
    }

    /// The whole text.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.0
    }

    /// The text, cut to what a picture has room for: at most 72 characters.
    #[must_use]
    pub fn short(&self) -> String {
        match self.0.char_indices().nth(LONGEST) {
            Some(_) => {
                let kept: String = self.0.chars().take(LONGEST.saturating_sub(1)).collect();
                format!("{}…", kept.trim_end())
            }
            None => self.0.clone(),
        }
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a character has no shape of its own, or changes the direction of those around it.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        // What XML does not have.
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Frame {
    /// The lines below the name, cut to what a picture has room for.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let kind = if self.is_agent { Some("agent") } else { words::kind(self.kind) }.map(str::to_owned);
        kind.into_iter().chain(self.notes.iter().map(Label::short)).collect()
    }
}

impl Node {
    /// The lines below the title as far as they are seen, cut to what a picture has room for.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let what = Some(&self.what).filter(|what| !what.is_empty());
        let mut lines: Vec<String> = what.into_iter().chain(&self.notes).map(Label::short).collect();
        let more = lines.len().saturating_sub(MOST_NOTES);
        if more > 1 {
            lines.truncate(MOST_NOTES);
            lines.push(format!("and {more} more"));
        }
        lines
    }

    /// Everything that the node says, a line each.
    #[must_use]
    pub fn told(&self) -> String {
        let lines = [&self.title, &self.what].into_iter().chain(&self.notes);
        lines.filter(|line| !line.is_empty()).map(Label::full).collect::<Vec<_>>().join("\n")
    }
}

impl Edge {
    /// Its words, cut to what a picture has room for; the bound is never cut off.
    #[must_use]
    pub fn words(&self) -> String {
        self.joined(Label::short)
    }

    /// All of its words.
    #[must_use]
    pub fn told(&self) -> String {
        self.joined(|label| label.full().to_owned())
    }

    fn joined(&self, text: impl Fn(&Label) -> String) -> String {
        let parts = [&self.label, &self.bound].into_iter().filter(|label| !label.is_empty());
        parts.map(text).collect::<Vec<_>>().join(", ")
    }
}

impl Graph {
    /// What there is to see in a plan. Never fails: of an index that leads nowhere, nothing is seen.
    #[must_use]
    pub fn of(plan: &Plan) -> Graph {
        build::graph(plan)
    }

    /// The name of the plan's workflow.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The frames: first that of the root workflow, then the others in the order of the plan.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// A frame.
    #[must_use]
    pub fn frame(&self, at: FrameId) -> Option<&Frame> {
        self.frames.get(at.0)
    }

    /// The nodes; those of a frame in the order of the plan.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node.
    #[must_use]
    pub fn node(&self, at: NodeId) -> Option<&Node> {
        self.nodes.get(at.0)
    }

    /// The nodes of a frame, with their places.
    pub fn nodes_in(&self, frame: FrameId) -> impl Iterator<Item = (NodeId, &Node)> {
        let all = self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at), node));
        all.filter(move |(_, node)| node.frame == frame)
    }

    /// The edges; those that leave a node in the order in which they are tried.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The graph as a Mermaid flowchart.
    #[must_use]
    pub fn mermaid(&self) -> String {
        mermaid::draw(self)
    }

    /// The graph in the language of Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        dot::draw(self)
    }

    /// The graph as a picture: an SVG document that needs nothing else.
    ///
    /// Reads on light and dark pages, has no script and loads nothing. Every node is a `<g class="node">` and every edge
    /// a `<g class="edge">` with a `<title>` that says all of it. The same graph gives the same bytes.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::draw(self)
    }
}
