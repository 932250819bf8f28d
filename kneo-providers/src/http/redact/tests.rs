use super::{redact, without};

const KEY: &str = "sk-proj-Zm9vYmFyYmF6cXV4-0123456789";

#[test]
fn the_key_goes_however_it_is_written() {
    for text in [
        format!("wrong key {KEY}!"),
        format!("wrong key {KEY}{KEY}!"),
        format!(r#"wrong key {}!"#, KEY.replace("Zm9v", r"\u005a\u006D9v")),
        format!(r#"wrong key {}!"#, KEY.replace("Zm9v", r"\\\\u005am9v")),
        format!("wrong key {}!", KEY.replace("-0", "%2d0")),
        // Cut, as by a server that shows how a key begins or ends.
        format!("wrong key {}!", &KEY[..20]),
        format!("wrong key {}!", &KEY[15..]),
        format!("wrong key {}!", &KEY[15..24]),
    ] {
        assert_eq!(redact(&text, Some(KEY)), "wrong key [redacted]!", "{text}");
    }
}

/// A key may hold what looks like an escape, and an escape may hide what it holds.
#[test]
fn a_key_of_odd_characters_goes_too() {
    let key = r#"ab\"cd/ef%41gh\u0041ij"#;
    let within = |text: &str| serde_json::Value::from(text).to_string();
    for text in [key.to_owned(), within(key), within(&within(key)), within(key).replace('/', r"\/")] {
        assert!(without(&text, key).is_some_and(|text| !text.contains("cd")), "{text}");
        assert!(!redact(&text, Some(key)).contains("cd"), "{text}");
    }
}

#[test]
fn what_looks_like_a_key_goes_whoever_has_it() {
    for (text, expected) in [
        ("Incorrect API key provided: sk-proj-ab***********wxyz. See", "Incorrect API key provided: [redacted]. See"),
        ("key sk-ab...wxyz is wrong", "key [redacted] is wrong"),
        ("sk-1234", "[redacted]"),
        ("{\"key\":\"gsk_abcd1234\"}", "{\"key\":\"[redacted]\"}"),
        ("Authorization: Bearer Abc12345", "Authorization: Bearer [redacted]"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic [redacted]"),
        ("api_key=Abc12345&x=1", "api_key=[redacted]&x=1"),
        ("used abcdefghijklmnopqrstuvwxyz0123456789 here", "used [redacted] here"),
        (r"used sk-\u0061bcd here", "used [redacted] here"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[redacted]"),
    ] {
        assert_eq!(redact(text, None), expected);
    }
}

#[test]
fn what_says_why_stays() {
    for text in [
        "The model `gpt-4o-mini-2024-07-18` does not exist or you do not have access to it.",
        "Rate limit reached for gpt-4o in organization org-AbCdEfGhIjKlMnOp on tokens per min (TPM): Limit 30000",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.",
        "Invalid schema for function 'search': In context=('properties', 'a'), 'required' is required",
        "the token limit was exceeded; no api_key needed, authentication failed for bearer tokens",
        "see https://platform.openai.com/docs/guides/error-codes/api-errors.",
        "größe 漢字 🎉, 100% sure, 5%zz \\ and \\\\",
    ] {
        assert_eq!(redact(text, Some(KEY)), text);
    }
}

#[test]
fn a_text_is_one_short_line() {
    assert_eq!(redact(" a\r\n\tb\n", None), "a b");
    let long = redact(&"漢字 ".repeat(100_000), None);
    assert_eq!((long.chars().count(), long.ends_with('…')), (501, true));
}

#[test]
fn a_short_key_goes_whole_and_a_shorter_one_is_none() {
    assert_eq!(redact("the key abcd1 is bad", Some("abcd1")), "the key [redacted] is bad");
    assert_eq!(redact("the key abcd is bad", Some("abcd1")), "the key abcd is bad");
    assert_eq!(redact("a bad key", Some("a")), "a bad key");
}

#[test]
fn only_the_whole_key_leaves_an_answer() {
    assert_eq!(without(&format!("a {KEY} b"), KEY).as_deref(), Some("a [redacted] b"));
    assert_eq!(without(&format!("a {} b", &KEY[1..]), KEY), None);
    assert_eq!(without("sk-1234 sk-proj-abcdef", KEY), None);
    assert_eq!(without("", KEY), None);
}
