//! How deep a stored form nests.

use serde::Serialize;

/// The deepest that a value in a plan may nest in its stored form; readers of JSON stop at 128.
pub(super) const MAX_NESTING: usize = 100;

/// Counts the brackets around the innermost part of the stored form.
pub(super) fn nesting(code: &impl Serialize) -> usize {
    let stored = serde_json::to_string(code).unwrap_or_default();
    let (mut depth, mut deepest) = (0usize, 0usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in stored.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
