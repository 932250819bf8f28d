//! Step ids that are no identifiers, and so no part of a dotted path.

use crate::diagnostic::{Code, Diagnostic, tick};
use crate::expr::holes::end_of_string;
use crate::expr::piece::Piece;
use crate::vocabulary::Vocabulary;

/// Finds `steps.my-step` where `my-step` is a step: CEL reads a subtraction there.
pub(super) fn diagnose(piece: &Piece<'_>, vocabulary: &dyn Vocabulary) -> Option<Diagnostic> {
    let cel = piece.cel();
    let bytes = cel.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'\'' | b'"') {
            at = end_of_string(bytes, at)?;
            continue;
        }
        let starts_word =
            at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|b| !is_word(*b) && *b != b'.');
        let rest = bytes.get(at..).unwrap_or_default();
        if !starts_word || !(rest.starts_with(b"steps.") || rest.starts_with(b"nodes.")) {
            at += 1;
            continue;
        }
        let id_at = at + "steps.".len();
        let length = bytes.get(id_at..)?.iter().take_while(|byte| is_word(**byte) || **byte == b'-').count();
        let written = cel.get(id_at..id_at + length).unwrap_or_default();
        if let Some(id) = known(written, vocabulary).filter(|id| !is_identifier(id)) {
            let root = cel.get(at..id_at - 1).unwrap_or_default();
            let message = format!("{} is not an identifier, so that it cannot follow a dot", tick(id));
            return Some(
                piece
                    .diagnostic(Code::ExprHyphen, at..id_at + id.len(), message)
                    .help(format!("write `{root}[\"{id}\"]`")),
            );
        }
        at = id_at + length;
    }
    None
}

/// The longest beginning, whole parts between hyphens, that is the id of a step.
fn known<'a>(written: &'a str, vocabulary: &dyn Vocabulary) -> Option<&'a str> {
    let mut id = written;
    loop {
        if vocabulary.step(id).is_some() {
            return Some(id);
        }
        id = id.rsplit_once('-')?.0;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_identifier(id: &str) -> bool {
    let plain = !id.starts_with(|c: char| c.is_ascii_digit()) && id.bytes().all(is_word);
    plain && !matches!(id, "in" | "true" | "false" | "null")
}
