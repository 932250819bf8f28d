//! Words that stand for what must not be seen, and a look for them.

use std::collections::BTreeSet;
use std::fmt;

/// Whose a canary is, and with that where it may be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A secret that Kneo is given, to use and to show to nobody: it is in no record, log, span, error or export.
    Held,
    /// What people, models, tools or functions say: the record holds it, and what is asked to show it. Nothing else does.
    Said,
    /// A variable of the process that nobody has named: it is nowhere.
    Undeclared,
}

/// A word that is nowhere but where it is planted.
#[derive(Clone)]
pub struct Canary {
    /// What stands for it in reports, which never show the value.
    pub name: &'static str,
    /// Where it is planted, and where it comes back if it does.
    pub planted: &'static str,
    /// Whose it is.
    pub kind: Kind,
    /// The word itself.
    pub value: String,
}

/// Only so many letters and digits in a row are nobody else's.
const TELLING: usize = 10;

impl Canary {
    /// A canary.
    pub fn new(name: &'static str, planted: &'static str, kind: Kind, value: impl Into<String>) -> Canary {
        Canary { name, planted, kind, value: value.into() }
    }

    /// What tells that the canary was there, however it was written: the stretches of letters and digits that no way to
    /// escape a text changes, the whole in hexadecimal digits, and what of its base64 does not depend on what stands
    /// around it.
    pub fn tells(&self) -> Vec<String> {
        let runs = self.value.split(|char: char| !char.is_ascii_alphanumeric()).filter(|run| run.len() >= TELLING);
        let mut tells: Vec<String> = runs.map(str::to_owned).collect();
        let bytes = self.value.as_bytes();
        tells.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        for before in 0..3 {
            let whole = base64(&[b"...".get(..before).unwrap_or_default(), bytes].concat());
            // How a key in PEM form begins and ends is the same for all.
            let (first, last) =
                if self.value.starts_with("-----") { (40, 40) } else { (usize::from(before > 0) * 4, 2) };
            let stable = whole.trim_end_matches('=');
            let stable = stable.get(first..stable.len().saturating_sub(last)).unwrap_or_default();
            let runs = stable.split(['+', '/']).filter(|run| run.len() >= TELLING);
            tells.extend(runs.map(str::to_owned));
        }
        tells
    }

    /// What of the canary a text holds, if anything.
    pub fn seen_in(&self, text: &str) -> Option<String> {
        self.tells().into_iter().find(|tell| text.contains(tell.as_str()))
    }
}

/// Shows everything but the value.
impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} canary `{}` ({})", self.kind, self.name, self.planted)
    }
}

/// Bytes in base64, with its usual alphabet.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().chain(std::iter::repeat(&0)).take(3).fold(0u32, |group, byte| (group << 8) | u32::from(*byte));
        for at in 0..4 {
            let digit = ALPHABET.get((group >> (18 - 6 * at)) as usize & 63).copied().unwrap_or_default();
            text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Each place of some texts at which one of some canaries is seen: a line for each, with what stands around it.
pub fn sightings<'a>(canaries: &[&Canary], texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let tells: Vec<(String, &Canary)> =
        canaries.iter().flat_map(|canary| canary.tells().into_iter().map(|tell| (tell, *canary))).collect();
    let Ok(any) = regex::Regex::new(&tells.iter().map(|(tell, _)| tell.as_str()).collect::<Vec<_>>().join("|")) else {
        return vec!["what tells canaries is no pattern".to_owned()];
    };
    let mut found = Vec::new();
    for (place, text) in texts {
        let mut names = BTreeSet::new();
        for seen in any.find_iter(text).filter(|seen| !seen.is_empty()) {
            let Some((_, canary)) = tells.iter().find(|(tell, _)| tell == seen.as_str()) else { continue };
            if names.insert(canary.name) {
                let start = text.floor(seen.start().saturating_sub(300));
                let end = text.floor((seen.end() + 60).min(text.len()));
                found.push(format!("{place}: {canary:?}: …{}…", text.get(start..end).unwrap_or_default()));
            }
        }
    }
    found
}

trait Floor {
    /// The last place up to this one at which a character begins.
    fn floor(&self, at: usize) -> usize;
}

impl Floor for str {
    fn floor(&self, at: usize) -> usize {
        (0..=at).rev().find(|at| self.is_char_boundary(*at)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_seen_however_it_is_written() {
        let canary = Canary::new("x", "here", Kind::Held, "Kz8vQmT4xWb1/7tYp\"Rw3sLd9Hc");
        for text in [
            "is Kz8vQmT4xWb1 all?",
            r#"{"a":"Kz8vQmT4xWb1\/7tYp\"Rw3sLd9Hc"}"#,
            "Kz8vQmT4xWb1%2F7tYp%22Rw3sLd9Hc",
            &base64(canary.value.as_bytes()),
            &base64(format!("user:{}", canary.value).as_bytes()),
            &base64(format!("u:{} and more", canary.value).as_bytes()),
            &base64(format!("me:{}", canary.value).as_bytes()),
        ] {
            assert_eq!(sightings(&[&canary], [("place", text)]).len(), 1, "{text}");
        }
        assert_eq!(sightings(&[&canary], [("place", "Kz8vQmT4"), ("place", "")]), Vec::<String>::new());
        assert!(!format!("{canary:?}").contains("Kz8"));
        assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
    }
}
