use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::build::{ListBuilder, TextBuilder};
use super::{ExprError, Meter, Pattern};
use crate::value::{List, Number, Value};

/// What compiling a pattern costs, in bytes.
const COMPILE_BYTES: u64 = 100 << 10;

/// A built-in function.
///
/// `f(x, y)` and `x.f(y)` are the same call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Function {
    /// The characters of a text, items of a list or entries of a map.
    Size,
    /// The items of a list as one text, with a separator between.
    Join,
    /// A value as compact JSON.
    Json,
    /// The lines of a text as a list, or the items of a list as one text with an item a line.
    Lines,
    /// At most so many characters of a text, the last an ellipsis if something is cut.
    Truncate,
    /// The items of a list as one text, with a bullet before each.
    Bullets,
    /// Whether a text matches a computed pattern somewhere.
    Matches,
    /// Whether a text holds another.
    Contains,
    /// Whether a text begins with another.
    StartsWith,
    /// Whether a text ends with another.
    EndsWith,
    /// A number or truth value as text, written as in JSON.
    String,
    /// A number without its fraction, or the integer that a text writes.
    Int,
    /// A number, or the number that a text writes, as a double.
    Double,
    /// A text with ASCII letters in lower case.
    LowerAscii,
    /// A text with ASCII letters in upper case.
    UpperAscii,
    /// A text without the white space at its ends.
    Trim,
    /// The parts of a text between separators.
    Split,
    /// A text with every occurrence of one text replaced by another.
    Replace,
}

impl Function {
    /// Every function, in the order the reference lists them.
    pub const ALL: [Function; 18] = [
        Function::Size,
        Function::Join,
        Function::Json,
        Function::Lines,
        Function::Truncate,
        Function::Bullets,
        Function::Matches,
        Function::Contains,
        Function::StartsWith,
        Function::EndsWith,
        Function::String,
        Function::Int,
        Function::Double,
        Function::LowerAscii,
        Function::UpperAscii,
        Function::Trim,
        Function::Split,
        Function::Replace,
    ];

    /// The name as the author writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Function::Size => "size",
            Function::Join => "join",
            Function::Json => "json",
            Function::Lines => "lines",
            Function::Truncate => "truncate",
            Function::Bullets => "bullets",
            Function::Matches => "matches",
            Function::Contains => "contains",
            Function::StartsWith => "startsWith",
            Function::EndsWith => "endsWith",
            Function::String => "string",
            Function::Int => "int",
            Function::Double => "double",
            Function::LowerAscii => "lowerAscii",
            Function::UpperAscii => "upperAscii",
            Function::Trim => "trim",
            Function::Split => "split",
            Function::Replace => "replace",
        }
    }

    /// The function of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|function| function.as_str() == name)
    }

    /// The arguments as the author writes them, the optional ones in brackets.
    #[must_use]
    pub fn signature(self) -> &'static str {
        match self {
            Function::Size => "size(x)",
            Function::Join => "join(list[, separator])",
            Function::Json => "json(x)",
            Function::Lines => "lines(x)",
            Function::Truncate => "truncate(text, length)",
            Function::Bullets => "bullets(list)",
            Function::Matches => "matches(text, pattern)",
            Function::Contains => "contains(text, part)",
            Function::StartsWith => "startsWith(text, part)",
            Function::EndsWith => "endsWith(text, part)",
            Function::String => "string(x)",
            Function::Int => "int(x)",
            Function::Double => "double(x)",
            Function::LowerAscii => "lowerAscii(text)",
            Function::UpperAscii => "upperAscii(text)",
            Function::Trim => "trim(text)",
            Function::Split => "split(text, separator)",
            Function::Replace => "replace(text, from, to)",
        }
    }

    /// How many arguments it takes.
    #[must_use]
    pub fn arity(self) -> RangeInclusive<usize> {
        match self {
            Function::Size
            | Function::Json
            | Function::Lines
            | Function::Bullets
            | Function::String
            | Function::Int
            | Function::Double
            | Function::LowerAscii
            | Function::UpperAscii
            | Function::Trim => 1..=1,
            Function::Join => 1..=2,
            Function::Truncate
            | Function::Matches
            | Function::Contains
            | Function::StartsWith
            | Function::EndsWith
            | Function::Split => 2..=2,
            Function::Replace => 3..=3,
        }
    }
}

pub(super) fn call<'a>(
    function: Function,
    arguments: Vec<Cow<'a, Value>>,
    meter: &mut Meter,
) -> Result<Cow<'a, Value>, ExprError> {
    let text = |value: &Value| text_of(function, value).map(str::to_owned);
    let answer = match (function, arguments.as_slice()) {
        (Function::Size, [x]) => size(x, meter),
        (Function::Join, [items]) => join(list_of(function, items)?, "", meter),
        (Function::Join, [items, separator]) => join(list_of(function, items)?, text_of(function, separator)?, meter),
        (Function::Json, [x]) => json(x, meter),
        (Function::Lines, [x]) => lines(x, meter),
        (Function::Truncate, [x, length]) => truncate(x, length, meter),
        (Function::Bullets, [items]) => bullets(list_of(function, items)?, meter),
        (Function::Matches, [x, pattern]) => {
            meter.bytes(COMPILE_BYTES)?;
            let pattern = Pattern::new(text(pattern)?).map_err(|error| ExprError::invalid(error.to_string()))?;
            matches(x, &pattern, meter).map(Value::Bool)
        }
        (Function::Contains, [x, part]) => {
            let (x, part) = (text_of(function, x)?, text_of(function, part)?);
            meter.bytes(x.len() as u64)?;
            Ok(Value::Bool(x.contains(part)))
        }
        (Function::StartsWith, [x, part]) => {
            Ok(Value::Bool(text_of(function, x)?.starts_with(text_of(function, part)?)))
        }
        (Function::EndsWith, [x, part]) => Ok(Value::Bool(text_of(function, x)?.ends_with(text_of(function, part)?))),
        (Function::String, [x]) => string(x, meter),
        (Function::Int, [x]) => int(x),
        (Function::Double, [x]) => double(x),
        (Function::LowerAscii, [x]) => cased(text_of(function, x)?, str::to_ascii_lowercase, meter),
        (Function::UpperAscii, [x]) => cased(text_of(function, x)?, str::to_ascii_uppercase, meter),
        (Function::Trim, [x]) => trim(x, meter),
        (Function::Split, [x, separator]) => split(text_of(function, x)?, text_of(function, separator)?, meter),
        (Function::Replace, [x, from, to]) => {
            replace(text_of(function, x)?, text_of(function, from)?, text_of(function, to)?, meter)
        }
        (function, _) => Err(ExprError::invalid(format!("the call is not `{}`", function.signature()))),
    };
    answer.map(Cow::Owned)
}

/// Whether a text matches a pattern somewhere.
pub(super) fn matches(text: &Value, pattern: &Pattern, meter: &mut Meter) -> Result<bool, ExprError> {
    let text = text_of(Function::Matches, text)?;
    meter.bytes((text.len() as u64).saturating_mul(4))?;
    pattern.is_match(text).map_err(|error| ExprError::invalid(error.to_string()))
}

fn text_of(function: Function, value: &Value) -> Result<&str, ExprError> {
    value.as_str().ok_or_else(|| ExprError::wrong_type(&format!("`{}` takes strings", function.as_str()), value))
}

fn list_of(function: Function, value: &Value) -> Result<&List, ExprError> {
    match value {
        Value::List(list) => Ok(list),
        other => Err(ExprError::wrong_type(&format!("`{}` takes a list", function.as_str()), other)),
    }
}

fn size(x: &Value, meter: &mut Meter) -> Result<Value, ExprError> {
    let size = match x {
        Value::Str(text) => {
            meter.bytes(text.len() as u64)?;
            text.chars().count()
        }
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        other => return Err(ExprError::wrong_type("`size` takes a string, a list or a map", other)),
    };
    Ok(Value::int(i64::try_from(size).unwrap_or(i64::MAX))?)
}

fn join(items: &List, separator: &str, meter: &mut Meter) -> Result<Value, ExprError> {
    let mut out = TextBuilder::default();
    let mut between = "";
    for item in items.items() {
        out.push(between)?;
        out.push_value(item)?;
        between = separator;
    }
    out.finish(meter).map(Value::Str)
}

fn json(x: &Value, meter: &mut Meter) -> Result<Value, ExprError> {
    let mut out = TextBuilder::default();
    out.push_json(x)?;
    out.finish(meter).map(Value::Str)
}

fn lines(x: &Value, meter: &mut Meter) -> Result<Value, ExprError> {
    match x {
        Value::List(items) => join(items, "\n", meter),
        Value::Str(text) => {
            let mut out = ListBuilder::default();
            for line in text.lines() {
                out.push(Value::from(line))?;
            }
            out.finish(meter)
        }
        other => Err(ExprError::wrong_type("`lines` takes a string or a list", other)),
    }
}

fn bullets(items: &List, meter: &mut Meter) -> Result<Value, ExprError> {
    let mut out = TextBuilder::default();
    let mut between = "";
    for item in items.items() {
        out.push(between)?;
        out.push("- ")?;
        let mut text = TextBuilder::default();
        text.push_value(item)?;
        // What follows a line break belongs to the same bullet.
        for (index, line) in text.finish(meter)?.split('\n').enumerate() {
            out.push(if index == 0 { "" } else { "\n  " })?;
            out.push(line)?;
        }
        between = "\n";
    }
    out.finish(meter).map(Value::Str)
}

fn truncate(x: &Value, length: &Value, meter: &mut Meter) -> Result<Value, ExprError> {
    let text = text_of(Function::Truncate, x)?;
    let Some(wanted) = length.as_i64() else {
        return Err(ExprError::wrong_type("the length of `truncate` is an int", length));
    };
    let Ok(wanted) = usize::try_from(wanted) else {
        return Err(ExprError::invalid(format!("the length of `truncate` is `{wanted}`, below zero")));
    };
    if text.char_indices().nth(wanted).is_none() {
        return Ok(x.clone());
    }
    let mut out = TextBuilder::default();
    if let Some(kept) = wanted.checked_sub(1) {
        let end = text.char_indices().nth(kept).map_or(text.len(), |(at, _)| at);
        out.push(text.get(..end).unwrap_or_default())?;
        out.push("…")?;
    }
    out.finish(meter).map(Value::Str)
}

fn string(x: &Value, meter: &mut Meter) -> Result<Value, ExprError> {
    match x {
        Value::Str(_) => Ok(x.clone()),
        Value::Bool(_) | Value::Number(_) => {
            let mut out = TextBuilder::default();
            out.push_value(x)?;
            out.finish(meter).map(Value::Str)
        }
        Value::Null | Value::List(_) | Value::Map(_) => {
            Err(ExprError::wrong_type("`string` takes a string, a number or a bool, where `json` takes anything", x))
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to lie within ±2^53")]
fn int(x: &Value) -> Result<Value, ExprError> {
    match x {
        Value::Number(number) => match number.as_i64() {
            Some(_) => Ok(x.clone()),
            None if number.as_f64().abs() < 9.1e15 => Ok(Value::int(number.as_f64().trunc() as i64)?),
            None => Err(crate::value::ValueError::IntegerOutOfRange(number.as_f64().to_string()).into()),
        },
        Value::Str(text) => match text.parse::<i64>() {
            Ok(int) => Ok(Value::int(int)?),
            Err(_) => Err(ExprError::invalid(format!("`{}` is not an int", short(text)))),
        },
        other => Err(ExprError::wrong_type("`int` takes a number or a string", other)),
    }
}

fn double(x: &Value) -> Result<Value, ExprError> {
    match x {
        Value::Number(number) => Ok(Value::Number(Number::float(number.as_f64())?)),
        Value::Str(text) => match text.parse::<f64>() {
            Ok(double) if double.is_finite() => Ok(Value::float(double)?),
            _ => Err(ExprError::invalid(format!("`{}` is not a number", short(text)))),
        },
        other => Err(ExprError::wrong_type("`double` takes a number or a string", other)),
    }
}

fn cased(text: &str, change: impl Fn(&str) -> String, meter: &mut Meter) -> Result<Value, ExprError> {
    meter.bytes(text.len() as u64)?;
    if text.len() as u64 > super::MAX_BUILT_BYTES {
        return Err(ExprError::too_large());
    }
    meter.built(Value::from(change(text)))
}

fn trim(x: &Value, meter: &mut Meter) -> Result<Value, ExprError> {
    let text = text_of(Function::Trim, x)?;
    let trimmed = text.trim();
    if trimmed.len() == text.len() {
        return Ok(x.clone());
    }
    let mut out = TextBuilder::default();
    out.push(trimmed)?;
    out.finish(meter).map(Value::Str)
}

fn split(text: &str, separator: &str, meter: &mut Meter) -> Result<Value, ExprError> {
    let mut out = ListBuilder::default();
    if separator.is_empty() {
        let mut buffer = [0; 4];
        for character in text.chars() {
            out.push(Value::from(&*character.encode_utf8(&mut buffer)))?;
        }
    } else {
        for part in text.split(separator) {
            out.push(Value::from(part))?;
        }
    }
    out.finish(meter)
}

fn replace(text: &str, from: &str, to: &str, meter: &mut Meter) -> Result<Value, ExprError> {
    meter.bytes(text.len() as u64)?;
    let mut out = TextBuilder::default();
    let mut done = 0;
    for (at, found) in text.match_indices(from) {
        out.push(text.get(done..at).unwrap_or_default())?;
        out.push(to)?;
        done = at + found.len();
    }
    out.push(text.get(done..).unwrap_or_default())?;
    out.finish(meter).map(Value::Str)
}

/// As much of a text as an error may quote.
fn short(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => Cow::Owned(format!("{}…", text.get(..at).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}
