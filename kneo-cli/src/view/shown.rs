//! Values for people who decide about them: nothing hidden, nothing in quotes.

use std::fmt::Write as _;

use kneo::Value;

use crate::visible::whole as visible;

/// A value in lines: text as it is, maps and lists as an outline.
pub(crate) fn shown(value: &Value) -> String {
    let mut text = String::new();
    match inline(value) {
        Some(line) => text.push_str(&line),
        None => block(&mut text, value, ""),
    }
    text
}

/// What fits in one line.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) if text.contains('\n') => None,
        Value::Str(text) => Some(visible(text).into_owned()),
        Value::List(list) if !list.is_empty() => None,
        Value::Map(map) if map.into_iter().next().is_some() => None,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => Some(value.to_string()),
    }
}

fn block(text: &mut String, value: &Value, indent: &str) {
    match value {
        Value::Map(map) => {
            for (key, value) in map {
                item(text, &format!("{indent}{}:", crate::visible::line(key)), value, indent);
            }
        }
        Value::List(list) => {
            for value in list.items() {
                item(text, &format!("{indent}-"), value, indent);
            }
        }
        other => {
            let lines = other.as_str().unwrap_or_default();
            for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
                end_line(text);
                text.push_str(format!("{indent}{}", visible(line)).trim_end());
            }
        }
    }
}

fn item(text: &mut String, name: &str, value: &Value, indent: &str) {
    end_line(text);
    text.push_str(name);
    match inline(value) {
        Some(line) => {
            // Writing to a `String` cannot fail.
            let _ = write!(text, " {line}");
        }
        None => block(text, value, &format!("{indent}  ")),
    }
}

fn end_line(text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_json(json: &str) -> String {
        shown(&Value::from_json_text(json).unwrap())
    }

    #[test]
    fn maps_and_lists_are_outlines_and_text_keeps_its_lines() {
        let value =
            r##"{"text": "# 2.4.0\n\n- one", "to": ["ana", {"name": "ben"}], "size": 3, "none": null, "no": []}"##;
        let expected = "text:\n  # 2.4.0\n\n  - one\nto:\n  - ana\n  -\n    name: ben\nsize: 3\nnone: null\nno: []";
        assert_eq!(shown_json(value), expected);
    }

    #[test]
    fn single_values_stand_for_themselves() {
        for (json, text) in [("\"a b\"", "a b"), ("\"a\\nb\"", "a\nb"), ("7", "7"), ("{}", "{}"), ("[1]", "- 1")] {
            assert_eq!(shown_json(json), text);
        }
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(shown(&Value::from("rm x\u{1b}[2K\rls\tx")), "rm x\\u{1b}[2K\\rls\tx");
        assert_eq!(shown_json(r#"{"a\u001b[1A": "b\u0007"}"#), "a\\u{1b}[1A: b\\u{7}");
    }
}
