//! Keys taken out of texts that others wrote.
//!
//! Servers repeat keys in their errors, whole, masked or cut, and errors that were passed on hold JSON within JSON, so
//! that a key is written with escapes. What comes from a server is put into an error only through here.

use std::ops::Range;

/// What stands in place of a key.
pub(crate) const MARK: &str = "[redacted]";

/// The longest text that is looked at, in bytes.
const LONGEST: usize = 16 << 10;

/// The most characters that are left of a text.
const MOST_CHARS: usize = 500;

/// So many characters of a key in a row are as good as the key.
const TELLING: usize = 8;

/// A shorter key is no secret, and taking it out would take words apart.
const SHORTEST: usize = 4;

/// A text without the key, without parts of it and without whatever else looks like a key, on one line and not long.
pub(crate) fn redact(text: &str, key: Option<&str>) -> String {
    let end = (0..=text.len().min(LONGEST)).rev().find(|end| text.is_char_boundary(*end));
    let text = text.get(..end.unwrap_or_default()).unwrap_or_default();
    let view = View::of(text);
    let mut hidden = vec![false; view.chars.len()];
    if let Some(key) = key {
        view.mark_key(key, &mut hidden);
    }
    view.mark_lookalikes(&mut hidden);
    short(&view.without(text, &hidden))
}

/// A text without a key that stands in it whole, whatever escapes it is written with; all else stays.
pub(crate) fn without(text: &str, key: &str) -> Option<String> {
    let view = View::of(text);
    let mut hidden = vec![false; view.chars.len()];
    let wanted = View::of(key).meant();
    for (at, window) in view.chars.windows(wanted.len().max(1)).enumerate() {
        if window.iter().map(|seen| seen.char).eq(wanted.iter().copied()) {
            hidden.iter_mut().skip(at).take(wanted.len()).for_each(|hidden| *hidden = true);
        }
    }
    hidden.contains(&true).then(|| view.without(text, &hidden))
}

/// The characters that a text means, each with its place in the text.
struct View {
    chars: Vec<Seen>,
}

struct Seen {
    char: char,
    place: Range<usize>,
}

impl View {
    /// Reads `\u0073`, `\/` and `%73`, behind however many backslashes.
    fn of(text: &str) -> View {
        let mut chars = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let (char, length) = meant(rest);
            chars.push(Seen { char, place: at..at + length });
            at += length;
        }
        View { chars }
    }

    fn meant(&self) -> Vec<char> {
        self.chars.iter().map(|seen| seen.char).collect()
    }

    /// Hides every stretch that the key has too, which may look escaped itself.
    fn mark_key(&self, key: &str, hidden: &mut [bool]) {
        let key = View::of(key).meant();
        let length = key.len().min(TELLING);
        if length < SHORTEST {
            return;
        }
        for (at, window) in self.chars.windows(length).enumerate() {
            let is_part = |part: &[char]| window.iter().map(|seen| seen.char).eq(part.iter().copied());
            if key.windows(length).any(is_part) {
                hidden.iter_mut().skip(at).take(length).for_each(|hidden| *hidden = true);
            }
        }
    }

    /// Hides what is written like a key, whoever's it is.
    fn mark_lookalikes(&self, hidden: &mut [bool]) {
        let text: String = self.chars.iter().map(|seen| seen.char).collect();
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let char_at = |byte: usize| starts.partition_point(|start| *start < byte);
        for range in lookalikes(&text) {
            let range = char_at(range.start)..char_at(range.end);
            hidden.iter_mut().take(range.end).skip(range.start).for_each(|hidden| *hidden = true);
        }
    }

    fn without(&self, text: &str, hidden: &[bool]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut before = false;
        for (seen, hidden) in self.chars.iter().zip(hidden) {
            match (hidden, before) {
                (false, _) => out.push_str(text.get(seen.place.clone()).unwrap_or_default()),
                (true, false) => out.push_str(MARK),
                (true, true) => {}
            }
            before = *hidden;
        }
        out
    }
}

/// The character that a text begins with, and how many bytes say it.
fn meant(text: &str) -> (char, usize) {
    let first = text.chars().next().unwrap_or_default();
    let plain = (first, first.len_utf8());
    match first {
        '\\' => {
            let slashes = text.len() - text.trim_start_matches('\\').len();
            let rest = text.get(slashes..).unwrap_or_default();
            let unicode = rest.strip_prefix('u').and_then(|rest| rest.get(..4));
            let unicode = unicode.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
            match (unicode, rest.chars().next()) {
                (Some(char), _) => (char, slashes + 5),
                (None, Some(char @ ('/' | '"' | '\''))) => (char, slashes + 1),
                (None, Some('n' | 'r' | 't' | 'b' | 'f')) => (' ', slashes + 1),
                (None, _) => (first, slashes),
            }
        }
        '%' => {
            let byte = text.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
            byte.filter(u8::is_ascii).map_or(plain, |byte| (char::from(byte), 3))
        }
        _ => plain,
    }
}

/// How keys of known makers begin.
const BEGINNINGS: &[&str] = &[
    "sk-",
    "sk_",
    "pk-",
    "pk_",
    "rk_",
    "gsk_",
    "xai-",
    "hf_",
    "AIza",
    "r8_",
    "nvapi-",
    "tgp_",
    "fw_",
    "pplx-",
    "csk-",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "AKIA",
    "ASIA",
    "eyJ",
];

/// Words after which a key stands.
const INTRODUCTIONS: &[&str] =
    &["bearer", "basic", "authorization", "api-key", "api_key", "apikey", "x-api-key", "token", "secret", "password"];

/// As many letters and digits in a row as no word has.
const LONG_RUN: usize = 32;

fn lookalikes(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut introduced = false;
    for (at, word) in words(text) {
        let bare = word.trim_end_matches('.');
        let introduces = INTRODUCTIONS.iter().any(|known| bare.eq_ignore_ascii_case(known));
        let known = BEGINNINGS.iter().any(|start| bare.starts_with(start) && bare.len() >= start.len() + SHORTEST);
        let masked = bare.contains("***") || bare.contains('•');
        // What follows an introduction is a key if it is not just a word.
        let mixed = |char: char| char.is_ascii_digit() || char.is_ascii_uppercase();
        let telling = introduced && bare.len() >= TELLING && bare.chars().skip(1).any(mixed);
        if known || masked || telling || has_long_run(bare) {
            found.push(at..at + bare.len());
        }
        introduced = introduces;
    }
    found
}

/// The words of a text that could be keys, with where they begin.
fn words(text: &str) -> Vec<(usize, &str)> {
    let of_key = |char: char| char.is_ascii_alphanumeric() || "_-*•.…+~".contains(char);
    let mut words = Vec::new();
    let mut begins = None;
    for (at, char) in text.char_indices().chain([(text.len(), ' ')]) {
        match (of_key(char), begins) {
            (true, None) => begins = Some(at),
            (false, Some(start)) => {
                words.extend(text.get(start..at).map(|word| (start, word)));
                begins = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    words
}

fn has_long_run(word: &str) -> bool {
    word.split(|char: char| !char.is_ascii_alphanumeric()).any(|run| {
        let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(kind);
        run.len() >= LONG_RUN && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    })
}

/// On one line, and no longer than a reader wants.
fn short(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests;
