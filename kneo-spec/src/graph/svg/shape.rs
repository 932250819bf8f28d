//! Nodes as boxes with lines of text, before anybody knows where they stand.

use super::text::{Face, width, wrap};
use crate::graph::{Edge, Frame, Node, NodeKind};

/// A line of text.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) style: Style,
}

/// How a line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    Title,
    What,
    Note,
    Label,
}

impl Style {
    pub(super) const fn size(self) -> f64 {
        match self {
            Style::Title => 14.0,
            Style::What | Style::Note => 12.0,
            Style::Label => 11.5,
        }
    }

    pub(super) const fn face(self) -> Face {
        match self {
            Style::Title => Face::Bold,
            Style::What | Style::Note | Style::Label => Face::Plain,
        }
    }

    /// The height of a line.
    pub(super) const fn height(self) -> f64 {
        match self {
            Style::Title => 18.0,
            Style::What | Style::Note => 16.0,
            Style::Label => 15.0,
        }
    }
}

/// A box with its text.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Shape {
    pub(super) width: f64,
    pub(super) height: f64,
    /// How much of its width at each side has no straight border above and below.
    pub(super) slant: f64,
    pub(super) lines: Vec<Line>,
}

/// The widest line of a box.
const WIDEST: f64 = 220.0;
/// The widest line of a label.
const WIDEST_LABEL: f64 = 190.0;
/// The widest line in the head of a frame.
const WIDEST_HEAD: f64 = 420.0;
/// The diameter of the marks where workflows start and end.
const MARK: f64 = 18.0;

impl Line {
    pub(super) fn width(&self) -> f64 {
        width(&self.text, self.style.size(), self.style.face())
    }
}

fn lines(text: &str, style: Style, most: f64) -> impl Iterator<Item = Line> + use<> {
    wrap(text, most, style.size(), style.face()).into_iter().map(move |text| Line { text, style })
}

fn extent(lines: &[Line]) -> (f64, f64) {
    let width = lines.iter().map(Line::width).fold(0.0, f64::max);
    (width, lines.iter().map(|line| line.style.height()).sum())
}

/// The box of a node.
pub(super) fn node(node: &Node) -> Shape {
    let (pad_x, pad_y, slant, least) = match node.kind {
        NodeKind::Start | NodeKind::End => {
            return Shape { width: MARK, height: MARK, slant: MARK / 2.0, lines: Vec::new() };
        }
        NodeKind::Fork | NodeKind::Join => (14.0, 4.0, 8.0, 90.0),
        NodeKind::Agent => (16.0, 9.0, 16.0, 96.0),
        NodeKind::Function => (14.0, 9.0, 4.0, 96.0),
        NodeKind::Human => (24.0, 10.0, 18.0, 110.0),
        NodeKind::Set => (24.0, 8.0, 16.0, 96.0),
        NodeKind::Workflow(_) => (20.0, 9.0, 4.0, 96.0),
    };
    let text = text_of(node, WIDEST);
    let (width, height) = extent(&text);
    Shape { width: (width + 2.0 * pad_x).max(least).ceil(), height: (height + 2.0 * pad_y).ceil(), slant, lines: text }
}

fn text_of(node: &Node, most: f64) -> Vec<Line> {
    let title = lines(&node.title.short(), Style::Title, most);
    let has_what = !node.what.is_empty();
    let rest = node.lines().into_iter().enumerate().flat_map(|(at, line)| {
        let style = if at == 0 && has_what { Style::What } else { Style::Note };
        lines(&line, style, most)
    });
    title.chain(rest).collect()
}

/// The head of a frame: the words of the step whose place it takes, or else of the workflow.
pub(super) fn head(frame: &Frame, of: Option<&Node>) -> Shape {
    let mut text: Vec<Line> = match of {
        Some(node) => text_of(node, WIDEST_HEAD),
        None => lines(&frame.name.short(), Style::Title, WIDEST_HEAD).collect(),
    };
    text.extend(frame.lines().iter().flat_map(|line| lines(line, Style::Note, WIDEST_HEAD)));
    let (width, height) = extent(&text);
    Shape { width: (width + 28.0).ceil(), height: (height + 14.0).ceil(), slant: 12.0, lines: text }
}

/// The plate of an edge's words; `None` for one without.
pub(super) fn label(edge: &Edge) -> Option<Shape> {
    let words = edge.words();
    if words.is_empty() {
        return None;
    }
    let text: Vec<Line> = lines(&words, Style::Label, WIDEST_LABEL).collect();
    let (width, height) = extent(&text);
    Some(Shape { width: (width + 12.0).ceil(), height: (height + 6.0).ceil(), slant: 0.0, lines: text })
}
