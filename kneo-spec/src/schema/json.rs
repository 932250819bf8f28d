//! JSON whose keys keep the order in which they were written.

use std::fmt::{self, Write as _};

/// A JSON value to be written.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Bool(bool),
    Integer(u64),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Map(Map),
}

/// A JSON object to be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Map(Vec<(String, Json)>);

impl Map {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a key behind those that are there.
    pub(super) fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.push(key, value);
        self
    }

    /// As [`Map::with`], unless there is no value.
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Json>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn push(&mut self, key: &str, value: impl Into<Json>) {
        self.0.push((key.to_owned(), value.into()));
    }

    /// Adds all keys of another behind those that are there.
    pub(super) fn and(mut self, other: Map) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Map> for Json {
    fn from(value: Map) -> Self {
        Self::Map(value)
    }
}

impl<T: Into<Json>> FromIterator<T> for Json {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Json {
    /// Writes the value over several lines, and what fits on one line on one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// What is at most so long stands on one line.
const SHORT: usize = 80;

impl Json {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let flat = self.flat();
        if flat.len() <= SHORT {
            return f.write_str(&flat);
        }
        let indent = "  ".repeat(depth + 1);
        match self {
            Self::List(items) => {
                for (place, item) in items.iter().enumerate() {
                    write!(f, "{}\n{indent}", if place == 0 { "[" } else { "," })?;
                    item.write(f, depth + 1)?;
                }
                write!(f, "\n{}]", "  ".repeat(depth))
            }
            Self::Map(Map(entries)) => {
                for (place, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}\n{indent}{}: ", if place == 0 { "{" } else { "," }, quoted(key))?;
                    value.write(f, depth + 1)?;
                }
                write!(f, "\n{}}}", "  ".repeat(depth))
            }
            Self::Bool(_) | Self::Integer(_) | Self::Float(_) | Self::Text(_) => f.write_str(&flat),
        }
    }

    /// The value on one line.
    fn flat(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => quoted(text),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::flat).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(Map(entries)) if entries.is_empty() => "{}".to_owned(),
            Self::Map(Map(entries)) => {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{}: {}", quoted(key), value.flat())).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => {
                // Writing to a `String` cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json_in_the_order_of_its_keys() {
        let texts: Json = ["a \"b\" \\c", "line\nbreak\ttab", "größe 𝄞"].into_iter().cycle().take(7).collect();
        let map = Map::new()
            .with("z", true)
            .with("a", Map::new().with("n", 3).with("f", 0.5).with("empty", Map::new()))
            .with_some("none", None::<bool>)
            .with("texts", texts);
        let written = Json::from(map).to_string();
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read["a"], serde_json::json!({"n": 3, "f": 0.5, "empty": {}}));
        assert_eq!(read["texts"][4], "line\nbreak\ttab");
        assert_eq!(read["texts"].as_array().unwrap().len(), 7);
        assert!(read.get("none").is_none());
        assert!(written.starts_with("{\n  \"z\": true,\n  \"a\": { \"n\": 3, "), "{written}");
        assert!(written.lines().all(|line| line.len() < 100), "{written}");
    }
}
