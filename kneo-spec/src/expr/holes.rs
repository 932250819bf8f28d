//! Finds the `{{ }}` holes of a text.

use std::ops::Range;

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

/// Splits a text into its parts, in order.
pub(super) fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(OPEN)) {
        let open = at + found;
        if let Some(before) = text.get(at..open).filter(|before| !before.is_empty()) {
            parts.push(Part::Text(before));
        }
        let inside = open + OPEN.len();
        let rest = text.get(inside..).unwrap_or_default();
        // A quote that is never closed hides every end; the first one is then where the author meant it.
        match end_of_hole(rest).or_else(|| rest.find(CLOSE)) {
            Some(length) => {
                parts.push(Part::Hole(inside..inside + length));
                at = inside + length + CLOSE.len();
            }
            None => {
                parts.push(Part::Unclosed(open..inside));
                return parts;
            }
        }
    }
    if let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        parts.push(Part::Text(rest));
    }
    parts
}

/// The offset of the closing braces that belong to neither a string nor a map of the expression.
fn end_of_hole(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => {
                at = end_of_string(text, at)?;
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
pub(super) fn end_of_string(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
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
            .iter()
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
