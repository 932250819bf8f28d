//! The macros over the items of a list or the keys of a map.

use std::borrow::Cow;
use std::sync::Arc;

use super::build::ListBuilder;
use super::eval::{Connective, Context, Verdict, condition, eval};
use super::{Each, EachKind, ExprError, Meter};
use crate::value::Value;

pub(super) fn each(cx: Context<'_>, each: &Each, meter: &mut Meter) -> Result<Value, ExprError> {
    let over = eval(cx, &each.over, meter)?;
    let items = Items::of(&over)?;
    match each.kind {
        EachKind::All => decide(cx, each, &items, Connective::And, meter).map(Value::Bool),
        EachKind::Exists => decide(cx, each, &items, Connective::Or, meter).map(Value::Bool),
        EachKind::ExistsOne => {
            let mut count = 0u32;
            for item in items.iter() {
                count += u32::from(holds(cx, each, &item, meter)?);
            }
            Ok(Value::Bool(count == 1))
        }
        EachKind::Map => {
            let mut out = ListBuilder::default();
            for item in items.iter() {
                let scope = cx.bind(&item);
                let inner = cx.within(&scope);
                let taken = match &each.when {
                    Some(when) => condition(inner, when, "the condition of `map` is a bool", meter)?,
                    None => true,
                };
                if taken {
                    out.push(eval(inner, &each.body, meter)?.into_owned())?;
                }
            }
            out.finish(meter)
        }
        EachKind::Filter => {
            let mut out = ListBuilder::default();
            for item in items.iter() {
                if holds(cx, each, &item, meter)? {
                    out.push(item.into_owned())?;
                }
            }
            out.finish(meter)
        }
    }
}

fn decide(
    cx: Context<'_>,
    each: &Each,
    items: &Items<'_>,
    connective: Connective,
    meter: &mut Meter,
) -> Result<bool, ExprError> {
    let mut verdict = Verdict::new(connective);
    for item in items.iter() {
        if let Some(answer) = verdict.take(holds(cx, each, &item, meter))? {
            return Ok(answer);
        }
    }
    verdict.settle()
}

fn holds(cx: Context<'_>, each: &Each, item: &Value, meter: &mut Meter) -> Result<bool, ExprError> {
    let scope = cx.bind(item);
    condition(cx.within(&scope), &each.body, "the condition of a macro is a bool", meter)
}

/// What a macro goes through.
enum Items<'a> {
    List(&'a [Value]),
    Keys(&'a crate::value::Map),
}

impl<'a> Items<'a> {
    fn of(value: &'a Value) -> Result<Items<'a>, ExprError> {
        match value {
            Value::List(list) => Ok(Items::List(list.items())),
            Value::Map(map) => Ok(Items::Keys(map)),
            other => Err(ExprError::wrong_type("a macro goes through a list or a map", other)),
        }
    }

    fn iter(&self) -> impl Iterator<Item = Cow<'a, Value>> + use<'a> {
        let (items, keys) = match self {
            Items::List(items) => (Some(*items), None),
            Items::Keys(map) => (None, Some(*map)),
        };
        let keys = keys.into_iter().flat_map(|map| map.iter());
        let keys = keys.map(|(key, _)| Cow::Owned(Value::Str(Arc::clone(key))));
        items.into_iter().flatten().map(Cow::Borrowed).chain(keys)
    }
}
