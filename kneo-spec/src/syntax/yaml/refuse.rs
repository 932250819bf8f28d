//! What the reader says about text that it refuses.

use granit_parser::{ErrorKind, ScanError};

use super::{Reader, Stop, misread};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::source::Span;

impl Reader<'_> {
    /// Reports an error of the parser, and says how reading ends.
    pub(super) fn syntax_error(&mut self, error: &ScanError) -> Result<(), Stop> {
        let offset = error.marker().byte_offset().unwrap_or(0);
        let text = self.file.text();
        let length = text
            .get(offset..)
            .and_then(|t| t.chars().next())
            .map_or(0, |c| if c == '\n' || c == '\r' { 0 } else { c.len_utf8() });
        let at = Span::new(self.file.id(), offset..offset + length);
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return self.too_deep(at);
        }
        if matches!(error.kind(), ErrorKind::UndeclaredTagHandle) {
            self.foreign_tag(at);
            return Err(Stop::Cut(offset));
        }
        // Brackets that are open may have swallowed what follows the place where one was forgotten.
        if let Some(bracket) = self.stack.iter().find(|frame| frame.flow) {
            self.sink.take_back(bracket.start.start());
        }
        let misread = misread::diagnose(self.file.id(), text, offset);
        let message = error.kind().to_string();
        self.sink.push(misread.unwrap_or_else(|| {
            Diagnostic::new(Code::YamlSyntax, at, lower_first(&message)).help(syntax_help(error.kind()))
        }));
        Err(Stop::Cut(offset))
    }

    pub(super) fn unknown_alias(&mut self, name: &str, at: Span) {
        if self.sink.is_full_then_count() {
            return;
        }
        let misread = misread::diagnose(self.file.id(), self.file.text(), at.start());
        self.sink.push(misread.unwrap_or_else(|| {
            Diagnostic::new(
                Code::YamlAliasUnknown,
                at,
                format!("there is no anchor {} before this alias", tick(&format!("&{name}"))),
            )
            .help("anchor the value first, or quote the text if it is not an alias")
        }));
    }

    pub(super) fn unquoted_hole(&mut self, start: Span) {
        if self.sink.is_full_then_count() {
            return;
        }
        let found = misread::diagnose(self.file.id(), self.file.text(), start.start());
        self.sink.push(found.unwrap_or_else(|| {
            // To the end of the hole, or of the line.
            let rest = self.tree.rest_of_line(start.start());
            let length = rest.find("}}").map_or(rest.trim_end().len(), |at| at + 2);
            let hole = Span::new(start.file(), start.start()..start.start() + length);
            let written = self.file.slice(hole);
            Diagnostic::new(Code::ExprNeedsQuotes, hole, "YAML reads an unquoted `{{` as a mapping")
                .primary("quote this")
                .help(format!("write `{}`", misread::quote(written)))
        }));
    }

    pub(super) fn foreign_tag(&mut self, at: Span) {
        if self.sink.is_full_then_count() {
            return;
        }
        let misread = misread::diagnose(self.file.id(), self.file.text(), at.start());
        let tag = tick(self.file.slice(at));
        self.sink.push(misread.unwrap_or_else(|| {
            Diagnostic::new(Code::YamlTag, at, format!("the tag {tag} is not read here"))
                .help("remove the tag, or quote the text if it is not a tag")
        }));
    }
}

fn syntax_help(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => "indent with spaces",
        ErrorKind::UnclosedQuotedScalar => "close the quote",
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping => "close the bracket",
        ErrorKind::InvalidColonPlacement | ErrorKind::MappingValueNotAllowed | ErrorKind::SimpleKeyExpected => {
            "quote text that contains `: `, and indent keys of one mapping alike"
        }
        _ => "check the indentation and the quotes of this line and the one above",
    }
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "this is not YAML".to_owned(),
    }
}
