//! The tree that every later stage reads.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use super::misread::REACH;
use super::text::Text;
use crate::source::{FileId, Span, boundary};

/// Names a node of one [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u32);

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The document of one source text.
///
/// An arena: a value that several aliases stand for is one node with several parents, so the tree
/// is in truth an acyclic graph. Walking it as a tree is safe: its size unfolded was counted
/// against the limits when it was read.
#[derive(Debug)]
pub(crate) struct Tree {
    file: FileId,
    source: Arc<str>,
    nodes: Vec<Node>,
    /// Mappings of which entries were left out and reported.
    partial: HashSet<NodeId>,
    /// Where the line begins in which the text stops being YAML.
    cut: Option<usize>,
    /// Lists and mappings that were open there.
    open: HashSet<NodeId>,
    root: Option<NodeId>,
    /// What an id that is not of this tree leads to.
    nothing: Node,
}

/// A value and its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What a node holds.
#[derive(Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>, Style),
    List(Vec<NodeId>),
    Map(Vec<Entry>),
    /// Something that could not be read and was reported.
    Error,
}

/// How text was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Block,
}

/// A key and its value, in author order.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: NodeId,
}

/// A key, always text.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: Arc<str>,
    pub(crate) span: Span,
}

impl Kind {
    /// Plain text.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.into(), Style::Plain)
    }

    /// The type in the words of the language, with an article.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Text(..) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
            Self::Error => "something unreadable",
        }
    }
}

impl Tree {
    pub(super) fn new(file: FileId, source: Arc<str>) -> Self {
        Self {
            file,
            source,
            nodes: Vec::new(),
            partial: HashSet::new(),
            cut: None,
            open: HashSet::new(),
            root: None,
            nothing: Node { span: Span::new(file, 0..0), kind: Kind::Error },
        }
    }

    pub(super) fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    pub(super) fn set_root(&mut self, root: NodeId) {
        self.root = Some(root);
    }

    /// Marks the node that was added last.
    pub(super) fn mark_partial(&mut self) {
        if let Some(last) = self.nodes.len().checked_sub(1).and_then(|last| u32::try_from(last).ok()) {
            self.partial.insert(NodeId(last));
        }
    }

    pub(super) fn cut_at(&mut self, offset: usize) {
        self.cut = Some(offset);
    }

    pub(super) fn mark_open(&mut self, id: NodeId) {
        self.partial.insert(id);
        self.open.insert(id);
    }

    /// Where the line begins in which the text stops being YAML, if it does.
    pub(crate) fn cut(&self) -> Option<usize> {
        self.cut
    }

    /// Whether the innermost mapping around a place was closed before the text stopped being YAML.
    pub(crate) fn is_closed_around(&self, span: Span) -> bool {
        let mut closed = false;
        let Some(mut at) = self.root else { return closed };
        loop {
            let next = match &self.node(at).kind {
                Kind::Map(entries) => {
                    closed = !self.open.contains(&at);
                    let before = entries.partition_point(|entry| entry.key.span.start() <= span.start());
                    before.checked_sub(1).and_then(|i| entries.get(i)).map(|entry| entry.value)
                }
                Kind::List(items) => self.item_at(items, span.start()).map(|(_, item)| item),
                Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(..) | Kind::Error => None,
            };
            match next.filter(|next| self.node(*next).span.range().contains(&span.start())) {
                Some(next) => at = next,
                None => return closed,
            }
        }
    }

    /// Whether a mapping has every entry that was written, so that what it lacks is missing.
    pub(crate) fn is_whole(&self, id: NodeId) -> bool {
        !self.partial.contains(&id)
    }

    /// The file the tree was read from.
    pub(crate) fn file(&self) -> FileId {
        self.file
    }

    /// The root value; `None` for an empty text.
    pub(crate) fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// The node with this id.
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.index()).unwrap_or(&self.nothing)
    }

    /// The source text a span of this file covers.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.source.get(span.range()).unwrap_or_default()
    }

    /// The rest of the line from an offset on, without its line break, or as much of it as an expression can reach.
    pub(crate) fn rest_of_line(&self, offset: usize) -> &str {
        let end = boundary(&self.source, offset.saturating_add(REACH));
        self.source.get(offset..end).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// A text node's text with the places of its characters; `None` for other nodes.
    pub(crate) fn text(&self, id: NodeId) -> Option<Text> {
        let node = self.node(id);
        match &node.kind {
            Kind::Text(text, style) => Some(Text::align(Arc::clone(text), *style, node.span, self.slice(node.span))),
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) | Kind::Error => {
                None
            }
        }
    }

    /// The place of a part of a value, found by a JSON pointer; the place of the last part that
    /// exists when the pointer leads nowhere.
    pub(crate) fn place_of_pointer(&self, from: NodeId, pointer: &str) -> Span {
        let mut at = from;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match &self.node(at).kind {
                Kind::Map(entries) => entries.iter().find(|entry| *entry.key.text == *part).map(|entry| entry.value),
                Kind::List(items) => part.parse::<usize>().ok().and_then(|i| items.get(i).copied()),
                Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(..) | Kind::Error => None,
            };
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        self.node(at).span
    }

    /// The item of a list that an offset lies in.
    fn item_at(&self, items: &[NodeId], offset: usize) -> Option<(usize, NodeId)> {
        /// A longer list is searched by halves, which finds no item that is behind an alias.
        const SHORT: usize = 1_000;
        let holds = |item: &NodeId| self.node(*item).span.range().contains(&offset);
        let index = if items.len() <= SHORT {
            items.iter().position(holds)?
        } else {
            items.partition_point(|item| self.node(*item).span.start() <= offset).checked_sub(1)?
        };
        items.get(index).copied().filter(holds).map(|item| (index, item))
    }

    /// The dotted spec path of a place, such as `workflow.steps[2].ref`; empty at the root.
    pub(crate) fn path_at(&self, span: Span) -> String {
        let mut path = String::new();
        let Some(mut at) = self.root.filter(|_| span.file() == self.file) else {
            return path;
        };
        let offset = span.start();
        loop {
            match &self.node(at).kind {
                Kind::Map(entries) => {
                    let before = entries.partition_point(|entry| entry.key.span.start() <= offset);
                    let Some(entry) = before.checked_sub(1).and_then(|i| entries.get(i)) else {
                        return path;
                    };
                    let value = self.node(entry.value).span;
                    if offset >= value.end().max(entry.key.span.end() + 1) {
                        return path;
                    }
                    push_key(&mut path, &entry.key.text);
                    if offset < value.start() {
                        return path;
                    }
                    at = entry.value;
                }
                Kind::List(items) => {
                    let Some((index, item)) = self.item_at(items, offset) else {
                        return path;
                    };
                    // Writing to a String cannot fail.
                    let _ = write!(path, "[{index}]");
                    at = item;
                }
                Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(..) | Kind::Error => {
                    return path;
                }
            }
        }
    }
}

fn push_key(path: &mut String, key: &str) {
    let simple = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if simple {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(path, "[{key:?}]");
    }
}
