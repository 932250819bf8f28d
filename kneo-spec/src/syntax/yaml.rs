//! Reads YAML events into a [`Tree`].
//!
//! An explicit stack, no recursion: depth is a limit, not a crash. Aliases are shared nodes, and
//! what they would unfold to is counted while reading.

mod cut;
mod limit;
mod refuse;
mod value;

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, StructureStyle};

use super::control::without_control_characters;
use super::limits::Limits;
use super::misread;
use super::tree::{Entry, Key, Kind, Node, NodeId, Tree};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick};
use crate::source::{SourceFile, Span};

/// Reads a source text.
///
/// Gives no tree when the text is larger than it may be. What was read before a syntax error is a tree that was cut.
pub(crate) fn parse(file: &SourceFile, limits: Limits, sink: &mut Diagnostics) -> Option<Tree> {
    if file.text().len() > limits.bytes {
        sink.push(
            Diagnostic::new(
                Code::YamlTooLarge,
                Span::new(file.id(), 0..0),
                format!("the spec has {} bytes", file.text().len()),
            )
            .help(format!("a spec has at most {} bytes; move data into files that steps read", limits.bytes)),
        );
        return None;
    }
    let text = without_control_characters(file, sink);
    let options = granit_parser::options! {
        strict_indentation: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        // One more than allowed, so that the reader's own check speaks first.
        flow_nesting_limit: limits.depth + 1,
        block_nesting_limit: limits.depth + 1,
    };
    let mut reader = Reader {
        file,
        limits,
        sink,
        tree: Tree::new(file.id(), file.text().into()),
        stack: Vec::new(),
        anchors: HashMap::new(),
        sizes: Vec::new(),
        total: Size::default(),
        documents: 0,
    };
    for event in Parser::new_from_str_with_options(&text, options) {
        let outcome = match event {
            Ok((event, span)) => reader.event(event, span),
            Err(error) => reader.syntax_error(&error),
        };
        match outcome {
            Ok(()) => {}
            Err(Stop::Enough) => break,
            Err(Stop::Cut(offset)) => {
                reader.cut(offset);
                break;
            }
            Err(Stop::Broken) => return None,
        }
    }
    Some(reader.tree)
}

/// Why reading ends before the text does.
enum Stop {
    /// What was read is whole.
    Enough,
    /// The text is no YAML from here on.
    Cut(usize),
    /// What was read means nothing without the rest.
    Broken,
}

/// How large a value is with every alias replaced by a copy.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    /// Levels of lists and mappings.
    height: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.height = self.height.max(other.height);
    }
}

/// A list or mapping that is still open.
struct Frame {
    start: Span,
    flow: bool,
    anchor: usize,
    size: Size,
    content: Content,
}

enum Content {
    List(Vec<NodeId>),
    Map {
        entries: Vec<Entry>,
        seen: HashMap<Arc<str>, Span>,
        /// The key whose value comes next.
        pending: Option<Pending>,
        /// Whether no entry was left out because of its key, duplicates aside.
        whole: bool,
        /// An unquoted `{{`: the mapping is an expression that YAML misread.
        misread: bool,
    },
}

/// What becomes of the value that comes next in a mapping.
enum Pending {
    Entry(Key),
    /// Its key was refused.
    Dropped,
}

struct Reader<'a> {
    file: &'a SourceFile,
    limits: Limits,
    sink: &'a mut Diagnostics,
    tree: Tree,
    stack: Vec<Frame>,
    /// Anchored nodes by the parser's number; `None` while the node is open.
    anchors: HashMap<usize, Option<NodeId>>,
    /// The size of each node of the tree, by its number.
    sizes: Vec<Size>,
    total: Size,
    documents: usize,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: granit_parser::Span) -> Result<(), Stop> {
        let at = self.span(&span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.sink.push(
                        Diagnostic::new(Code::YamlSeveralDocuments, at, "a second document begins here")
                            .help("keep one document in each file"),
                    );
                    return Err(Stop::Enough);
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| (tag, self.tag_span(&span)));
                self.scalar(&text, style, anchor, tag, at)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "seq", self.tag_span(&span))?;
                self.open(Content::List(Vec::new()), style, anchor, at)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "map", self.tag_span(&span))?;
                let content = Content::Map {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    pending: None,
                    whole: true,
                    misread: false,
                };
                self.open(content, style, anchor, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::UnresolvedAlias(name) => {
                self.unknown_alias(&name, at);
                self.value(Kind::Error, at, 0, Size::default())
            }
            // Nothing in them is part of the document; anchors ride on their nodes.
            _ => Ok(()),
        }
    }

    fn open(&mut self, content: Content, style: StructureStyle, anchor: usize, start: Span) -> Result<(), Stop> {
        if self.stack.len() >= self.limits.depth {
            return self.too_deep(start);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        self.stack.push(Frame {
            start,
            flow: matches!(style, StructureStyle::Flow),
            anchor,
            size: Size { nodes: 1, bytes: 0, height: 0 },
            content,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let is_key = self.expects_key();
        let mut size = frame.size;
        size.height += 1;
        let last = match &frame.content {
            Content::List(items) => items.last().copied(),
            Content::Map { entries, .. } => entries.last().map(|entry| entry.value),
        };
        let mut span = if frame.flow {
            frame.start.to(end)
        } else {
            // The parser ends a block where the next token begins.
            last.map_or(frame.start, |last| frame.start.to(self.tree.node(last).span))
        };
        if let Content::Map { entries, .. } = &frame.content
            && let Some(entry) = entries.last()
        {
            span = span.to(entry.key.span);
        }
        let whole = !matches!(frame.content, Content::Map { whole: false, .. });
        let kind = match frame.content {
            Content::List(items) => Kind::List(items),
            Content::Map { misread: true, .. } => {
                self.unquoted_hole(frame.start);
                Kind::Error
            }
            Content::Map { entries, .. } => Kind::Map(entries),
        };
        if is_key {
            return self.collection_key(frame.start, span);
        }
        self.value(kind, span, frame.anchor, size)?;
        if !whole {
            self.tree.mark_partial();
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: Span) -> Result<(), Stop> {
        let Some(target) = self.anchors.get(&anchor).copied().flatten() else {
            self.sink.push(
                Diagnostic::new(
                    Code::YamlAliasCycle,
                    at,
                    format!("{} stands for a value that contains it", tick(self.file.slice(at))),
                )
                .help("write the value out"),
            );
            return self.value(Kind::Error, at, 0, Size::default());
        };
        if self.expects_key() {
            let key = match &self.tree.node(target).kind {
                Kind::Text(text, _) => Some(Arc::clone(text)),
                _ => None,
            };
            return match key {
                Some(text) => self.key(&text, &Kind::text(&text), at),
                None => self.collection_key(at, at),
            };
        }
        let size = self.size_of(target);
        if self.stack.len() + size.height > self.limits.depth {
            return self.too_deep(at);
        }
        self.count(size, at, Code::YamlAliasBomb)?;
        self.attach(target, size);
        Ok(())
    }

    /// Adds a new node in value position.
    fn value(&mut self, kind: Kind, span: Span, anchor: usize, size: Size) -> Result<(), Stop> {
        // The nodes inside were counted when they came.
        let own = Size { nodes: 1, bytes: if size.height == 0 { size.bytes } else { 0 }, height: 0 };
        self.count(own, span, Code::YamlTooManyNodes)?;
        if self.expects_key() {
            return self.collection_key(span, span);
        }
        let id = self.tree.add(Node { span, kind });
        self.sizes.push(size);
        if anchor != 0 {
            self.anchors.insert(anchor, Some(id));
        }
        self.attach(id, size);
        Ok(())
    }

    /// Hands a finished node to the collection it stands in.
    fn attach(&mut self, id: NodeId, size: Size) {
        let Some(frame) = self.stack.last_mut() else {
            self.tree.set_root(id);
            return;
        };
        frame.size.add(size);
        match &mut frame.content {
            Content::List(items) => items.push(id),
            Content::Map { entries, pending, .. } => {
                if let Some(Pending::Entry(key)) = pending.take() {
                    entries.push(Entry { key, value: id });
                }
            }
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last().map(|frame| &frame.content), Some(Content::Map { pending: None, .. }))
    }

    fn key(&mut self, written: &str, kind: &Kind, at: Span) -> Result<(), Stop> {
        let text: Arc<str> = match kind {
            Kind::Text(text, _) => Arc::clone(text),
            _ => {
                self.sink.push(
                    Diagnostic::new(Code::YamlNonStringKey, at, format!("the key {} is not text", tick(written)))
                        .help(format!("quote it: `{}`", misread::quote(written))),
                );
                written.into()
            }
        };
        let merge = &*text == "<<" && self.file.slice(at) == "<<";
        let Some(Frame { content: Content::Map { seen, pending, whole, .. }, .. }) = self.stack.last_mut() else {
            return Ok(());
        };
        if merge {
            *whole = false;
            *pending = Some(Pending::Dropped);
            self.sink.push(
                Diagnostic::new(Code::YamlMergeKey, at, "the merge key `<<` is not read")
                    .help("write the merged keys out, or share whole values with an alias"),
            );
        } else if let Some(first) = seen.get(&text) {
            *pending = Some(Pending::Dropped);
            self.sink.push(
                Diagnostic::new(
                    Code::YamlDuplicateKey,
                    at,
                    format!("the key {} is already in this mapping", tick(&text)),
                )
                .primary("again here")
                .label(*first, "first here")
                .help("keep one of the two"),
            );
        } else {
            seen.insert(Arc::clone(&text), at);
            *pending = Some(Pending::Entry(Key { text, span: at }));
        }
        Ok(())
    }

    /// A list or mapping stands where a key should.
    fn collection_key(&mut self, start: Span, span: Span) -> Result<(), Stop> {
        let file = self.file;
        let Some(frame) = self.stack.last_mut() else {
            return Ok(());
        };
        let adjacent = frame.flow && start.start() == frame.start.start() + 1;
        let Content::Map { pending, whole, misread, .. } = &mut frame.content else {
            return Ok(());
        };
        *pending = Some(Pending::Dropped);
        *whole = false;
        if adjacent && file.text().get(start.range().start..).is_some_and(|t| t.starts_with('{')) {
            *misread = true;
            return Ok(());
        }
        self.sink.push(
            Diagnostic::new(Code::YamlNonStringKey, span, "this key is not text")
                .help("keys are text; put the list or mapping into the value"),
        );
        Ok(())
    }

    fn size_of(&self, id: NodeId) -> Size {
        self.sizes.get(id.index()).copied().unwrap_or_default()
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        Span::new(self.file.id(), span.byte_range().unwrap_or(0..0))
    }

    fn tag_span(&self, span: &granit_parser::Span) -> Span {
        span.tag_span().map_or_else(|| self.span(span), |tag| self.span(&tag))
    }

    fn trimmed(&self, span: Span) -> Span {
        let text = self.file.slice(span).trim_end();
        Span::new(span.file(), span.start()..span.start() + text.len())
    }
}
