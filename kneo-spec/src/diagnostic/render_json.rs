//! Diagnostics for programs. The shape is a public interface.

use serde::Serialize;

use super::{Diagnostics, Label};
use crate::source::{SourceMap, Span};

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    files: Vec<&'a str>,
    diagnostics: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    severity: &'static str,
    code: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    offset: usize,
    length: usize,
    help: Option<&'a str>,
    path: &'a str,
    labels: Vec<Other<'a>>,
    docs_url: String,
}

#[derive(Serialize)]
struct Other<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    message: &'a str,
}

/// Lines and columns from 1, columns in characters; the end is just after the last character.
#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

/// Renders all diagnostics as one JSON object:
/// `{"ok", "files", "diagnostics": [{"severity", "code", "message", "file", "line", "column",
/// "end_line", "end_column", "offset", "length", "help", "path", "labels", "docs_url"}]}`.
///
/// Lines and columns count from 1 and columns in characters; `offset` and `length` are bytes.
#[must_use]
pub fn to_json(diagnostics: &Diagnostics, sources: &SourceMap) -> serde_json::Value {
    let report = Report {
        ok: !diagnostics.has_errors(),
        files: sources.files().map(|file| file.name()).collect(),
        diagnostics: diagnostics
            .iter()
            .map(|diagnostic| Entry {
                severity: diagnostic.severity.as_str(),
                code: diagnostic.code.as_str(),
                message: &diagnostic.message,
                place: place(sources, diagnostic.primary.span),
                offset: diagnostic.primary.span.start(),
                length: diagnostic.primary.span.len(),
                help: diagnostic.help.as_deref(),
                path: &diagnostic.path,
                labels: labels(sources, &diagnostic.labels),
                docs_url: diagnostic.code.docs_url(),
            })
            .collect(),
    };
    // Plain structs of text and numbers always have a JSON form.
    serde_json::to_value(report).unwrap_or_default()
}

fn labels<'a>(sources: &'a SourceMap, labels: &'a [Label]) -> Vec<Other<'a>> {
    labels.iter().map(|label| Other { place: place(sources, label.span), message: &label.message }).collect()
}

fn place(sources: &SourceMap, span: Span) -> Place<'_> {
    let Some(file) = sources.file(span.file()) else {
        return Place { file: "", line: 1, column: 1, end_line: 1, end_column: 1 };
    };
    let start = file.position(span.start());
    let end = file.position(span.end());
    Place { file: file.name(), line: start.line, column: start.column, end_line: end.line, end_column: end.column }
}
