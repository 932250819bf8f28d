//! Source texts and places in them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Names one file of one [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A byte range of one source file.
///
/// Small and `Copy`. `start <= end` always holds; whether the range lies on character boundaries
/// of the file is up to whoever made it, and every reader copes when it does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    file: FileId,
    start: u32,
    end: u32,
}

impl Span {
    /// Makes a span; a range that runs backwards becomes empty at its start.
    #[must_use]
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        let start = clamp(range.start);
        Self { file, start, end: clamp(range.end).max(start) }
    }

    /// The file the range lies in.
    #[must_use]
    pub fn file(self) -> FileId {
        self.file
    }

    /// The offset of the first byte.
    #[must_use]
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// The offset just after the last byte.
    #[must_use]
    pub fn end(self) -> usize {
        self.end as usize
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.end() - self.start()
    }

    /// Says whether the span covers no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes as a range.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start()..self.end()
    }

    /// The part of this span that `range`, counted from its start, covers.
    #[must_use]
    pub fn within(self, range: Range<usize>) -> Self {
        let start = (self.start() + range.start).min(self.end());
        let end = (self.start() + range.end).min(self.end());
        Self::new(self.file, start..end)
    }

    /// The least span that covers both; `other` is ignored when it lies in another file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.file != other.file {
            return self;
        }
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}..{}", self.file.0, self.start, self.end)
    }
}

/// The last boundary of a character at or before an offset.
pub(crate) fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The characters that begin in a run of UTF-8.
fn count_characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// Offsets beyond 4 GiB cannot occur: a source is refused long before.
fn clamp(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// A value and the place it was written at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value and its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// Changes the value and keeps the place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned::new(change(self.value), self.span)
    }
}

/// A line and a column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// One source text with its name and the offsets of its lines.
#[derive(Clone)]
pub struct SourceFile {
    id: FileId,
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Box<[u32]>,
    /// The characters that begin before each [`BLOCK`] of bytes, so that a column far into a line is found quickly.
    characters: Box<[u32]>,
}

const BLOCK: usize = 4_096;

/// Shows no text: a report of a secret in a spec, which covers it, is shown by `Debug` too.
impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl SourceFile {
    /// Names the file within its [`SourceMap`].
    #[must_use]
    pub fn id(&self) -> FileId {
        self.id
    }

    /// The name diagnostics print, as the caller gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The span of the whole text.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(self.id, 0..self.text.len())
    }

    /// The text a span covers; empty when the span does not fit this text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The line and column of a byte offset; one past the end is the end's.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        let start = self.line_start(line);
        // An offset inside a character has no column of its own.
        let column = self.text.is_char_boundary(offset).then(|| match offset.saturating_sub(start) < BLOCK {
            true => count_characters(self.text.as_bytes().get(start..offset).unwrap_or_default()),
            // The blocks between the two are counted already.
            false => self.characters_before(offset).saturating_sub(self.characters_before(start)),
        });
        Position { line, column: column.unwrap_or(0) + 1 }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        let known = self.characters.get(block).map_or(0, |count| *count as usize);
        known + count_characters(self.text.as_bytes().get(block * BLOCK..offset).unwrap_or_default())
    }

    /// The bytes of a line, from 1, without its line break; empty past the last line.
    #[must_use]
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.line_start(line);
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| *next as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end_matches(['\n', '\r']).len()
    }

    /// The line, from 1, that holds a byte offset.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start as usize <= offset).max(1)
    }

    fn line_start(&self, line: usize) -> usize {
        self.line_starts.get(line.saturating_sub(1)).map_or(self.text.len(), |start| *start as usize)
    }
}

/// The texts of one compilation.
///
/// File ids are given here, never by a process-wide counter, so that two compilations share
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Makes a map without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under the name that diagnostics shall print.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let text = text.into();
        let id = FileId(clamp(self.files.len()));
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| clamp(at + 1))).collect();
        let blocks = text.as_bytes().chunks(BLOCK).scan(0, |before, block| {
            let count = *before;
            *before += count_characters(block);
            Some(clamp(count))
        });
        let characters = blocks.collect();
        self.files.push(SourceFile { id, name: name.into(), text, line_starts, characters });
        id
    }

    /// The file with this id; `None` when the id belongs to another map.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// All files, in the order they were added.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &SourceFile> {
        self.files.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debugging_shows_no_text() {
        let mut map = SourceMap::new();
        map.add("a.yaml", "token: hunter2");
        let shown = format!("{map:?}");
        assert!(shown.contains("a.yaml") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn columns_count_characters_and_lines_survive_crlf() {
        let mut map = SourceMap::new();
        let id = map.add("a.yaml", "ключ: 値\r\nb: 𝄞x\n");
        let file = map.file(id).unwrap();
        let at = |needle: &str| file.position(file.text().find(needle).unwrap());
        assert_eq!(at("値"), Position { line: 1, column: 7 });
        assert_eq!(at("x"), Position { line: 2, column: 5 });
        assert_eq!(file.position(usize::MAX), Position { line: 3, column: 1 });
        let first = file.line_range(1);
        assert_eq!(file.text().get(first), Some("ключ: 値"));
        assert_eq!(file.line_range(99).len(), 0);
    }

    #[test]
    fn columns_of_a_long_line_are_exact() {
        let mut map = SourceMap::new();
        let text = format!("a\n{}", "größe, 値 ".repeat(3 * BLOCK));
        let id = map.add("a.yaml", text.as_str());
        let file = map.file(id).unwrap();
        let line = &text[2..];
        for (column, (at, _)) in line.char_indices().enumerate().step_by(997) {
            assert_eq!(file.position(2 + at), Position { line: 2, column: column + 1 });
        }
        assert_eq!(file.position(usize::MAX).column, line.chars().count() + 1);
    }

    #[test]
    fn a_backward_range_is_empty() {
        let mut map = SourceMap::new();
        let id = map.add("a", "abc");
        #[expect(clippy::reversed_empty_ranges, reason = "the case under test")]
        let span = Span::new(id, 3..1);
        assert!(span.is_empty());
        assert_eq!(map.file(id).unwrap().slice(span), "");
    }
}
