//! Numbers, and the concatenation of texts and lists.

use super::build::{ListBuilder, TextBuilder};
use super::eval::{Context, eval};
use super::{ArithmeticOp, Expr, ExprError, ExprErrorCode, Meter};
use crate::value::{Number, Value};

pub(super) fn negate(value: &Value) -> Result<Value, ExprError> {
    match value {
        Value::Number(number) => Ok(Value::Number(match number.as_i64() {
            Some(int) => Number::int(-int)?,
            None => Number::float(-number.as_f64())?,
        })),
        other => Err(ExprError::wrong_type("`-` takes a number", other)),
    }
}

/// Evaluates the operands from left to right; the first one's type decides what the operator does.
pub(super) fn fold(cx: Context<'_>, op: ArithmeticOp, parts: &[Expr], meter: &mut Meter) -> Result<Value, ExprError> {
    let Some((first, rest)) = parts.split_first() else {
        return Err(ExprError::invalid(format!("`{}` has no operands", op.as_str())));
    };
    let first = eval(cx, first, meter)?;
    match (&*first, op) {
        (Value::Number(number), _) => {
            let mut total = *number;
            for part in rest {
                match &*eval(cx, part, meter)? {
                    Value::Number(number) => total = apply(op, total, *number)?,
                    other => return Err(mismatch(op, &first, other)),
                }
            }
            Ok(Value::Number(total))
        }
        (Value::Str(text), ArithmeticOp::Add) => {
            let mut out = TextBuilder::default();
            out.push(text)?;
            for part in rest {
                match &*eval(cx, part, meter)? {
                    Value::Str(text) => out.push(text)?,
                    other => return Err(mismatch(op, &first, other)),
                }
            }
            out.finish(meter).map(Value::Str)
        }
        (Value::List(list), ArithmeticOp::Add) => {
            let mut out = ListBuilder::default();
            out.extend(list)?;
            for part in rest {
                match &*eval(cx, part, meter)? {
                    Value::List(list) => out.extend(list)?,
                    other => return Err(mismatch(op, &first, other)),
                }
            }
            out.finish(meter)
        }
        (other, _) => Err(ExprError::wrong_type(takes(op), other)),
    }
}

fn apply(op: ArithmeticOp, left: Number, right: Number) -> Result<Number, ExprError> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => integers(op, left, right),
        _ => doubles(op, left.as_f64(), right.as_f64()),
    }
}

fn integers(op: ArithmeticOp, left: i64, right: i64) -> Result<Number, ExprError> {
    let result = match op {
        ArithmeticOp::Add => left.checked_add(right),
        ArithmeticOp::Subtract => left.checked_sub(right),
        ArithmeticOp::Multiply => left.checked_mul(right),
        ArithmeticOp::Divide | ArithmeticOp::Remainder if right == 0 => return Err(by_zero()),
        ArithmeticOp::Divide => left.checked_div(right),
        ArithmeticOp::Remainder => left.checked_rem(right),
    };
    result.and_then(|int| Number::int(int).ok()).ok_or_else(overflow)
}

fn doubles(op: ArithmeticOp, left: f64, right: f64) -> Result<Number, ExprError> {
    let result = match op {
        ArithmeticOp::Add => left + right,
        ArithmeticOp::Subtract => left - right,
        ArithmeticOp::Multiply => left * right,
        ArithmeticOp::Divide if right == 0.0 => return Err(by_zero()),
        ArithmeticOp::Divide => left / right,
        ArithmeticOp::Remainder => {
            return Err(ExprError::new(ExprErrorCode::TypeMismatch, "`%` takes ints, not double"));
        }
    };
    Number::float(result).map_err(|_| overflow())
}

fn takes(op: ArithmeticOp) -> &'static str {
    match op {
        ArithmeticOp::Add => "`+` takes numbers, strings or lists",
        ArithmeticOp::Subtract => "`-` takes numbers",
        ArithmeticOp::Multiply => "`*` takes numbers",
        ArithmeticOp::Divide => "`/` takes numbers",
        ArithmeticOp::Remainder => "`%` takes ints",
    }
}

#[cold]
fn mismatch(op: ArithmeticOp, left: &Value, right: &Value) -> ExprError {
    let message = format!("`{}` cannot join {} and {}", op.as_str(), left.type_name(), right.type_name());
    ExprError::new(ExprErrorCode::TypeMismatch, message)
}

#[cold]
fn by_zero() -> ExprError {
    ExprError::new(ExprErrorCode::DivisionByZero, "division by zero")
}

#[cold]
fn overflow() -> ExprError {
    ExprError::new(ExprErrorCode::NumberOverflow, "the number is beyond what JSON carries exactly")
}
