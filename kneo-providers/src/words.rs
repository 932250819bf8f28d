//! Text counted and handed on by words, which stand in for tokens where there is no model.

use kneo_core::Usage;
use kneo_core::call::Deltas;
use kneo_core::message::{Arguments, Message, Part};
use kneo_core::provider::ModelRequest;

/// What an exchange uses if every word is a token.
pub(crate) fn usage(request: &ModelRequest, answer: &Message) -> Usage {
    Usage::new(request.messages.iter().map(|message| count(message)).sum(), count(answer))
}

fn count(message: &Message) -> u64 {
    let words = |text: &str| text.split_whitespace().count() as u64;
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => words(text),
        Part::ToolCall(call) => match &call.arguments {
            Arguments::Parsed(value) => words(&value.to_text()),
            Arguments::Malformed(text) => words(text),
        },
        Part::ToolResult(result) => words(&result.content.to_text()),
        _ => 0,
    });
    parts.sum()
}

/// Hands on a text word by word; the pieces joined are the text.
pub(crate) fn stream(text: &str, deltas: &Deltas) {
    pieces(text).for_each(|piece| deltas.push(piece));
}

/// At most the first so many words of a text, and whether there are more.
pub(crate) fn first(text: &str, words: u64) -> (&str, bool) {
    let whole = pieces(text).filter(|piece| !piece.trim().is_empty()).count() as u64;
    if whole <= words {
        return (text, false);
    }
    let mut left = words;
    let kept = pieces(text).take_while(|piece| {
        let is_word = !piece.trim().is_empty();
        let take = left > 0;
        left = left.saturating_sub(u64::from(is_word));
        take
    });
    let end = kept.map(str::len).sum();
    (text.get(..end).unwrap_or(text).trim_end(), true)
}

/// A text in pieces of a word with the white space that follows it.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word_end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let after = rest.get(word_end..)?;
        let space = after.find(|character: char| !character.is_whitespace()).unwrap_or(after.len());
        let (piece, tail) = rest.split_at_checked(word_end + space)?;
        rest = tail;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text() {
        for text in ["", " ", "one", "  two words \n", "größe\u{3000}漢字 🎉", "\n\na\tb"] {
            assert_eq!(pieces(text).collect::<String>(), text);
        }
        assert_eq!(pieces(" a  b ").collect::<Vec<_>>(), [" ", "a  ", "b "]);
    }

    #[test]
    fn the_first_words_end_at_a_word() {
        assert_eq!(first("one two three", 3), ("one two three", false));
        assert_eq!(first("one two three", 2), ("one two", true));
        assert_eq!(first(" one two", 1), (" one", true));
        assert_eq!(first("one", 0), ("", true));
        assert_eq!(first("  ", 0), ("  ", false));
    }
}
