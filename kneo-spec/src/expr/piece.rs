//! The part of a text that is one expression.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::Text;

/// One expression with the way back to its place.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    text: &'a Text,
    start: usize,
    end: usize,
    pub(super) is_hole: bool,
}

impl<'a> Piece<'a> {
    /// A text that is an expression as a whole.
    pub(super) fn whole(text: &'a Text) -> Self {
        Self { text, start: 0, end: text.as_str().len(), is_hole: false }
    }

    /// The inside of a hole.
    pub(super) fn part(text: &'a Text, range: Range<usize>) -> Self {
        Self { text, start: range.start, end: range.end, is_hole: true }
    }

    /// The expression.
    pub(super) fn cel(&self) -> &'a str {
        self.text.as_str().get(self.start..self.end).unwrap_or_default()
    }

    /// Where a range of the expression was written; an empty one is widened to a character, so that it can be seen.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let length = self.end - self.start;
        let start = range.start.min(length);
        let end = range.end.clamp(start, length);
        let (start, end) = if start == end { self.widen(start) } else { (start, end) };
        self.text.span_of(self.start + start..self.start + end)
    }

    /// Where the whole expression was written; an empty hole is its braces.
    pub(super) fn whole_span(&self) -> Span {
        let cel = self.cel();
        if self.is_hole && cel.trim().is_empty() {
            return self.text.span_of(self.start.saturating_sub(2)..self.end + 2);
        }
        let blank = cel.len() - cel.trim_start().len();
        self.span(blank..cel.trim_end().len().max(blank))
    }

    /// Starts a diagnostic about a range of the expression.
    pub(super) fn diagnostic(&self, code: Code, range: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.span(range), message)
    }

    fn widen(&self, at: usize) -> (usize, usize) {
        let cel = self.cel();
        let before = cel.get(..at).and_then(|text| text.chars().next_back()).map_or(0, char::len_utf8);
        match cel.get(at..).and_then(|text| text.chars().next()) {
            Some(next) => (at, at + next.len_utf8()),
            None => (at - before, at),
        }
    }
}
