//! Expressions that YAML takes for something else.
//!
//! `when: !done`, `when: "a" == input` and `input: {{ steps.a.output }}` are an expression to their author and a tag, a
//! quoted scalar with rubbish behind it, and a mapping to YAML. The reader says so, with the line to paste, instead of
//! talking about tags.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span, boundary};

/// The fields that hold a bare expression.
const EXPRESSIONS: [&str; 5] = ["when", "until", "while", "over", "key"];

/// How far from its place the rest of a misread expression is looked for; the longest expression is shorter.
pub(super) const REACH: usize = 4_096;

/// A field and what is written as its value, as ranges of the source.
struct Written<'a> {
    key: &'a str,
    value: Range<usize>,
}

/// Says how to quote the expression around `offset`, if there is one.
pub(super) fn diagnose(file: FileId, source: &str, offset: usize) -> Option<Diagnostic> {
    let (start, line) = line_around(source, offset)?;
    let is_whole = source.get(..start).is_some_and(|before| before.is_empty() || before.ends_with('\n'));
    let found = in_flow(line, offset.saturating_sub(start)).or_else(|| in_block(line).filter(|_| is_whole))?;
    // A mistake before the value is one of indentation or of the line above, not of the value.
    if offset < start + found.value.start {
        return None;
    }
    let span = Span::new(file, start + found.value.start..start + found.value.end);
    let written = line.get(found.value)?;
    let bare = written.strip_prefix("{{").and_then(|inner| inner.strip_suffix("}}")).map(str::trim);
    let quoted = match bare {
        Some(bare) if EXPRESSIONS.contains(&found.key) => quote(bare),
        _ => quote(written),
    };
    Some(needs_quotes(span, found.key).help(format!("write `{}: {quoted}`", found.key)))
}

/// The line around an offset and where it starts, or as much of it as an expression can reach: looking at a line of
/// megabytes for each mistake in it would take minutes.
fn line_around(source: &str, offset: usize) -> Option<(usize, &str)> {
    let offset = offset.min(source.len());
    let from = boundary(source, offset.saturating_sub(REACH));
    let start = source.get(from..offset)?.rfind('\n').map_or(from, |at| from + at + 1);
    let end = boundary(source, offset.saturating_add(REACH));
    Some((start, source.get(start..end)?.lines().next().unwrap_or_default()))
}

/// The diagnostic without its help.
pub(crate) fn needs_quotes(span: Span, key: &str) -> Diagnostic {
    Diagnostic::new(Code::ExprNeedsQuotes, span, format!("YAML does not read the value of `{key}` as text"))
        .primary("quote this")
}

/// `key: value` on a line of its own, perhaps as an item of a list.
fn in_block(line: &str) -> Option<Written<'_>> {
    let mut field = line.trim_start();
    while let Some(item) = field.strip_prefix("- ") {
        field = item.trim_start();
    }
    let (key, value) = field.split_once(':')?;
    let written = value.trim();
    let is_hole = written.starts_with("{{");
    let is_field = value.starts_with([' ', '\t']) && (EXPRESSIONS.contains(&key) || is_hole);
    if written.is_empty() || !is_field {
        return None;
    }
    let from = line.len() - value.trim_start().len();
    Some(Written { key, value: from..from + written.len() })
}

/// `key: value` between the braces of a mapping, the last one before `offset`.
fn in_flow(line: &str, offset: usize) -> Option<Written<'_>> {
    let before = line.get(..offset)?;
    let found = EXPRESSIONS.into_iter().filter_map(|key| {
        let at = before.rfind(&format!("{key}: "))?;
        let head = before.get(..at)?.trim_end();
        (head.ends_with(['{', ','])).then_some((at, key))
    });
    let (at, key) = found.max()?;
    let from = at + key.len() + 2;
    let length = expression_length(line.get(from..)?);
    (length > 0).then_some(Written { key, value: from..from + length })
}

/// How far an expression reaches inside a mapping in braces: up to a comma or a closing bracket that is not its own.
pub(crate) fn expression_length(text: &str) -> usize {
    let mut open = 0usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => open += 1,
            (None, ')' | ']' | '}') if open > 0 => open -= 1,
            (None, ',' | ')' | ']' | '}') if open == 0 => {
                return text.get(..at).map_or(0, |head| head.trim_end().len());
            }
            _ => {}
        }
    }
    text.trim_end().len()
}

/// A YAML single-quoted scalar of the text.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::expression_length;

    #[test]
    fn an_expression_ends_where_its_brackets_do() {
        for (text, expression) in [
            ("a > 1, b: 2}", "a > 1"),
            ("has(a, b) , b: 2}", "has(a, b)"),
            ("x[1] == {'a': 1}}", "x[1] == {'a': 1}"),
            ("a == ',}' }", "a == ',}'"),
            ("a", "a"),
            ("}", ""),
        ] {
            assert_eq!(text.get(..expression_length(text)), Some(expression), "{text}");
        }
    }
}
