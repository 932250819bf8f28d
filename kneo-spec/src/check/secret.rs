//! Secrets are referred to, never written.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::{Kind, NodeId, Text, Tree};

/// How credentials of well-known issuers begin, and how many characters follow at least.
const PREFIXES: &[(&str, usize)] = &[
    ("sk-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("github_pat_", 30),
    ("glpat-", 18),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xapp-", 20),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("npm_", 30),
    ("pypi-", 30),
    ("hf_", 30),
    ("gsk_", 30),
];

/// The keys under which a random-looking word is taken for a secret.
const SECRET_KEYS: &[&str] = &["key", "token", "secret", "password", "passwd", "credential", "authorization"];

/// Looks at every text of the spec.
pub(super) fn secrets(tree: &Tree, sink: &mut Diagnostics) {
    let mut waiting: Vec<(NodeId, Option<&str>)> = tree.root().map(|root| (root, None)).into_iter().collect();
    let mut seen = std::collections::HashSet::new();
    while let Some((node, key)) = waiting.pop() {
        if !seen.insert(node) {
            // An alias: what it stands for was looked at.
            continue;
        }
        match &tree.node(node).kind {
            Kind::Text(text, _) if !sink.has(Code::SecretLiteral, tree.node(node).span) => {
                look(tree, node, text, key, sink);
            }
            Kind::List(items) => waiting.extend(items.iter().map(|item| (*item, key))),
            Kind::Map(entries) => {
                waiting.extend(entries.iter().map(|entry| (entry.value, Some(&*entry.key.text))));
            }
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(..) | Kind::Error => {}
        }
    }
}

fn look(tree: &Tree, node: NodeId, text: &str, key: Option<&str>, sink: &mut Diagnostics) {
    // Made once, at the first secret: it walks the whole text.
    let mut places: Option<Text> = None;
    let mut place = |range: std::ops::Range<usize>| -> Span {
        if places.is_none() {
            places = tree.text(node);
        }
        places.as_ref().map_or(tree.node(node).span, |text| text.span_of(range))
    };
    if let Some(at) = text.find("-----BEGIN ")
        && text.get(at..).is_some_and(|rest| rest.lines().next().unwrap_or("").contains("PRIVATE KEY-----"))
    {
        // All of it, so that no report shows the key.
        sink.push(literal(tree.node(node).span, "a private key"));
        return;
    }
    if let Some(at) = credentials(text) {
        sink.push(literal(place(at), "an address with a password"));
        return;
    }
    for (start, word) in words(text) {
        let known = PREFIXES
            .iter()
            .find(|(prefix, length)| word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *length));
        if let Some((prefix, _)) = known {
            let what = format!("a credential that begins with `{prefix}`");
            sink.push(literal(place(start..start + word.len()), &what));
        } else if looks_random(word, key) {
            sink.push(
                Diagnostic::new(Code::SecretSuspected, place(start..start + word.len()), "this looks like a secret")
                    .help("if it is one, refer to it by name in a field that ends in `_ref`"),
            );
        }
    }
}

/// Where the user and the password stand in a text that is an address with both. What has holes is filled elsewhere.
fn credentials(text: &str) -> Option<std::ops::Range<usize>> {
    let (scheme, rest) = text.split_once("://")?;
    // RFC 3986, section 3.1.
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if text.contains(char::is_whitespace) || scheme.is_empty() || !scheme.chars().all(is_scheme) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let is_whole = user.split_once(':').is_some_and(|(_, password)| !password.is_empty() && !user.contains('{'));
    let start = scheme.len() + "://".len();
    is_whole.then(|| start..start + user.len())
}

fn literal(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::SecretLiteral, span, format!("the spec holds {what}"))
        .help("replace it at its issuer, and refer to the new one by name in a field that ends in `_ref`")
}

/// The runs of characters that credentials are made of, with their offsets.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text.get(rest..)?.find(part)?;
        let tail = text.get(start..)?;
        let length = tail.find(|c| !part(c)).unwrap_or(tail.len());
        rest = start + length;
        Some((start, tail.get(..length)?))
    })
}

/// Long, of mixed characters, and with as many different ones as chance would give; under a key
/// that speaks of secrets a shorter word is enough.
fn looks_random(word: &str, key: Option<&str>) -> bool {
    let secret_key = key.is_some_and(|key| {
        let key = key.to_ascii_lowercase();
        !key.ends_with("_ref") && SECRET_KEYS.iter().any(|secret| key.contains(secret))
    });
    let least = if secret_key { 20 } else { 32 };
    let has = |test: fn(&char) -> bool| word.chars().any(|c| test(&c));
    word.len() >= least
        && has(char::is_ascii_digit)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_uppercase)
        && entropy(word) > 4.0
}

/// Shannon entropy in bits per character.
fn entropy(word: &str) -> f64 {
    let mut counts = [0u32; 128];
    for byte in word.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a word's length")]
    let length = word.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_told_from_others() {
        for (text, found) in [
            ("https://ana:hunter2@example.com/v1", Some("ana:hunter2")),
            ("postgres://ana:p@ss@db:5432/x?y=1", Some("ana:p@ss")),
            ("git+https://ana:hunter2@example.com/a.git", Some("ana:hunter2")),
            ("https://ana@example.com/", None),
            ("https://example.com/a:b@c", None),
            ("https://ana:@example.com", None),
            ("https://{{ input.user }}:{{input.key}}@example.com", None),
            ("https://{{input.user}}:{{input.key}}@example.com", None),
            ("write https://ana:hunter2@example.com", None),
            ("ana:hunter2@example.com", None),
        ] {
            assert_eq!(credentials(text).and_then(|at| text.get(at)), found, "{text}");
        }
    }

    #[test]
    fn words_that_people_write_are_not_random() {
        for word in [
            "internationalization-and-localization",
            "0123456789abcdef0123456789abcdef01234567",
            "550e8400-e29b-41d4-a716-446655440000",
            "aaaaaaaaaaaaaaaaaaaaAAAAAAAAAAAA1",
        ] {
            assert!(!looks_random(word, None), "{word}");
        }
        assert!(looks_random("q7Rt2ZxP9vLm4KdW8sYb3NcH6fJg1TaE", None));
        assert!(looks_random("q7Rt2ZxP9vLm4KdW8sYb", Some("api_token")));
        assert!(!looks_random("q7Rt2ZxP9vLm4KdW8sYb", Some("token_ref")));
    }
}
