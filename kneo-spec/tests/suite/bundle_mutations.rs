//! Whatever happens to a bundle's bytes, it is refused; whatever bytes come, they are answered.

use kneo_spec::bundle::Bundle;
use proptest::prelude::*;
use proptest::sample::Index;

use super::bundles::{authentic, code, signed, trust};
use super::golden::in_time;

#[test]
fn no_bit_of_a_bundle_can_be_turned() {
    let bytes = signed().bytes().to_vec();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut turned = bytes.clone();
            turned[at] ^= 1 << bit;
            assert_ne!(code(&turned), "ok", "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn no_beginning_of_a_bundle_is_one_and_no_end() {
    let bytes = signed().bytes().to_vec();
    for at in 0..bytes.len() {
        assert_eq!(code(&bytes[..at]), "bundle_truncated", "{at} bytes");
        assert_ne!(code(&bytes[at + 1..]), "ok", "without {} bytes", at + 1);
    }
}

#[test]
fn no_byte_of_a_bundle_can_be_left_out_or_doubled() {
    let bytes = signed().bytes().to_vec();
    for at in 0..bytes.len() {
        let (before, after) = bytes.split_at(at);
        // One of two equal neighbours is the other.
        assert_ne!(code([before, &after[1..]].concat()), "ok", "without byte {at}");
        assert_ne!(code([before, &after[..1], after].concat()), "ok", "byte {at} twice");
    }
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Put(Index, Vec<u8>),
    Cut(Index, usize),
    Move(Index, usize, Index),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let start = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Change::Put(at, new) => {
                let at = start(at, bytes);
                drop(bytes.splice(at..at, new.iter().copied()));
            }
            Change::Cut(at, len) => {
                let at = start(at, bytes);
                drop(bytes.drain(at..bytes.len().min(at + len)));
            }
            Change::Move(from, len, to) => {
                let from = start(from, bytes);
                let part: Vec<u8> = bytes.drain(from..bytes.len().min(from + len)).collect();
                let to = start(to, bytes);
                drop(bytes.splice(to..to, part));
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..8),
        "[\\[\\]{},:\"0-9a-z\\\\]{1,6}".prop_map(String::into_bytes),
        Just(b"\"mac\":\"".to_vec()),
        Just(b"[".repeat(300)),
        Just(b"1e400".to_vec()),
        Just(b"\\ud83d".to_vec()),
    ];
    prop_oneof![
        (any::<Index>(), piece).prop_map(|(at, piece)| Change::Put(at, piece)),
        (any::<Index>(), 1..40usize).prop_map(|(at, len)| Change::Cut(at, len)),
        (any::<Index>(), 1..40usize, any::<Index>()).prop_map(|(from, len, to)| Change::Move(from, len, to)),
    ]
}

fn answered(bytes: &[u8]) -> Option<Bundle> {
    in_time(&String::from_utf8_lossy(bytes), || Bundle::verify(bytes, &trust()).ok())
}

/// Whatever is made hard costs no more than its length: keys that fall, keys that are long and begin alike, digits
/// without end.
#[test]
fn the_size_of_a_file_bounds_the_time_for_it() {
    let falling: Vec<String> = (0..300_000).rev().map(|at| format!("\"{at:06}\":0")).collect();
    let alike: Vec<String> = (0..3_000).rev().map(|at| format!("\"{}{at:04}\":0", "x".repeat(1_000))).collect();
    for (text, refused) in [
        (format!("{{{}}}", falling.join(",")), "bundle_not_canonical"),
        (format!("{{{}}}", alike.join(",")), "bundle_not_canonical"),
        ("9".repeat(3_000_000), "bundle_number"),
        (format!("0.{}", "1".repeat(3_000_000)), "bundle_not_canonical"),
        (format!("[{}0]", "0,".repeat(1_500_000)), "bundle_malformed"),
        (format!("\"{}\"", "\\n".repeat(1_500_000)), "bundle_malformed"),
        ("{\"a\":".repeat(600_000), "bundle_too_deep"),
    ] {
        assert_eq!(in_time(&text, || code(&text)), refused);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_bundle_is_refused(changes in proptest::collection::vec(change(), 1..4)) {
        let whole = signed();
        let mut bytes = whole.bytes().to_vec();
        for change in &changes {
            change.apply(&mut bytes);
        }
        let taken = answered(&bytes).is_some();
        prop_assert_eq!(taken, bytes == whole.bytes() || bytes == [whole.bytes(), b"\n"].concat());
    }

    /// Behind the code stands a reader that has to bear whatever a key in wrong hands signs.
    #[test]
    fn a_changed_body_with_a_good_code_is_answered(changes in proptest::collection::vec(change(), 1..4)) {
        let whole = signed();
        let end = whole.bytes().len() - authentic("").len() + "{\"body\":".len();
        let mut body = whole.bytes()["{\"body\":".len()..end].to_vec();
        for change in &changes {
            change.apply(&mut body);
        }
        // What is not sealed beside that may change: the names of files and of the compiler.
        if let Some(bundle) = answered(&authentic(&body)) {
            prop_assert_eq!(bundle.claim(), whole.claim());
            prop_assert_eq!(bundle.plan(), whole.plan());
            prop_assert_eq!(bundle.spec(), whole.spec());
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(answered(&bytes).is_none());
        prop_assert!(answered(&authentic(&bytes)).is_none());
    }
}
