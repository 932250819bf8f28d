//! What a command's standard output means.

use kneo_core::value::{Value, ValueError};

/// Reads a JSON object or array as that value, and anything else as text without its last line end.
///
/// # Errors
/// Why the bytes are neither: they are not UTF-8, or are JSON beyond the limits of values.
pub(super) fn read(bytes: Vec<u8>) -> Result<Value, String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("it is not UTF-8 at byte {at}; write text, or write to a file and print its name")
    })?;
    if text.trim_start().starts_with(['{', '[']) {
        match Value::from_json_text(&text) {
            Ok(value) => return Ok(value),
            Err(ValueError::Syntax(_)) => {}
            Err(limit) => return Err(limit.to_string()),
        }
    }
    Ok(Value::from(without_line_end(&text)))
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_arrays_are_values_and_the_rest_is_text() {
        for (output, value) in [
            (" {\"a\": 1}\n", Value::map([("a", Value::from(1))]).unwrap()),
            ("[]", Value::list([]).unwrap()),
            ("12\n", Value::from("12")),
            ("null", Value::from("null")),
            ("{not json\n", Value::from("{not json")),
            ("{} {}", Value::from("{} {}")),
            ("{\"a\":1,\"a\":2}", Value::from("{\"a\":1,\"a\":2}")),
            ("two\nlines\n\n", Value::from("two\nlines\n")),
            ("dos\r\n", Value::from("dos")),
            ("", Value::from("")),
        ] {
            assert_eq!(read(output.as_bytes().to_vec()), Ok(value), "{output:?}");
        }
    }

    #[test]
    fn what_a_value_cannot_hold_is_an_error_and_never_changed() {
        assert!(read(vec![b'a', 0xff]).unwrap_err().contains("at byte 1"));
        assert!(read(b"{\"id\": 9007199254740993}".to_vec()).unwrap_err().contains("9007199254740993"));
        let deep = "[".repeat(500) + &"]".repeat(500);
        assert!(read(deep.into_bytes()).unwrap_err().contains("nests deeper"));
    }
}
