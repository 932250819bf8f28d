//! Text that knows where each of its characters was written.

use std::ops::Range;
use std::sync::Arc;

use super::tree::Style;
use crate::source::Span;

/// The text of a scalar, with the way back to its source.
///
/// The text differs from its source by quotes, escapes, indentation and folded lines. The marks
/// say where the two run in step, so that a message about the fifth line of a block scalar points
/// at that line.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: Arc<str>,
    span: Span,
    /// `(offset in the text, offset in the file)`, ascending; in step up to the next mark. Empty
    /// when the two could not be aligned.
    marks: Arc<[(u32, u32)]>,
}

impl Text {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The whole scalar as written, quotes included.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Where a byte range of the text was written.
    pub(crate) fn span_of(&self, range: Range<usize>) -> Span {
        let place = |offset: usize| {
            let after = self.marks.partition_point(|(in_text, _)| *in_text as usize <= offset);
            let (in_text, in_file) = self.marks.get(after.checked_sub(1)?)?;
            Some(*in_file as usize + (offset - *in_text as usize))
        };
        // The last character is placed, not the end: behind it the source may go on otherwise.
        let end = match range.end.checked_sub(1) {
            Some(last) if last >= range.start => place(last).map(|at| at + 1),
            _ => place(range.start),
        };
        match (place(range.start), end) {
            (Some(start), Some(end)) if start <= end && end <= self.span.end() => {
                Span::new(self.span.file(), start..end)
            }
            _ => self.span,
        }
    }

    /// Walks text and source side by side.
    pub(super) fn align(text: Arc<str>, style: Style, span: Span, source: &str) -> Self {
        let marks = marks(&text, style, span.start(), source).unwrap_or_default();
        Self { text, span, marks: marks.into() }
    }
}

/// `None` when the source turns out not to spell the text; a text may go on with line breaks where
/// its source was cut.
fn marks(text: &str, style: Style, start: usize, source: &str) -> Option<Vec<(u32, u32)>> {
    let quoted = matches!(style, Style::SingleQuoted | Style::DoubleQuoted);
    let mut at = usize::from(quoted);
    let mut marks: Vec<(u32, u32)> = Vec::new();
    let mut step: Option<usize> = None;
    for (offset, wanted) in text.char_indices() {
        loop {
            let rest = source.get(at..)?;
            let Some(found) = rest.chars().next() else {
                return Some(marks);
            };
            let length = if style == Style::DoubleQuoted && found == '\\' {
                let (length, is_break) = escape(rest)?;
                if is_break {
                    at += length;
                    continue;
                }
                length
            } else if found == wanted {
                let doubled = style == Style::SingleQuoted && found == '\'';
                found.len_utf8() + usize::from(doubled)
            } else if found.is_ascii_whitespace() {
                if !wanted.is_ascii_whitespace() {
                    at += 1;
                    continue;
                }
                1
            } else {
                return None;
            };
            let here = start + at;
            if step != Some(here - offset) {
                step = Some(here - offset);
                marks.push((u32::try_from(offset).ok()?, u32::try_from(here).ok()?));
            }
            at += length;
            break;
        }
    }
    Some(marks)
}

/// The length of an escape sequence, and whether it is an escaped line break, which spells nothing.
fn escape(rest: &str) -> Option<(usize, bool)> {
    let length = match rest.chars().nth(1)? {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        '\r' => 3,
        c => 1 + c.len_utf8(),
    };
    Some((length, matches!(rest.chars().nth(1)?, '\n' | '\r')))
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Diagnostics;
    use crate::source::SourceMap;
    use crate::syntax::{Kind, Limits, parse};

    /// Where the word `hole` of the only value stands, as the source spells it.
    fn hole(spec: &str) -> String {
        let mut sources = SourceMap::new();
        let id = sources.add("a", spec);
        let mut sink = Diagnostics::default();
        let tree = parse(sources.file(id).unwrap(), Limits::default(), &mut sink).unwrap();
        assert!(sink.is_empty(), "{sink:?}");
        let Kind::Map(entries) = &tree.node(tree.root().unwrap()).kind else {
            panic!("not a mapping: {spec}");
        };
        let text = tree.text(entries[0].value).unwrap();
        let at = text.as_str().find("hole").unwrap();
        let span = text.span_of(at..at + 4);
        let position = sources.file(id).unwrap().position(span.start());
        format!("{} {}", tree.slice(span).replace('\n', "|"), position.line)
    }

    #[test]
    fn every_style_leads_back_to_its_source() {
        for (spec, line) in [
            ("a: a hole", 1),
            ("a: 'it''s a hole'", 1),
            ("a: \"tab\\t and \\u00e9 hole\"", 1),
            ("a: \"one \\\n   two hole\"", 2),
            ("a: |\n  one\n    two\n\n  three hole\n", 5),
            ("a: >\n  one\n  two\n\n  three hole\n", 5),
            ("a: one\n  two\n  three hole\n", 3),
            ("a: |2-\n    one\n   a hole\n", 3),
        ] {
            assert_eq!(hole(spec), format!("hole {line}"), "{spec}");
        }
    }
}
