//! Good specs with a piece changed: never a panic, never long, and what compiles is whole.

use proptest::prelude::*;

use kneo_spec::CompileOptions;
use kneo_spec::diagnostic::{TextStyle, to_text};

use super::golden::{in_time, run, specs};

#[derive(Clone, Debug)]
enum Change {
    Delete,
    Repeat,
    Replace(&'static str),
    Swap,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Delete),
        Just(Change::Repeat),
        Just(Change::Swap),
        proptest::sample::select(
            &[
                "",
                " ",
                "\n",
                "{",
                "}",
                "[",
                "]",
                ":",
                "- ",
                "'",
                "\"",
                "{{",
                "}}",
                "*a",
                "&a ",
                "!",
                "null",
                "0",
                "true",
                "steps.x.output",
                "größe"
            ][..]
        )
        .prop_map(Change::Replace),
    ]
}

/// Changes a run of characters of the text.
fn apply(text: &str, at: f64, length: usize, change: &Change) -> String {
    let chars: Vec<char> = text.chars().collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a short text"
    )]
    let start = ((chars.len() as f64) * at) as usize;
    let end = (start + length).min(chars.len());
    let (head, middle, tail) = (&chars[..start], &chars[start..end], &chars[end..]);
    let text = |part: &[char]| part.iter().collect::<String>();
    match change {
        Change::Delete => text(head) + &text(tail),
        Change::Repeat => text(head) + &text(middle) + &text(middle) + &text(tail),
        Change::Replace(with) => text(head) + with + &text(tail),
        Change::Swap => text(head) + &middle.iter().rev().collect::<String>() + &text(tail),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_specs_survive(
        which in 0usize..1_000,
        changes in proptest::collection::vec((0.0..1.0f64, 0usize..30, change()), 1..4),
    ) {
        let specs: Vec<_> = specs("ok").into_iter().chain(specs("diagnostics")).collect();
        let (name, path) = &specs[which % specs.len()];
        let mut text = std::fs::read_to_string(path).unwrap();
        for (at, length, change) in &changes {
            text = apply(&text, *at, *length, change);
        }
        let compilation = in_time(&text, || {
            let (sources, compilation) = run(name, &text, &CompileOptions::default());
            drop(to_text(&compilation.diagnostics, &sources, TextStyle::Plain));
            compilation
        });
        prop_assert!(compilation.diagnostics.iter().all(|d| d.code.as_str() != "E_INTERNAL"), "{}", text);
    }
}
