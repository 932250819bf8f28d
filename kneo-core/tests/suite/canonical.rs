//! Canonical JSON (RFC 8785), which plans, seals, digests and bundles stand on: the published examples, another
//! implementation, and numbers worked out by another way.

use kneo_core::plan::CompiledPlan;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// The writer that this workspace uses everywhere.
fn ours(value: &Json) -> String {
    serde_json_canonicalizer::to_string(value).unwrap()
}

/// Somebody else's.
fn theirs(value: &Json) -> String {
    serde_jcs::to_string(value).unwrap()
}

/// The examples of RFC 8785 (3.2.2, 3.2.3) and the six of its author's test suite: what is read, and what is written.
const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "values",
        r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#,
        r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#,
    ),
    (
        "sorting",
        r#"{
            "\u20ac": "Euro Sign",
            "\r": "Carriage Return",
            "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One",
            "\ud83d\ude00": "Emoji: Grinning Face",
            "\u0080": "Control",
            "\u00f6": "Latin Small Letter O With Diaeresis"
        }"#,
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
         \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
         \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    ),
    ("arrays", r#"[ 56, { "d": true, "10": null, "1": [ ] } ]"#, r#"[56,{"1":[],"10":null,"d":true}]"#),
    (
        "french",
        r#"{
            "peach": "This sorting order",
            "p\u00e9ch\u00e9": "is wrong according to French",
            "p\u00eache": "but canonicalization MUST",
            "sin": "ignore locale"
        }"#,
        r#"{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}"#,
    ),
    (
        "structures",
        r#"{
            "1": {"f": {"f": "hi", "F": 5}, "\n": 56.0},
            "10": { }, "": "empty", "a": { }, "111": [ {"e": "yes", "E": "no" } ], "A": { }
        }"#,
        r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#,
    ),
    // Two characters stay two: nothing is normalised.
    ("unicode", r#"{"Unnormalized Unicode": "A\u030a"}"#, "{\"Unnormalized Unicode\":\"A\u{30a}\"}"),
    (
        "weird",
        r#"{
            "\u20ac": "Euro Sign",
            "\r": "Carriage Return",
            "\u000a": "Newline",
            "1": "One",
            "\u0080": "Control\u007f",
            "\ud83d\ude02": "Smiley",
            "\u00f6": "Latin Small Letter O With Diaeresis",
            "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "</script>": "Browser Challenge"
        }"#,
        "{\"\\n\":\"Newline\",\"\\r\":\"Carriage Return\",\"1\":\"One\",\"</script>\":\"Browser Challenge\",\
         \"\u{80}\":\"Control\u{7f}\",\"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
         \"\u{1f602}\":\"Smiley\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    ),
];

#[test]
fn the_published_examples_come_out_as_published() {
    for (name, read, written) in EXAMPLES {
        let value: Json = serde_json::from_str(read).unwrap();
        assert_eq!(ours(&value), *written, "{name}");
        assert_eq!(theirs(&value), *written, "{name}");
    }
}

/// RFC 8785, appendix B: the bits of a double, and its text.
const NUMBERS: &[(u64, &str)] = &[
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
];

#[test]
fn numbers_are_written_as_published() {
    for (bits, text) in NUMBERS {
        let number = f64::from_bits(*bits);
        assert_eq!(ours(&json!(number)), *text, "{bits:016x}");
        assert_eq!(theirs(&json!(number)), *text, "{bits:016x}");
        assert_eq!(worked_out(number), *text, "{bits:016x}");
    }
}

/// The text of a finite double by the rules of ECMAScript: as few digits as lead back to it, and of those the nearest.
///
/// Both implementations above take their digits from versions of one library; this takes them from Rust's, which finds
/// how few will do, and rounds to so many with halves to even.
fn worked_out(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let shortest = format!("{:e}", number.abs());
    let count = shortest.split('e').next().unwrap().bytes().filter(u8::is_ascii_digit).count();
    let nearest = format!("{:.*e}", count - 1, number.abs());
    let scientific = if nearest.parse() == Ok(number.abs()) { nearest } else { shortest };
    let (digits, exponent) = scientific.split_once('e').unwrap();
    let digits = digits.replace('.', "");
    let (k, n) = (i32::try_from(digits.len()).unwrap(), exponent.parse::<i32>().unwrap() + 1);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap());
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap());
    let text = if k <= n && n <= 21 {
        format!("{digits}{}", zeros(n - k))
    } else if 0 < n && n <= 21 {
        let (whole, rest) = split(n);
        format!("{whole}.{rest}")
    } else if -6 < n && n <= 0 {
        format!("0.{}{digits}", zeros(-n))
    } else {
        let (first, rest) = split(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{first}{point}{rest}e{}{}", if n > 0 { "+" } else { "-" }, (n - 1).abs())
    };
    format!("{sign}{text}")
}

#[test]
fn what_is_no_number_has_no_form() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        // Readers know no such number, and `serde_json` makes it null before any writer sees it.
        assert!(serde_json::from_str::<f64>(&format!("{number}")).is_err());
    }
    assert!(serde_json::from_str::<Json>("1e400").is_err());
    assert!(serde_json::from_str::<Json>(r#""\ud83d""#).is_err());
}

#[test]
fn a_plan_has_the_form_that_another_program_gives_it() {
    const GOLDEN: &str = include_str!("../golden/plan-v1.json");
    let value: Json = serde_json::from_str(GOLDEN).unwrap();
    let plan = CompiledPlan::new(serde_json::from_str(GOLDEN).unwrap()).unwrap();
    assert_eq!(std::str::from_utf8(plan.bytes()).unwrap(), theirs(&value));
}

/// Finite doubles of every magnitude, and integers as far as every reader takes them.
fn number() -> impl Strategy<Value = Json> {
    const MAX: i64 = (1 << 53) - 1;
    let doubles = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |number| number.is_finite());
    prop_oneof![doubles.prop_map(|number| json!(number)), (-MAX..=MAX).prop_map(|number| json!(number))]
}

/// Texts in which order and escapes matter: around the surrogates, and of control characters.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        proptest::char::range('\u{0}', '\u{9f}'),
        proptest::char::range('\u{d7f0}', '\u{e010}'),
        proptest::char::range('\u{fff0}', '\u{10010}'),
        Just('"'),
        Just('\\'),
    ];
    proptest::collection::vec(character, 0..6).prop_map(|characters| characters.into_iter().collect())
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![Just(Json::Null), any::<bool>().prop_map(Json::from), number(), text().prop_map(Json::from)];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            proptest::collection::vec((text(), inner), 0..6).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn two_writers_agree_on_every_value(value in value()) {
        let text = ours(&value);
        prop_assert_eq!(&text, &theirs(&value));
        // What is read back has the same form: it is one.
        prop_assert_eq!(ours(&serde_json::from_str(&text).unwrap()), text);
    }

    #[test]
    fn numbers_follow_the_rules_of_ecmascript(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        prop_assert_eq!(ours(&json!(number)), worked_out(number));
    }
}
