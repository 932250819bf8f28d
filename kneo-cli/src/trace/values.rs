//! Values as text, as much of them as there is room for.

use kneo::Value;

/// The longest text of a value, in characters.
const LONGEST: usize = 2_000;

/// A value as text: text as it is, anything else as JSON.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => capped(text),
        other => capped(&other.to_string()),
    }
}

/// The beginning of a text, and how much is left out.
pub(super) fn capped(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => {
            let more = text.chars().count().saturating_sub(LONGEST);
            format!("{}… ({more} more characters)", text.get(..end).unwrap_or_default())
        }
    }
}
