//! Equality, order and membership.

use std::cmp::Ordering;

use super::{CompareOp, ExprError, ExprErrorCode, Meter};
use crate::value::Value;

/// What looking at one item of a list costs, in bytes.
const ITEM_BYTES: u64 = 64;

pub(super) fn compare(op: CompareOp, left: &Value, right: &Value, meter: &mut Meter) -> Result<bool, ExprError> {
    match op {
        CompareOp::Equal => equal(left, right, meter),
        CompareOp::NotEqual => equal(left, right, meter).map(|same| !same),
        CompareOp::Less => order(op, left, right, meter).map(Ordering::is_lt),
        CompareOp::LessEqual => order(op, left, right, meter).map(Ordering::is_le),
        CompareOp::Greater => order(op, left, right, meter).map(Ordering::is_gt),
        CompareOp::GreaterEqual => order(op, left, right, meter).map(Ordering::is_ge),
        CompareOp::In => member(left, right, meter),
    }
}

/// Compares by value. The work is bounded by the smaller of the two, shared parts counted each time they occur.
fn equal(left: &Value, right: &Value, meter: &mut Meter) -> Result<bool, ExprError> {
    meter.bytes(left.size().min(right.size()))?;
    Ok(left == right)
}

fn order(op: CompareOp, left: &Value, right: &Value, meter: &mut Meter) -> Result<Ordering, ExprError> {
    let ordering = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(right),
        (Value::Str(left), Value::Str(right)) => {
            meter.bytes(left.len().min(right.len()) as u64)?;
            Some(left.cmp(right))
        }
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    };
    ordering.ok_or_else(|| {
        let message = format!("`{}` cannot compare {} with {}", op.as_str(), left.type_name(), right.type_name());
        ExprError::new(ExprErrorCode::TypeMismatch, message)
    })
}

fn member(needle: &Value, hay: &Value, meter: &mut Meter) -> Result<bool, ExprError> {
    match hay {
        Value::List(list) => {
            meter.bytes((list.len() as u64).saturating_mul(ITEM_BYTES))?;
            for item in list.items() {
                if equal(needle, item, meter)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => match needle {
            Value::Str(key) => Ok(map.get(key).is_some()),
            other => Err(ExprError::wrong_type("the key of a map is a string", other)),
        },
        other => Err(ExprError::wrong_type("`in` looks into a list or a map", other)),
    }
}
