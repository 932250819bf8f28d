//! What a secret looks like where it comes back.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kneo_core::secret::Secret;

/// Shorter secrets are not looked for: they would be found in words that are none.
pub(super) const SHORTEST: usize = 4;

/// A shorter line of a key, and a shorter password within another secret, is not looked for by itself.
const SHORTEST_PART: usize = 8;

/// A shorter line of another secret of several lines may be anybody's, such as `kind: Config`.
const SHORTEST_LINE: usize = 16;

/// As long are only words that are secrets themselves, if they have digits and letters.
const SHORTEST_WORD: usize = 20;

/// Shorter secrets are not looked for in base64, where a part of them could be there by chance.
const SHORTEST_ENCODED: usize = 12;

/// Everything to look for, the longest first, so that nothing that begins another leaves the rest of it behind.
///
/// That is each secret as it is; of one with several lines each line that tells something; of a header's value what
/// follows its scheme, and the user and password that it may mean; and all of these as JSON, an address or a form
/// escapes them, and in base64.
pub(super) fn of(secrets: &[Secret]) -> Vec<Secret> {
    let mut needles = BTreeSet::new();
    for secret in secrets {
        let mut parts = BTreeSet::new();
        add_parts(secret.reveal(), &mut parts);
        for part in &parts {
            add_escaped(part, &mut needles);
            add_base64(part, &mut needles);
        }
    }
    let mut needles: Vec<Secret> = needles.into_iter().map(Secret::new).collect();
    needles.sort_by_key(|needle| std::cmp::Reverse(needle.reveal().len()));
    needles
}

fn add_parts(secret: &str, parts: &mut BTreeSet<String>) {
    let mut add = |part: &str, least: usize| {
        if part.len() >= least {
            parts.insert(part.to_owned());
        }
    };
    let trimmed = secret.trim();
    add(secret, SHORTEST);
    add(trimmed, SHORTEST);
    // As in the header `Authorization`.
    if let Some((scheme, credential)) = trimmed.split_once(' ')
        && !credential.contains(char::is_whitespace)
    {
        add(credential, SHORTEST_PART);
        let meant = STANDARD.decode(credential).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"));
        if let Some(meant) = meant.and_then(|meant| String::from_utf8(meant).ok()) {
            add(&meant, SHORTEST_PART);
            add(meant.split_once(':').unwrap_or_default().1, SHORTEST_PART);
        }
    }
    if trimmed.contains('\n') {
        let mut within_key = false;
        for line in trimmed.lines().map(str::trim) {
            match line.starts_with("-----") {
                // Such a line is the same for everybody.
                true => within_key = line.starts_with("-----BEGIN "),
                false => add(line, if within_key { SHORTEST_PART } else { SHORTEST_LINE }),
            }
            line.split(|c: char| c.is_whitespace() || "\"',;:=".contains(c))
                .filter(|word| word.contains(|c: char| c.is_ascii_digit()) && word.contains(char::is_alphabetic))
                .for_each(|word| add(word, SHORTEST_WORD));
        }
    }
    // Credentials in JSON hold a key, whose line ends are escaped there and not where somebody has read them.
    if let Ok(json @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) = serde_json::from_str(trimmed) {
        add_keys(&json, parts);
    }
}

fn add_keys(json: &serde_json::Value, parts: &mut BTreeSet<String>) {
    match json {
        serde_json::Value::String(text) if text.contains("-----BEGIN ") => add_parts(text, parts),
        serde_json::Value::Array(items) => items.iter().for_each(|item| add_keys(item, parts)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| add_keys(field, parts)),
        _ => {}
    }
}

/// A text as it is, and as JSON, an address or a form has it.
fn add_escaped(text: &str, needles: &mut BTreeSet<String>) {
    let json = json(text);
    // What some writers escape beyond what they must: slashes, what HTML could mistake, what is not ASCII.
    needles.insert(json.replace('/', "\\/"));
    needles.insert(json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e"));
    let mut ascii = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(byte) => ascii.push(char::from(byte)),
            None => _ = write!(ascii, "\\u{unit:04x}"),
        }
    }
    needles.insert(ascii);
    // JSON as a text within JSON as a text.
    needles.insert(self::json(&json));
    needles.insert(json);
    for kept in ["-_.~", "-_.!~*'()", "-_.*"] {
        let upper = percent(text, kept, true);
        needles.insert(upper.replace("%20", "+"));
        needles.insert(upper);
        let lower = percent(text, kept, false);
        needles.insert(lower.replace("%20", "+"));
        needles.insert(lower);
    }
    needles.insert(text.to_owned());
}

/// The inside of a string in JSON.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

fn percent(text: &str, kept: &str, upper: bool) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => escaped.push(char::from(byte)),
            byte if upper => _ = write!(escaped, "%{byte:02X}"),
            byte => _ = write!(escaped, "%{byte:02x}"),
        }
    }
    escaped
}

/// What of a text's base64 is the same whatever stands before and after it, as `user:` does before a password.
fn add_base64(text: &str, needles: &mut BTreeSet<String>) {
    if text.len() < SHORTEST_ENCODED {
        return;
    }
    for before in 0..3_usize {
        let bytes = [vec![0; before], text.as_bytes().to_vec()].concat();
        // Three bytes are four digits; those that hold bits of a neighbour are left out.
        let first = if before == 0 { 0 } else { before + 1 };
        let last = bytes.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            needles.extend(engine.encode(&bytes).get(first..last).map(str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a secret is found in a text.
    fn is_found(secret: &str, text: &str) -> bool {
        of(&[Secret::new(secret.to_owned())]).iter().any(|needle| text.contains(needle.reveal()))
    }

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw/BCIEIJ+s\nAAb3/9+x\n-----END PRIVATE KEY-----\n";

    #[test]
    fn each_line_of_a_key_is_a_secret_and_its_frame_is_not() {
        for said in [
            "MC4CAQAwBQYDK2Vw/BCIEIJ+s",
            "is AAb3/9+x!",
            "MC4CAQAwBQYDK2Vw%2FBCIEIJ%2Bs",
            "MC4CAQAwBQYDK2Vw\\/BCIEIJ+s",
        ] {
            assert!(is_found(PEM, said), "{said}");
        }
        assert!(!is_found(PEM, "-----BEGIN PRIVATE KEY-----") && !is_found(PEM, "-----END PRIVATE KEY-----"));
    }

    #[test]
    fn lines_and_words_that_may_be_anybodys_are_none() {
        let config =
            "apiVersion: v1\nkind: Config\nclusters:\n- name: production-1\n  token: q7Rt2ZxP9vLm4KdW8sYb3NcH\n";
        for said in ["clusters:", "kind: Config", "apiVersion: v1", "name", "production-1", "token: "] {
            assert!(!is_found(config, said), "{said}");
        }
        for said in ["q7Rt2ZxP9vLm4KdW8sYb3NcH", "- name: production-1", "TOKEN=q7Rt2ZxP9vLm4KdW8sYb3NcH;"] {
            assert!(is_found(config, said), "{said}");
        }
        assert!(!is_found("correct horse battery staple", "a horse, a battery"));
        assert!(!is_found("key", "the key") && !is_found("", ""));
    }

    #[test]
    fn a_key_within_credentials_is_found_once_it_is_read() {
        let credentials = serde_json::json!({"type": "account", "keys": [{"private": PEM}]}).to_string();
        assert!(is_found(&credentials, PEM) && is_found(&credentials, "AAb3/9+x"));
        assert!(!is_found(&credentials, "account"));
    }

    #[test]
    fn what_a_header_means_is_found_without_its_scheme() {
        assert!(is_found("Bearer abcdefgh1", "abcdefgh1") && is_found("abcdefgh1\n", "abcdefgh1"));
        let basic = format!("Basic {}", STANDARD.encode("user:hunter2hunter2"));
        assert!(is_found(&basic, "user:hunter2hunter2") && is_found(&basic, "is hunter2hunter2"));
        assert!(is_found(&basic, &STANDARD.encode("user:hunter2hunter2")));
        assert!(!is_found("Basic instinct", "a user"));
    }

    #[test]
    fn escapes_hide_nothing() {
        let secret = "a\"b\\c/d&e fü\ng";
        for said in [
            r#"{"x":"a\"b\\c/d&e fü\ng"}"#,
            r#"{"x":"a\"b\\c\/d&e fü\ng"}"#,
            r#"{"x":"a\"b\\c/d\u0026e fü\ng"}"#,
            r#"{"x":"a\"b\\c/d&e f\u00fc\ng"}"#,
            r#""{\"x\":\"a\\\"b\\\\c/d&e fü\\ng\"}""#,
            "a%22b%5Cc%2Fd%26e%20f%C3%BC%0Ag",
            "a%22b%5cc%2fd%26e+f%c3%bc%0ag",
        ] {
            assert!(is_found(secret, said), "{said}");
        }
    }

    #[test]
    fn base64_is_found_wherever_it_begins() {
        let secret = "s3cr3t-token?>~1";
        for around in ["", "a", "ab", "abc", "user:", "longer than that: "] {
            for after in ["", "x", "xy", "xyz"] {
                let said = format!("{around}{secret}{after}");
                for engine in [STANDARD, base64::engine::general_purpose::URL_SAFE] {
                    assert!(is_found(secret, &engine.encode(&said)), "{said}");
                }
            }
        }
        assert!(!is_found("hunter22", &STANDARD.encode("hunter22")), "it is too short");
        assert!(is_found(&format!("Bearer {secret}"), &STANDARD.encode(format!("user:{secret}"))));
        assert!(is_found(PEM, &STANDARD.encode("a line: MC4CAQAwBQYDK2Vw/BCIEIJ+s")));
    }
}
