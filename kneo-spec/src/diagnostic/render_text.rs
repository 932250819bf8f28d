//! Diagnostics for a terminal.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::{FileId, SourceFile, SourceMap, Span, boundary};

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

/// A line up to this length is shown whole, line numbers included: steps on one line are long, and a cut hides what they
/// are about. Of a longer one the part around its labels is shown.
const WHOLE_LINE: usize = 220;

/// A longer line is not shown, only named: it would fill the screen and cost time.
const LONGEST_LINE: usize = 4_096;

/// Labels farther apart are shown one by one: what lies between costs time.
const LONGEST_WINDOW: usize = 65_536;

/// Renders all diagnostics as a report in the manner of rustc, with a last line that counts them.
///
/// Gives empty text when there is none.
#[must_use]
pub fn to_text(diagnostics: &Diagnostics, sources: &SourceMap, style: TextStyle) -> String {
    let renderer = match style {
        TextStyle::Plain => Renderer::plain(),
        TextStyle::Coloured => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii)
    .term_width(WHOLE_LINE);
    let secrets: Vec<Span> = diagnostics.iter().filter(|d| d.code.points_at_secret()).map(|d| d.primary.span).collect();
    let mut out = String::new();
    for diagnostic in diagnostics {
        let report = [group(diagnostic, sources, &secrets)];
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

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap, secrets: &[Span]) -> Group<'a> {
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
        let labels: Vec<(AnnotationKind, &Label)> = std::iter::once((AnnotationKind::Primary, &diagnostic.primary))
            .chain(diagnostic.labels.iter().map(|label| (AnnotationKind::Context, label)))
            .filter(|(_, label)| label.span.file() == file.id())
            .collect();
        let starts = || labels.iter().map(|(_, label)| label.span.start());
        let reach = starts().max().unwrap_or(0) - starts().min().unwrap_or(0);
        if reach <= LONGEST_WINDOW {
            group = group.element(snippet(file, &labels, secrets));
            continue;
        }
        for label in &labels {
            group = group.element(snippet(file, std::slice::from_ref(label), secrets));
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The lines of a file that hold the labels.
fn snippet<'a>(file: &'a SourceFile, labels: &[(AnnotationKind, &'a Label)], secrets: &[Span]) -> Element<'a> {
    let spans: Vec<Range<usize>> = labels.iter().map(|(_, label)| first_line(file, label.span.range())).collect();
    let lines = || spans.iter().map(|span| file.line_of(span.start));
    let (first, last) = (lines().min().unwrap_or(1), lines().max().unwrap_or(1));
    if lines().any(|line| file.line_range(line).len() > LONGEST_LINE) {
        let position = file.position(spans.first().map_or(0, |span| span.start));
        return Origin::path(file.name()).line(position.line).char_column(position.column).into();
    }
    let window = file.line_range(first).start..file.line_range(last).end;
    let annotations = labels.iter().zip(&spans).map(|((kind, label), span)| {
        let inside = span.start.saturating_sub(window.start)..span.end.saturating_sub(window.start);
        let text = (!label.message.is_empty()).then_some(label.message.as_str());
        kind.span(inside).label(text)
    });
    Snippet::source(shown(file, &window, secrets)).path(file.name()).line_start(first).annotations(annotations).into()
}

/// The text of a window with a star for every byte of a secret, so that no report holds one.
fn shown<'a>(file: &'a SourceFile, window: &Range<usize>, secrets: &[Span]) -> Cow<'a, str> {
    let text = file.text().get(window.clone()).unwrap_or_default();
    let hidden: Vec<Range<usize>> = secrets
        .iter()
        .filter(|secret| secret.file() == file.id() && secret.start() < window.end && secret.end() > window.start)
        .map(|secret| secret.range())
        .collect();
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let at = window.start + at;
        if c != '\n' && hidden.iter().any(|secret| secret.contains(&at)) {
            out.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A long span is shown by its first line; the range is moved onto character boundaries.
fn first_line(file: &SourceFile, span: Range<usize>) -> Range<usize> {
    let text = file.text();
    let start = boundary(text, span.start);
    let line_end = file.line_range(file.line_of(start)).end;
    start..boundary(text, span.end).min(line_end).max(start)
}
