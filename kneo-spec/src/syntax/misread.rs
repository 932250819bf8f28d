//! Expressions that YAML takes for something else.
//!
//! `when: !done`, `when: "a" == input` and `input: {{ steps.a.output }}` are an expression to their
//! author and a tag, a quoted scalar with rubbish behind it, and a mapping to YAML. The reader
//! says so, with the line to paste, instead of talking about tags.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// The fields that hold a bare expression.
const EXPRESSIONS: [&str; 5] = ["when", "until", "while", "over", "key"];

/// Says how to quote the expression on the line at `offset`, if that line holds one.
pub(super) fn diagnose(file: FileId, source: &str, offset: usize) -> Option<Diagnostic> {
    let offset = offset.min(source.len());
    let start = source.get(..offset)?.rfind('\n').map_or(0, |at| at + 1);
    let line = source.get(start..)?.lines().next()?;
    let mut field = line.trim_start();
    while let Some(item) = field.strip_prefix("- ") {
        field = item.trim_start();
    }
    let (key, value) = field.split_once(':')?;
    let is_expression = EXPRESSIONS.contains(&key);
    let written = value.trim();
    let is_hole = written.starts_with("{{");
    if written.is_empty() || !value.starts_with([' ', '\t']) || !(is_expression || is_hole) {
        return None;
    }
    let from = start + (line.len() - line.trim_start().len()).max(line.rfind(written)?);
    let bare = written.strip_prefix("{{").and_then(|inner| inner.strip_suffix("}}")).map(str::trim);
    let quoted = match bare {
        Some(bare) if is_expression => quote(bare),
        _ => quote(written),
    };
    Some(
        Diagnostic::new(
            Code::ExprNeedsQuotes,
            Span::new(file, from..from + written.len()),
            format!("YAML does not read the value of `{key}` as text"),
        )
        .primary("quote this")
        .help(format!("write `{key}: {quoted}`")),
    )
}

/// A YAML single-quoted scalar of the text.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
