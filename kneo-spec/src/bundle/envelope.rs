//! The outermost shape of a bundle: all that is read before its code has been checked.
//!
//! The form is canonical, so the shape is fixed bytes at both ends: a file of that shape is taken apart without a parser,
//! and none sees its body before the code was checked. A file of any other shape is refused, whatever it holds; only to
//! say why, [`canonical::check`] looks over bytes that nobody vouched for. It makes nothing of them, keeps nothing but
//! keys, and does not recurse.

use kneo_core::Name;
use kneo_core::seal::Mac;

use super::canonical::{self, Flaw};
use super::{BundleError, MAX_BUNDLE_BYTES};

const START: &[u8] = br#"{"body":"#;
const KEY: &[u8] = br#","key":"#;
const MAC: &[u8] = br#"","mac":""#;
const END: &[u8] = br#""}"#;

/// The hexadecimal digits of a code.
const MAC_DIGITS: usize = 64;

/// The longest id of a key.
const MAX_KEY_ID: usize = 64;

/// A bundle that nobody has verified, in its three parts.
pub(super) struct Envelope<'a> {
    pub(super) body: &'a [u8],
    pub(super) key: &'a str,
    pub(super) mac: Mac,
}

/// Whether a text can be the id of a key: it needs no escapes, so that it is found by its quotes.
pub(super) fn is_key_id(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.len() <= MAX_KEY_ID && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(inner)
}

/// The file without the line end that programs like to put after it.
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

/// Takes a file apart.
///
/// # Errors
/// It is too large, or not of the shape; then why is found out for whoever mends it.
pub(super) fn read(bytes: &[u8]) -> Result<Envelope<'_>, BundleError> {
    if bytes.len() > MAX_BUNDLE_BYTES {
        return Err(BundleError::TooLarge { bytes: bytes.len() as u64 });
    }
    let bytes = trimmed(bytes);
    parts(bytes).ok_or_else(|| match canonical::check(bytes) {
        Ok(()) => BundleError::Malformed,
        Err(Flaw { kind, at }) => BundleError::of_flaw(kind, at),
    })
}

fn parts(bytes: &[u8]) -> Option<Envelope<'_>> {
    let rest = bytes.strip_prefix(START)?.strip_suffix(END)?;
    let (rest, mac) = rest.split_at_checked(rest.len().checked_sub(MAC_DIGITS)?)?;
    let rest = rest.strip_suffix(MAC)?;
    let quote = rest.iter().rev().take(MAX_KEY_ID + 1).position(|byte| *byte == b'"')?;
    let (rest, key) = rest.split_at_checked(rest.len().checked_sub(quote)?)?;
    let key = std::str::from_utf8(key).ok().filter(|key| is_key_id(key))?;
    let body = rest.strip_suffix(b"\"")?.strip_suffix(KEY)?;
    let canonical = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    let mac = std::str::from_utf8(mac).ok().filter(|mac| mac.as_bytes().iter().all(canonical))?;
    Some(Envelope { body, key, mac: mac.parse().ok()? })
}

/// Puts a file together.
pub(super) fn write(body: &[u8], key: &Name, mac: &Mac) -> Vec<u8> {
    let mac = mac.to_string();
    [START, body, KEY, b"\"", key.as_str().as_bytes(), MAC, mac.as_bytes(), END].concat()
}
