//! Diagnostics for a terminal.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::{FileId, SourceFile, SourceMap};

/// How a terminal report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TextStyle {
    /// Without colour, in ASCII: for files, pipes and tests.
    #[default]
    Plain,
    /// With ANSI colour.
    Coloured,
}

/// A longer line is not shown, only named: it would fill the screen and cost time.
const LONGEST_LINE: usize = 4_096;

/// Renders all diagnostics as a report in the manner of rustc, with a last line that counts them.
///
/// Gives empty text when there is none.
#[must_use]
pub fn to_text(diagnostics: &Diagnostics, sources: &SourceMap, style: TextStyle) -> String {
    let renderer = match style {
        TextStyle::Plain => Renderer::plain(),
        TextStyle::Coloured => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let report = [group(diagnostic, sources)];
        for line in renderer.render(&report).lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out.push('\n');
    }
    if !diagnostics.is_empty() {
        out.push_str(&summary(diagnostics));
        out.push('\n');
    }
    out
}

fn summary(diagnostics: &Diagnostics) -> String {
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let words = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        n => Some(format!("{n} {word}s")),
    };
    let mut parts: Vec<String> = [
        words(count(Severity::Error), "error"),
        words(count(Severity::Warning), "warning"),
        words(count(Severity::Info), "note"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if diagnostics.omitted() > 0 {
        parts.push(format!("{} more not shown", diagnostics.omitted()));
    }
    parts.join(", ")
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str()));
    let mut files: Vec<FileId> = vec![diagnostic.primary.span.file()];
    for label in &diagnostic.labels {
        if !files.contains(&label.span.file()) {
            files.push(label.span.file());
        }
    }
    for file in files.into_iter().filter_map(|id| sources.file(id)) {
        let labels = std::iter::once((AnnotationKind::Primary, &diagnostic.primary))
            .chain(diagnostic.labels.iter().map(|l| (AnnotationKind::Context, l)))
            .filter(|(_, label)| label.span.file() == file.id())
            .collect::<Vec<_>>();
        group = with_snippet(group, file, &labels);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

fn with_snippet<'a>(group: Group<'a>, file: &'a SourceFile, labels: &[(AnnotationKind, &'a Label)]) -> Group<'a> {
    let spans: Vec<Range<usize>> = labels.iter().map(|(_, label)| first_line(file, label.span.range())).collect();
    let first = spans.iter().map(|s| file.line_of(s.start)).min().unwrap_or(1);
    let last = spans.iter().map(|s| file.line_of(s.start)).max().unwrap_or(1);
    let lines = |line| file.line_range(line);
    let too_long = spans.iter().any(|s| lines(file.line_of(s.start)).len() > LONGEST_LINE);
    if too_long {
        let at = spans.first().map_or(0, |s| s.start);
        let position = file.position(at);
        return group.element(Origin::path(file.name()).line(position.line).char_column(position.column));
    }
    let window = lines(first).start..lines(last).end;
    let snippet = Snippet::source(file.text().get(window.clone()).unwrap_or_default())
        .path(file.name())
        .line_start(first)
        .annotations(labels.iter().zip(&spans).map(|((kind, label), span)| {
            let inside = span.start.saturating_sub(window.start)..span.end.saturating_sub(window.start);
            let text = (!label.message.is_empty()).then_some(label.message.as_str());
            kind.span(inside).label(text)
        }));
    group.element(snippet)
}

/// A long span is shown by its first line; the range is moved onto character boundaries.
fn first_line(file: &SourceFile, span: Range<usize>) -> Range<usize> {
    let text = file.text();
    let boundary = |mut offset: usize| {
        offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let start = boundary(span.start);
    let line_end = file.line_range(file.line_of(start)).end;
    start..boundary(span.end).min(line_end).max(start)
}
