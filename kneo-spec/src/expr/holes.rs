//! Finds the `{{ }}` holes of a text.

use std::ops::Range;

use super::parse::MAX_BYTES;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Text as it stands; never empty.
    Text(&'a str),
    /// The inside of a hole.
    Hole(Range<usize>),
    /// A hole without an end: its opening braces.
    Unclosed(Range<usize>),
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// How far the end of a hole is looked for: beyond the longest expression, so that one that is too long is seen as
/// such, and not to the end of the text for each of thousands of braces.
const LONGEST: usize = 2 * MAX_BYTES;

/// Splits a text into its parts, in order.
pub(super) fn split(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut at = 0;
    // The hole after the text before it.
    let mut next = None;
    std::iter::from_fn(move || {
        if let Some(part) = next.take() {
            return Some(part);
        }
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (before, hole, end) = match rest.find(OPEN) {
            Some(found) => {
                let (hole, end) = hole_at(text, at + found);
                (rest.get(..found), Some(hole), end)
            }
            None => (Some(rest), None, text.len()),
        };
        at = end;
        next = hole;
        match before.filter(|before| !before.is_empty()) {
            Some(before) => Some(Part::Text(before)),
            None => next.take(),
        }
    })
}

/// The hole whose braces open at an offset, and where the text goes on behind it.
fn hole_at(text: &str, open: usize) -> (Part<'_>, usize) {
    let inside = open + OPEN.len();
    let rest = text.get(inside..).unwrap_or_default();
    // A quote that is never closed hides every end; the first one is then where the author meant it.
    match end_of_hole(rest).or_else(|| rest.find(CLOSE)) {
        Some(length) => (Part::Hole(inside..inside + length), inside + length + CLOSE.len()),
        None => (Part::Unclosed(open..inside), text.len()),
    }
}

/// The offset of the closing braces that belong to neither a string nor a map of the expression.
fn end_of_hole(text: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(..LONGEST).unwrap_or(text.as_bytes());
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The offset just after the string literal whose quote is at `open`.
pub(super) fn end_of_string(bytes: &[u8], open: usize) -> Option<usize> {
    let quote = *bytes.get(open)?;
    let raw = open.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|b| matches!(b, b'r' | b'R'));
    let triple = bytes.get(open..open + 3).is_some_and(|three| three.iter().all(|byte| *byte == quote));
    let length = if triple { 3 } else { 1 };
    let mut at = open + length;
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'\\' if !raw => at += 2,
            byte if byte == quote => {
                let closes = !triple || bytes.get(at..at + 3).is_some_and(|three| three.iter().all(|b| *b == quote));
                if closes {
                    return Some(at + length);
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        split(text)
            .map(|part| match part {
                Part::Text(text) => format!("[{text}]"),
                Part::Hole(range) => format!("<{}>", &text[range.clone()]),
                Part::Unclosed(range) => format!("?{}", range.start),
            })
            .collect()
    }

    #[test]
    fn holes_end_where_their_expression_does() {
        for (text, expected) in [
            ("", ""),
            ("plain } } text", "[plain } } text]"),
            ("a {{ b }} c", "[a ]< b >[ c]"),
            ("{{a}}{{b}}", "<a><b>"),
            ("{{ '{{' }}", "< '{{' >"),
            ("{{ '}}' }}!", "< '}}' >[!]"),
            (r"{{ 'it\'s }}' }}", r"< 'it\'s }}' >"),
            (r"{{ r'\' }}", r"< r'\' >"),
            ("{{ \"\"\"a\"}}\"\"\" }}", "< \"\"\"a\"}}\"\"\" >"),
            ("{{ {'a': {'b': 1}} }}", "< {'a': {'b': 1}} >"),
            ("{{ {'a': 1}}} x", "< {'a': 1}>[ x]"),
            ("{{ it's }} fine", "< it's >[ fine]"),
            ("a {{ b", "[a ]?2"),
            ("{{ a }} {{", "< a >[ ]?8"),
            ("é {{ 'ü' }} ñ", "[é ]< 'ü' >[ ñ]"),
            ("{{}}", "<>"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
