use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::build::{ListBuilder, TextBuilder};
use super::{Env, Expr, ExprError, Meter};
use crate::value::{Map, Value};

/// Text with holes; evaluates to text.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TextTemplate {
    // INVARIANT of the compiler, not relied on here: no two texts in a row, no empty text.
    parts: Vec<TextPart>,
}

/// A part of a [`TextTemplate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "a template is text and holes")]
pub enum TextPart {
    /// Text as it stands.
    #[serde(rename = "t")]
    Text(Arc<str>),
    /// An expression, whose value is written as [`Value::to_text`] does.
    #[serde(rename = "e")]
    Hole(Expr),
}

impl TextTemplate {
    /// Joins parts; texts in a row become one.
    #[must_use]
    pub fn new(parts: impl IntoIterator<Item = TextPart>) -> TextTemplate {
        let mut joined: Vec<TextPart> = Vec::new();
        for part in parts {
            match (joined.last_mut(), part) {
                (_, TextPart::Text(text)) if text.is_empty() => {}
                (Some(TextPart::Text(before)), TextPart::Text(text)) => *before = format!("{before}{text}").into(),
                (_, part) => joined.push(part),
            }
        }
        TextTemplate { parts: joined }
    }

    /// The parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[TextPart] {
        &self.parts
    }

    /// The text, if there is no hole.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [TextPart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills the holes.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn eval(&self, env: &dyn Env, meter: &mut Meter) -> Result<Arc<str>, ExprError> {
        if let [TextPart::Text(text)] = self.parts.as_slice() {
            return Ok(Arc::clone(text));
        }
        let mut out = TextBuilder::default();
        for part in &self.parts {
            match part {
                TextPart::Text(text) => out.push(text)?,
                TextPart::Hole(expr) => out.push_value(expr.eval_ref(env, meter)?.as_ref())?,
            }
        }
        out.finish(meter)
    }
}

/// A value with holes; evaluates to a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ValueTemplate {
    /// A constant; [`ValueTemplate::literal`] makes one that survives the canonical form of a plan.
    #[serde(rename = "v")]
    Literal(Value),
    /// Text with holes.
    #[serde(rename = "t")]
    Text(TextTemplate),
    /// One hole, whose value keeps its type.
    #[serde(rename = "e")]
    Expr(Expr),
    /// A list.
    #[serde(rename = "l")]
    List(Vec<ValueTemplate>),
    /// A map, in the author's order.
    #[serde(rename = "m")]
    Map(Vec<(Arc<str>, ValueTemplate)>),
}

impl ValueTemplate {
    /// Makes the template of a constant.
    ///
    /// The canonical form of a plan sorts the keys of maps and writes a double without a fraction as an integer; what
    /// would not survive that is spelled out.
    #[must_use]
    pub fn literal(value: &Value) -> ValueTemplate {
        match value {
            _ if survives(value) => ValueTemplate::Literal(value.clone()),
            Value::Number(_) => ValueTemplate::Expr(Expr::literal(value)),
            Value::List(list) => ValueTemplate::List(list.items().iter().map(ValueTemplate::literal).collect()),
            Value::Map(map) => ValueTemplate::Map(
                map.iter().map(|(key, value)| (Arc::clone(key), ValueTemplate::literal(value))).collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Str(_) => ValueTemplate::Literal(value.clone()),
        }
    }

    /// Joins items to a list, which is a constant if they are.
    #[must_use]
    pub fn list(items: Vec<ValueTemplate>) -> ValueTemplate {
        let constants: Option<Vec<Value>> = items.iter().map(|item| item.as_constant().cloned()).collect();
        match constants.and_then(|items| Value::list(items).ok()) {
            Some(list) => ValueTemplate::Literal(list),
            None => ValueTemplate::List(items),
        }
    }

    /// Joins entries to a map, which is a constant if it has one entry at most and that is.
    #[must_use]
    pub fn map(entries: Vec<(Arc<str>, ValueTemplate)>) -> ValueTemplate {
        let constant = match entries.as_slice() {
            [] => Map::new(Vec::new()).ok(),
            [(key, value)] => {
                value.as_constant().and_then(|value| Map::new(vec![(Arc::clone(key), value.clone())]).ok())
            }
            _ => None,
        };
        constant.map_or(ValueTemplate::Map(entries), |map| ValueTemplate::Literal(Value::Map(map)))
    }

    /// The expression, if the value is one hole.
    #[must_use]
    pub fn as_expr(&self) -> Option<&Expr> {
        match self {
            ValueTemplate::Expr(expr) => Some(expr),
            _ => None,
        }
    }

    /// Fills the holes.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn eval(&self, env: &dyn Env, meter: &mut Meter) -> Result<Value, ExprError> {
        self.eval_ref(env, meter).map(Cow::into_owned)
    }

    /// Fills the holes, and lends the value where nothing is built: a constant, or one hole that only reads.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn eval_ref<'a>(&'a self, env: &'a dyn Env, meter: &mut Meter) -> Result<Cow<'a, Value>, ExprError> {
        match self {
            ValueTemplate::Literal(value) => Ok(Cow::Borrowed(value)),
            ValueTemplate::Text(text) => text.eval(env, meter).map(|text| Cow::Owned(Value::Str(text))),
            ValueTemplate::Expr(expr) => expr.eval_ref(env, meter),
            ValueTemplate::List(items) => {
                let mut out = ListBuilder::default();
                for item in items {
                    out.push(item.eval(env, meter)?)?;
                }
                out.finish(meter).map(Cow::Owned)
            }
            ValueTemplate::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Ok((Arc::clone(key), value.eval(env, meter)?)))
                    .collect::<Result<Vec<_>, ExprError>>()?;
                meter.built(Value::Map(Map::new(entries)?)).map(Cow::Owned)
            }
        }
    }

    fn as_constant(&self) -> Option<&Value> {
        match self {
            ValueTemplate::Literal(value) => Some(value),
            _ => None,
        }
    }
}

/// Whether a value reads back from its canonical form as it was, to the type of its numbers and the order of its keys.
fn survives(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Str(_) => true,
        Value::Number(number) => number.as_i64().is_some() || number.as_f64().fract() != 0.0,
        Value::List(list) => list.items().iter().all(survives),
        Value::Map(map) => map.len() < 2 && map.iter().all(|(_, value)| survives(value)),
    }
}
