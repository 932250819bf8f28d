//! What a plain scalar means: the core schema of YAML 1.2.

use super::tree::Kind;

/// The greatest integer that JSON readers agree on.
const GREATEST: i64 = (1 << 53) - 1;

/// A plain scalar as the core schema reads it.
pub(super) enum Plain {
    /// A value.
    Value(Kind),
    /// An integer too large for its digits to survive.
    IntegerRange,
    /// Infinity, not-a-number, or a literal too large for a double.
    NotFinite,
}

/// Resolves a plain scalar; what is neither null, boolean nor number is text.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Value(Kind::Null),
        "true" | "True" | "TRUE" => return Plain::Value(Kind::Bool(true)),
        "false" | "False" | "FALSE" => return Plain::Value(Kind::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Plain::NotFinite,
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Plain::NotFinite;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(text, digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(text, digits, 16);
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return integer(text.parse().ok());
    }
    if is_float(unsigned) {
        return match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Plain::Value(Kind::Float(number)),
            _ => Plain::NotFinite,
        };
    }
    Plain::Value(Kind::text(text))
}

fn radix(text: &str, digits: &str, radix: u32) -> Plain {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Plain::Value(Kind::text(text));
    }
    integer(i64::from_str_radix(digits, radix).ok())
}

/// `None` stands for digits that do not even fit 64 bits.
fn integer(number: Option<i64>) -> Plain {
    match number {
        Some(number) if (-GREATEST..=GREATEST).contains(&number) => Plain::Value(Kind::Int(number)),
        _ => Plain::IntegerRange,
    }
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|exponent| {
        let power = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !power.is_empty() && digits(power)
    });
    mantissa_ok && exponent_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match resolve(text) {
            Plain::Value(kind) => format!("{kind:?}"),
            Plain::IntegerRange => "range".to_owned(),
            Plain::NotFinite => "infinite".to_owned(),
        }
    }

    #[test]
    fn the_core_schema_decides() {
        for (text, expected) in [
            ("", "Null"),
            ("~", "Null"),
            ("null", "Null"),
            ("TRUE", "Bool(true)"),
            ("017", "Int(17)"),
            ("0o17", "Int(15)"),
            ("0xFF", "Int(255)"),
            ("-3", "Int(-3)"),
            ("+3", "Int(3)"),
            ("1e3", "Float(1000.0)"),
            ("1.", "Float(1.0)"),
            (".5", "Float(0.5)"),
            ("-.5e-1", "Float(-0.05)"),
            ("9007199254740991", "Int(9007199254740991)"),
            ("9007199254740992", "range"),
            ("-9007199254740992", "range"),
            ("99999999999999999999", "range"),
            ("0x20000000000000", "range"),
            (".inf", "infinite"),
            ("-.INF", "infinite"),
            (".nan", "infinite"),
            ("1e999", "infinite"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        for text in [
            "no", "NO", "yes", "on", "off", "y", "1_000", "12:30:45", ".", "e3", "1e", "0o8", "0x", "+", "-", "- 1",
            "1.2.3", "+.inf.", "nan", "tRUE",
        ] {
            assert_eq!(read(text), format!("{:?}", Kind::text(text)), "{text}");
        }
    }
}
