//! The evaluator: one function per kind of node, each of which pays a step.

use std::borrow::Cow;
use std::sync::Arc;

use super::build::ListBuilder;
use super::{Access, Env, Expr, ExprError, ExprErrorCode, MAX_EXPR_DEPTH, Meter, Root, StepRead};
use super::{arithmetic, compare, comprehension, function};
use crate::value::{Map, Value};

/// What a node is evaluated in.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    env: &'a dyn Env,
    scope: Option<&'a Scope<'a>>,
    depth: u16,
}

/// The variable of a macro, and those of the macros around it.
pub(super) struct Scope<'a> {
    value: &'a Value,
    outer: Option<&'a Scope<'a>>,
}

impl<'a> Context<'a> {
    /// Binds a macro's variable.
    pub(super) fn bind(self, value: &'a Value) -> Scope<'a> {
        Scope { value, outer: self.scope }
    }

    /// The context inside a macro.
    pub(super) fn within(self, scope: &'a Scope<'a>) -> Context<'a> {
        Context { scope: Some(scope), ..self }
    }
}

/// What is not there.
enum Absent<'a> {
    Root(Root),
    Step(StepRead),
    Key { of: &'static str, key: Cow<'a, str> },
    Index { of: &'static str, index: i64, length: usize },
}

type Found<'a> = Result<Cow<'a, Value>, Absent<'a>>;

pub(super) fn run<'a>(expr: &'a Expr, env: &'a dyn Env, meter: &mut Meter) -> Result<Cow<'a, Value>, ExprError> {
    eval(Context { env, scope: None, depth: 0 }, expr, meter)
}

pub(super) fn eval<'a>(context: Context<'a>, expr: &'a Expr, meter: &mut Meter) -> Result<Cow<'a, Value>, ExprError> {
    let cx = enter(context, meter)?;
    if let Expr::Path(base, accesses) = expr
        && let Some(value) = lent(cx, base, accesses)
    {
        // The base costs what it does where it is looked up on its own.
        enter(cx, meter)?;
        return Ok(Cow::Borrowed(value));
    }
    let truth = |value: bool| Ok(Cow::Owned(Value::Bool(value)));
    match expr {
        Expr::Literal(value) => Ok(Cow::Borrowed(value)),
        Expr::Double(double) => Ok(Cow::Owned(Value::float(*double)?)),
        Expr::Root(_) | Expr::Step(_) | Expr::Path(..) => {
            find_here(cx, expr, meter)?.map_err(|absent| absent.into_error(cx.env))
        }
        Expr::Local(depth) => local(cx, *depth),
        Expr::Has(path) => truth(find(cx, path, meter)?.is_ok()),
        Expr::Default(path, otherwise) => match find(cx, path, meter)? {
            Ok(value) => Ok(value),
            Err(_) => eval(cx, otherwise, meter),
        },
        Expr::List(parts) => list(cx, parts, meter).map(Cow::Owned),
        Expr::Map(entries) => map(cx, entries, meter).map(Cow::Owned),
        Expr::Not(part) => truth(!condition(cx, part, "`!` takes a bool", meter)?),
        Expr::Negate(part) => arithmetic::negate(&*eval(cx, part, meter)?).map(Cow::Owned),
        Expr::And(parts) => truth(decide(cx, parts, Connective::And, meter)?),
        Expr::Or(parts) => truth(decide(cx, parts, Connective::Or, meter)?),
        Expr::If(test, then, otherwise) => {
            let holds = condition(cx, test, "the condition of `? :` is a bool", meter)?;
            eval(cx, if holds { then } else { otherwise }, meter)
        }
        Expr::Arithmetic(op, parts) => arithmetic::fold(cx, *op, parts, meter).map(Cow::Owned),
        Expr::Compare(op, left, right) => {
            let left = eval(cx, left, meter)?;
            let right = eval(cx, right, meter)?;
            truth(compare::compare(*op, &left, &right, meter)?)
        }
        Expr::Matches(text, pattern) => {
            let text = eval(cx, text, meter)?;
            truth(function::matches(&text, pattern, meter)?)
        }
        Expr::Call(function, arguments) => {
            let arguments = arguments.iter().map(|argument| eval(cx, argument, meter));
            let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
            function::call(*function, arguments, meter)
        }
        Expr::Each(each) => comprehension::each(cx, each, meter).map(Cow::Owned),
    }
}

/// Evaluates a condition; `expected` says where a truth value was expected.
pub(super) fn condition(
    cx: Context<'_>,
    expr: &Expr,
    expected: &'static str,
    meter: &mut Meter,
) -> Result<bool, ExprError> {
    let value = eval(cx, expr, meter)?;
    value.as_bool().ok_or_else(|| ExprError::wrong_type(expected, &value))
}

#[inline]
fn enter<'a>(cx: Context<'a>, meter: &mut Meter) -> Result<Context<'a>, ExprError> {
    meter.step()?;
    if cx.depth >= MAX_EXPR_DEPTH {
        return Err(too_deep());
    }
    Ok(Context { depth: cx.depth + 1, ..cx })
}

#[cold]
fn too_deep() -> ExprError {
    ExprError::new(ExprErrorCode::Cost, format!("the expression nests deeper than {MAX_EXPR_DEPTH} levels"))
}

/// The quick way to what most paths read: written keys below a value that the environment lends.
///
/// `None` means that the long way has to be taken, which finds out why.
fn lent<'a>(cx: Context<'a>, base: &Expr, accesses: &[Access]) -> Option<&'a Value> {
    let found = match base {
        Expr::Root(root) => cx.env.root(*root),
        Expr::Step(read) => cx.env.step(read.step, read.field),
        _ => None,
    };
    let Some(Cow::Borrowed(mut value)) = found else { return None };
    for access in accesses {
        let Access::Key(key) = access else { return None };
        value = value.get(key)?;
    }
    Some(value)
}

/// Looks up a root, step or path; an error is anything but absence on the way.
fn find<'a>(cx: Context<'a>, expr: &'a Expr, meter: &mut Meter) -> Result<Found<'a>, ExprError> {
    let cx = enter(cx, meter)?;
    find_here(cx, expr, meter)
}

fn find_here<'a>(cx: Context<'a>, expr: &'a Expr, meter: &mut Meter) -> Result<Found<'a>, ExprError> {
    match expr {
        Expr::Root(root) => Ok(cx.env.root(*root).ok_or(Absent::Root(*root))),
        Expr::Step(read) => Ok(cx.env.step(read.step, read.field).ok_or(Absent::Step(*read))),
        Expr::Path(base, accesses) => {
            let mut value = match find(cx, base, meter)? {
                Ok(value) => value,
                absent => return Ok(absent),
            };
            for access in accesses {
                let found = match access {
                    Access::Key(key) => under_key(value, Cow::Borrowed(key)),
                    Access::At(index) => {
                        let index = eval(cx, index, meter)?;
                        at(value, &index)
                    }
                }?;
                value = match found {
                    Ok(value) => value,
                    absent => return Ok(absent),
                };
            }
            Ok(Ok(value))
        }
        // What is computed is there, or its error is about something else than this path.
        _ => eval(cx, expr, meter).map(Ok),
    }
}

fn under_key<'a>(value: Cow<'a, Value>, key: Cow<'a, str>) -> Result<Found<'a>, ExprError> {
    let child = match &value {
        Cow::Borrowed(value) => value.get(&key).map(Cow::Borrowed),
        Cow::Owned(value) => value.get(&key).cloned().map(Cow::Owned),
    };
    match (child, &*value) {
        (Some(child), _) => Ok(Ok(child)),
        (None, value @ (Value::Map(_) | Value::Null)) => Ok(Err(Absent::Key { of: value.type_name(), key })),
        (None, value) => Err(ExprError::wrong_type(&format!("`{key}` is read from a map"), value)),
    }
}

fn at<'a>(value: Cow<'a, Value>, index: &Value) -> Result<Found<'a>, ExprError> {
    match (&*value, index) {
        (Value::Map(_) | Value::Null, Value::Str(key)) => under_key(value, Cow::Owned(key.to_string())),
        (Value::List(list), Value::Number(_)) => {
            let position = whole(index)?;
            let found = usize::try_from(position).ok();
            let child = match &value {
                Cow::Borrowed(Value::List(list)) => found.and_then(|at| list.items().get(at)).map(Cow::Borrowed),
                _ => found.and_then(|at| list.items().get(at)).cloned().map(Cow::Owned),
            };
            Ok(child.ok_or(Absent::Index { of: "list", index: position, length: list.len() }))
        }
        (Value::Null, Value::Number(_)) => Ok(Err(Absent::Index { of: "null", index: whole(index)?, length: 0 })),
        (Value::Map(_), other) => Err(ExprError::wrong_type("the key of a map is a string", other)),
        (Value::List(_), other) => Err(ExprError::wrong_type("the index of a list is an int", other)),
        (other, _) => Err(ExprError::wrong_type("`[ ]` takes a list or a map", other)),
    }
}

/// The index that a number is; a double without a fraction is one.
#[expect(clippy::cast_possible_truncation, reason = "a double without a fraction within ±2^53 is an i64")]
fn whole(index: &Value) -> Result<i64, ExprError> {
    match index {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Ok(int),
            (None, double) if double.fract() == 0.0 && double.abs() < 9e15 => Ok(double as i64),
            (None, _) => Err(ExprError::wrong_type("the index of a list is an int", index)),
        },
        other => Err(ExprError::wrong_type("the index of a list is an int", other)),
    }
}

impl Absent<'_> {
    #[cold]
    fn into_error(self, env: &dyn Env) -> ExprError {
        match self {
            Absent::Root(root) => {
                ExprError::new(ExprErrorCode::UndefinedRoot, format!("`{}` has no value here", root.as_str()))
            }
            Absent::Step(StepRead { step, field }) => {
                let name = env.step_id(step).map_or_else(|| format!("number {step}"), |id| format!("`{id}`"));
                let message =
                    format!("step {name} has no `{}`; guard the read with has() or default()", field.as_str());
                ExprError::new(ExprErrorCode::UndefinedStep, message)
            }
            Absent::Key { of, key } => ExprError::new(ExprErrorCode::NoSuchKey, format!("the {of} has no key `{key}`")),
            Absent::Index { of, index, length } => {
                let message = format!("the {of} has no index `{index}`; its length is {length}");
                ExprError::new(ExprErrorCode::IndexOutOfRange, message)
            }
        }
    }
}

fn local(cx: Context<'_>, depth: u16) -> Result<Cow<'_, Value>, ExprError> {
    let mut scope = cx.scope;
    for _ in 0..depth {
        scope = scope.and_then(|scope| scope.outer);
    }
    match scope {
        Some(scope) => Ok(Cow::Borrowed(scope.value)),
        None => Err(ExprError::new(ExprErrorCode::UndefinedRoot, "a variable is read outside its macro")),
    }
}

fn list(cx: Context<'_>, parts: &[Expr], meter: &mut Meter) -> Result<Value, ExprError> {
    let mut out = ListBuilder::default();
    for part in parts {
        out.push(eval(cx, part, meter)?.into_owned())?;
    }
    out.finish(meter)
}

fn map(cx: Context<'_>, entries: &[(Expr, Expr)], meter: &mut Meter) -> Result<Value, ExprError> {
    let mut out: Vec<(Arc<str>, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let key = match &*eval(cx, key, meter)? {
            Value::Str(key) => Arc::clone(key),
            other => return Err(ExprError::wrong_type("the key of a map is a string", other)),
        };
        if out.iter().any(|(written, _)| *written == key) {
            return Err(ExprError::invalid(format!("the map has the key `{key}` twice")));
        }
        out.push((key, eval(cx, value, meter)?.into_owned()));
    }
    meter.built(Value::Map(Map::new(out)?))
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Connective {
    And,
    Or,
}

/// Folds truth values so that the deciding one wins over errors on either side of it.
#[derive(Clone)]
pub(super) struct Verdict {
    connective: Connective,
    held: Option<ExprError>,
}

impl Verdict {
    pub(super) fn new(connective: Connective) -> Verdict {
        Verdict { connective, held: None }
    }

    /// Takes one operand's result and gives the answer once it is decided.
    pub(super) fn take(&mut self, result: Result<bool, ExprError>) -> Result<Option<bool>, ExprError> {
        let deciding = self.connective == Connective::Or;
        match result {
            Ok(value) if value == deciding => Ok(Some(deciding)),
            Ok(_) => Ok(None),
            // A spent meter is the whole evaluation's error, not this operand's.
            Err(error) if error.code() == ExprErrorCode::Cost => Err(error),
            Err(error) => {
                self.held.get_or_insert(error);
                Ok(None)
            }
        }
    }

    /// The answer where nothing decided.
    pub(super) fn settle(self) -> Result<bool, ExprError> {
        self.held.map_or(Ok(self.connective == Connective::And), Err)
    }
}

fn decide(cx: Context<'_>, parts: &[Expr], connective: Connective, meter: &mut Meter) -> Result<bool, ExprError> {
    let expected = match connective {
        Connective::And => "`&&` takes bools",
        Connective::Or => "`||` takes bools",
    };
    let mut verdict = Verdict::new(connective);
    for part in parts {
        if let Some(answer) = verdict.take(condition(cx, part, expected, meter))? {
            return Ok(answer);
        }
    }
    verdict.settle()
}
