//! A key kept out of answers.

use std::sync::Arc;

use kneo_core::secret::Secret;

use super::redact::{self, MARK};

/// A shorter key is a placeholder such as `ollama`, and a word of an answer.
const SHORTEST: usize = 8;

/// Takes a key out of a text that arrives in pieces.
///
/// A server knows the key that it is sent, and one that repeats what it is sent repeats the key: into the journal of a
/// run, if nobody minds.
#[derive(Debug)]
pub(crate) struct Veil {
    key: Option<Arc<Secret>>,
    /// What arrived and may be the beginning of the key.
    held: String,
}

impl Veil {
    /// A veil over a key.
    pub(crate) fn new(key: Option<&Arc<Secret>>) -> Veil {
        let key = key.filter(|key| key.reveal().len() >= SHORTEST).cloned();
        Veil { key, held: String::new() }
    }

    /// The key, for what is put into an error.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref().map(Secret::reveal)
    }

    /// What can be shown of a text once its next piece has arrived.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        let Some(key) = &self.key else { return piece.to_owned() };
        let key = key.reveal();
        let mut text = std::mem::take(&mut self.held);
        text.push_str(piece);
        let mut text = text.replace(key, MARK);
        let begins_key = |from: &usize| text.get(*from..).is_some_and(|end| key.starts_with(end));
        let longest = text.len().saturating_sub(key.len().saturating_sub(1));
        let from = (longest..text.len()).filter(|from| text.is_char_boundary(*from)).find(begins_key);
        self.held = from.map(|from| text.split_off(from)).unwrap_or_default();
        text
    }

    /// The rest of a text that has ended.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// A whole text that others read as JSON: the key is taken out whatever escapes it is written with.
    pub(crate) fn cover(&self, text: String) -> String {
        match &self.key {
            Some(key) => redact::without(&text, key.reveal()).unwrap_or(text),
            None => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-sk-abcdef";

    fn veil() -> Veil {
        Veil::new(Some(&Arc::new(Secret::new(KEY.to_owned()))))
    }

    #[test]
    fn the_key_is_taken_out_wherever_the_text_is_split() {
        let text = format!("sk- {KEY}{KEY} and sk-sk-abcde 漢字 sk-{KEY} sk-sk-");
        let expected = "sk- [redacted][redacted] and sk-sk-abcde 漢字 sk-[redacted] sk-sk-";
        for size in 1..text.len() {
            let mut veil = veil();
            let mut shown = String::new();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let end = (size.min(rest.len())..).find(|end| rest.is_char_boundary(*end)).unwrap();
                let (piece, after) = rest.split_at(end);
                shown += &veil.push(piece);
                rest = after;
            }
            shown += &veil.finish();
            assert_eq!(shown, expected, "in pieces of {size} bytes");
        }
    }

    #[test]
    fn nothing_is_held_back_longer_than_it_must_be() {
        let mut veil = veil();
        assert_eq!(veil.push("hello "), "hello ");
        assert_eq!(veil.push("sk-"), "");
        assert_eq!(veil.push("ip"), "sk-ip");
    }

    #[test]
    fn a_placeholder_is_a_word_like_any_other() {
        let mut veil = Veil::new(Some(&Arc::new(Secret::new("ollama".to_owned()))));
        assert_eq!(veil.push("ollama runs models"), "ollama runs models");
        assert_eq!(Veil::new(None).push("anything"), "anything");
    }

    #[test]
    fn a_key_written_with_escapes_is_covered_too() {
        let cover = |text: &str| veil().cover(text.to_owned());
        assert_eq!(cover(r#"{"a": "sk-\u0073k-abcdef"}"#), r#"{"a": "[redacted]"}"#);
        assert_eq!(cover(r#"{"a": "\u0001 sk-abcdef"}"#), r#"{"a": "\u0001 sk-abcdef"}"#);
    }
}
