//! Characters that no spec may hold.

use std::borrow::Cow;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceFile, Span};

/// Reports control characters and gives the parser the text without them, every byte in its place.
pub(super) fn without_control_characters<'a>(file: &'a SourceFile, sink: &mut Diagnostics) -> Cow<'a, str> {
    let text = file.text();
    let refused = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if !text.contains(refused) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if !refused(c) {
            clean.push(c);
            continue;
        }
        clean.extend(std::iter::repeat_n('?', c.len_utf8()));
        sink.push(
            Diagnostic::new(
                Code::YamlControlCharacter,
                Span::new(file.id(), at..at + c.len_utf8()),
                format!("the control character U+{:04X} is not allowed", u32::from(c)),
            )
            .help("remove it, or write it as an escape in double quotes"),
        );
    }
    Cow::Owned(clean)
}
