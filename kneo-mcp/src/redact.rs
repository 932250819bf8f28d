//! What a server says, without the secrets that it was given.

mod needles;

use std::borrow::Cow;
use std::fmt;

use kneo_core::secret::Secret;

use needles::SHORTEST;

/// Stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// A shorter number may count anything.
const SHORTEST_NUMBER: usize = 8;

/// The secrets of one connection, as they may come back in what the server says.
///
/// A server is given secrets as variables and headers, and may repeat them in results, errors and logs; from there they
/// would reach journals and models. So everything that comes in passes through here before anything reads it.
#[derive(Default)]
pub(crate) struct Redactor {
    given: Vec<Secret>,
    /// What is looked for; the longest first.
    needles: Vec<Secret>,
}

impl Redactor {
    pub(crate) fn new(secrets: &[Secret]) -> Redactor {
        let given = secrets.iter().map(|secret| Secret::new(secret.reveal().to_owned())).collect();
        let needles = needles::of(secrets);
        Redactor { given, needles }
    }

    /// Whether these are the secrets that it was made of.
    pub(crate) fn is_of(&self, secrets: &[Secret]) -> bool {
        self.given.len() == secrets.len() && self.given.iter().zip(secrets).all(|(a, b)| a.reveal() == b.reveal())
    }

    /// Whether a text holds a secret.
    pub(crate) fn is_told_by(&self, text: &str) -> bool {
        self.possible(text).any(|needle| text.contains(needle))
    }

    /// What can be there at all: nothing is escaped in a text without the characters that escape.
    fn possible(&self, text: &str) -> impl Iterator<Item = &str> {
        let absent: Vec<char> = ['%', '\\'].into_iter().filter(|char| !text.contains(*char)).collect();
        self.needles.iter().map(Secret::reveal).filter(move |needle| !needle.contains(absent.as_slice()))
    }

    /// The same text without secrets.
    pub(crate) fn text<'a>(&self, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = text.into();
        let mut redacted: Option<String> = None;
        for needle in self.possible(&text) {
            let seen = redacted.as_deref().unwrap_or(&text);
            if seen.contains(needle) {
                redacted = Some(seen.replace(needle, REDACTED));
            }
        }
        redacted.map_or(text, Cow::Owned)
    }

    /// The beginning of a text that goes on, without secrets, nor the part of one that it ends in the middle of.
    pub(crate) fn beginning<'a>(&self, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = self.text(text);
        let parts = |at: &usize| {
            let rest = text.get(*at..).unwrap_or_default();
            rest.len() >= SHORTEST && self.needles.iter().any(|needle| needle.reveal().starts_with(rest))
        };
        match text.char_indices().map(|(at, _)| at).skip_while(|at| !self.is_near(text.len() - at)).find(parts) {
            Some(at) => Cow::Owned(format!("{}{REDACTED}", text.get(..at).unwrap_or_default())),
            None => text,
        }
    }

    /// The end of a text that began before, without secrets, nor the part of one that it begins in the middle of.
    pub(crate) fn end<'a>(&self, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = self.text(text);
        let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
        let parts = |end: &usize| {
            let part = text.get(..*end).unwrap_or_default();
            let is_whole = *end == text.len();
            let within =
                |needle: &Secret| needle.reveal().ends_with(part) || (is_whole && needle.reveal().contains(part));
            *end >= SHORTEST && self.needles.iter().any(within)
        };
        match ends.take_while(|end| self.is_near(*end)).filter(parts).last() {
            Some(end) => Cow::Owned(format!("{REDACTED}{}", text.get(end..).unwrap_or_default())),
            None => text,
        }
    }

    /// Whether a part of so many bytes can be one of a secret.
    fn is_near(&self, bytes: usize) -> bool {
        self.needles.first().is_some_and(|longest| bytes <= longest.reveal().len())
    }

    /// The same JSON without secrets in its strings, in whatever way they are escaped; what is no JSON is text.
    pub(crate) fn json<'a>(&self, json: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let json = json.into();
        if self.needles.is_empty() {
            return json;
        }
        let Ok(mut value) = serde_json::from_str(&json) else { return self.text(json) };
        if self.value(&mut value) { Cow::Owned(value.to_string()) } else { json }
    }

    /// Takes the secrets out of all strings, and says whether there were any.
    fn value(&self, value: &mut serde_json::Value) -> bool {
        let mut found = false;
        match value {
            serde_json::Value::String(text) => {
                if let Cow::Owned(redacted) = self.text(text.as_str()) {
                    *text = redacted;
                    found = true;
                }
            }
            serde_json::Value::Array(items) => {
                for item in items {
                    found |= self.value(item);
                }
            }
            serde_json::Value::Object(fields) => {
                for field in fields.values_mut() {
                    found |= self.value(field);
                }
                let named: Vec<String> =
                    fields.keys().filter(|key| matches!(self.text(&***key), Cow::Owned(_))).cloned().collect();
                for name in named {
                    if let Some(field) = fields.remove(&name) {
                        fields.insert(self.text(name).into_owned(), field);
                        found = true;
                    }
                }
            }
            serde_json::Value::Number(number) => {
                // A secret of digits alone.
                let number = number.to_string();
                if number.len() >= SHORTEST_NUMBER && self.needles.iter().any(|needle| needle.reveal() == number) {
                    *value = serde_json::Value::from(REDACTED);
                    found = true;
                }
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) => {}
        }
        found
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.given.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(&secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn secrets_are_found_in_text() {
        let redactor = redactor(&["hunter22", "key", "hunter22-and-more\n"]);
        for (text, redacted) in [
            ("is hunter22!", "is [redacted]!"),
            ("hunter22-and-more", "[redacted]"),
            ("the key is short", "the key is short"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(redactor.text(text), redacted, "{text}");
        }
    }

    #[test]
    fn secrets_are_found_in_json_however_they_are_escaped() {
        let redactor = redactor(&["pass/wörd", "two\nlines\"", "8812047719304658", "1234"]);
        for (json, redacted) in [
            (r#"{"a":["x pass/wörd"]}"#, r#"{"a":["x [redacted]"]}"#),
            (r#"{"a":"pass\/w\u00f6rd"}"#, r#"{"a":"[redacted]"}"#),
            (r#"{"a":"two\nlines\""}"#, r#"{"a":"[redacted]"}"#),
            (r#"{"pass/wörd":1}"#, r#"{"[redacted]":1}"#),
            (r#"{"a":[8812047719304658,1234]}"#, r#"{"a":["[redacted]",1234]}"#),
            (r#"{"a": 1.50}"#, r#"{"a": 1.50}"#),
            ("no json: pass/wörd", "no json: [redacted]"),
        ] {
            assert_eq!(redactor.json(json), redacted, "{json}");
        }
        assert_eq!(Redactor::default().json("{ }"), "{ }");
    }

    #[test]
    fn a_cut_through_a_secret_leaves_none_of_it() {
        let redactor = redactor(&["s3cr3t-töken", "another-one"]);
        for (text, redacted) in [
            ("says s3cr3t-tö", "says [redacted]"),
            ("says s3cr3t-töken", "says [redacted]"),
            ("s3cr", "[redacted]"),
            ("says s3c", "says s3c"),
            ("says another-o", "says [redacted]"),
            ("", ""),
        ] {
            assert_eq!(redactor.beginning(text), redacted, "{text}");
        }
        for (text, redacted) in [
            ("r3t-töken, it says", "[redacted], it says"),
            ("s3cr3t-töken, it says", "[redacted], it says"),
            ("öken", "[redacted]"),
            ("ken, it says", "ken, it says"),
            ("cr3t-tö", "[redacted]"),
            ("", ""),
        ] {
            assert_eq!(redactor.end(text), redacted, "{text}");
        }
        assert_eq!(Redactor::default().beginning("x"), "x");
    }

    #[test]
    fn it_shows_no_secret_and_knows_its_own() {
        let redactor = redactor(&["hunter22"]);
        assert_eq!(format!("{redactor:?}"), "Redactor(1 secrets)");
        assert!(redactor.is_of(&[Secret::new("hunter22".to_owned())]));
        assert!(!redactor.is_of(&[]) && !redactor.is_of(&[Secret::new("other-one".to_owned())]));
    }
}
