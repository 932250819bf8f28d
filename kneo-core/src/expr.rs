//! Expressions: the tree that a plan carries, and its metered evaluator.
//!
//! A compiler lowers expression text to an [`Expr`]; text is never seen again. Evaluation reads its roots from an
//! [`Env`], has no clock, no randomness and no other input, never panics, and ends within the bounds of a [`Meter`].
//! Absence is an error ([`ExprErrorCode::is_absence`]), never an empty text.
//!
//! # Stability
//!
//! The serialised form is part of every stored plan: tags are only added, and a tag never changes its meaning.

mod arithmetic;
mod build;
mod compare;
mod comprehension;
mod env;
mod error;
mod eval;
mod function;
mod meter;
mod pattern;
mod template;

pub use env::Env;
pub use error::{ExprError, ExprErrorCode};
pub use function::Function;
pub use meter::{MAX_BUILT_BYTES, MAX_STEPS, Meter};
pub use pattern::{Pattern, PatternError};
pub use template::{TextPart, TextTemplate, ValueTemplate};

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The deepest tree that a compiler emits and the evaluator accepts, counted in nested nodes.
pub const MAX_EXPR_DEPTH: u16 = 24;

/// An expression.
///
/// Operators that associate to the left hold all the operands of one run, so that `a + b + c` is one node. The depth
/// is at most [`MAX_EXPR_DEPTH`] in every tree that a compiler emits; a deeper one fails with
/// [`ExprErrorCode::Cost`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Expr {
    /// A constant; [`Expr::literal`] makes one that keeps its type in every stored form.
    #[serde(rename = "v")]
    Literal(Value),
    /// A constant that is a double, and stays one where the canonical form writes `2.0` as `2`.
    #[serde(rename = "d")]
    Double(f64),
    /// A root.
    #[serde(rename = "root")]
    Root(Root),
    /// What a step left behind.
    #[serde(rename = "step")]
    Step(StepRead),
    /// The variable of an enclosing [`Expr::Each`]: 0 is the innermost.
    #[serde(rename = "local")]
    Local(u16),
    /// A walk into a value: `base.key["key"][index]`; at least one access.
    #[serde(rename = "path")]
    Path(Box<Expr>, Vec<Access>),
    /// Whether a root, step or path is there.
    #[serde(rename = "has")]
    Has(Box<Expr>),
    /// The first expression, or the second where a root, key or index of the first is absent.
    #[serde(rename = "default")]
    Default(Box<Expr>, Box<Expr>),
    /// A list.
    #[serde(rename = "list")]
    List(Vec<Expr>),
    /// A map, in the author's order; keys are text, each once.
    #[serde(rename = "map")]
    Map(Vec<(Expr, Expr)>),
    /// A truth value turned round.
    #[serde(rename = "!")]
    Not(Box<Expr>),
    /// A number with the other sign.
    #[serde(rename = "neg")]
    Negate(Box<Expr>),
    /// Whether every operand holds; one `false` decides, whatever errors the others give.
    #[serde(rename = "&&")]
    And(Vec<Expr>),
    /// Whether an operand holds; one `true` decides, whatever errors the others give.
    #[serde(rename = "||")]
    Or(Vec<Expr>),
    /// `condition ? then : otherwise`.
    #[serde(rename = "if")]
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// Arithmetic, from left to right over two operands or more.
    #[serde(rename = "op")]
    Arithmetic(ArithmeticOp, Vec<Expr>),
    /// A comparison.
    #[serde(rename = "cmp")]
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// Whether a text matches a constant pattern somewhere.
    #[serde(rename = "matches")]
    Matches(Box<Expr>, Pattern),
    /// A call of a built-in function.
    #[serde(rename = "call")]
    Call(Function, Vec<Expr>),
    /// A macro over a list's items or a map's keys, which binds one [`Expr::Local`] in `when` and `body`.
    #[serde(rename = "each")]
    Each(Box<Each>),
}

/// A macro over a list's items or a map's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "compilers build it and evaluators take it apart")]
pub struct Each {
    /// What is asked of the items.
    #[serde(rename = "k")]
    pub kind: EachKind,
    /// The list or map.
    #[serde(rename = "o")]
    pub over: Expr,
    /// The items that [`EachKind::Map`] takes; all without it. No other kind has it.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// The condition, or the new item for [`EachKind::Map`].
    #[serde(rename = "b")]
    pub body: Expr,
}

/// What an [`Each`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EachKind {
    /// Whether the condition holds for every item.
    All,
    /// Whether it holds for an item.
    Exists,
    /// Whether it holds for exactly one item.
    ExistsOne,
    /// The list of new items.
    Map,
    /// The list of the items for which it holds.
    Filter,
}

/// One step of a walk into a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Access {
    /// The value under a key that the author wrote.
    #[serde(rename = "k")]
    Key(Arc<str>),
    /// The value at a computed index or under a computed key.
    #[serde(rename = "i")]
    At(Expr),
}

/// A name that an expression may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Root {
    /// The input of the enclosing workflow.
    #[serde(rename = "input")]
    Input,
    /// What the flow hands to this step.
    #[serde(rename = "prev")]
    Prev,
    /// The item of the enclosing `map`.
    #[serde(rename = "item")]
    Item,
    /// Its position.
    #[serde(rename = "index")]
    Index,
    /// The number of the enclosing loop's round.
    #[serde(rename = "round.index")]
    RoundIndex,
    /// What the round before handed to this one.
    #[serde(rename = "round.feedback")]
    RoundFeedback,
    /// The outputs of joined branches, by branch.
    #[serde(rename = "branches")]
    Branches,
    /// The run's id.
    #[serde(rename = "run.id")]
    RunId,
    /// When the run started, as text.
    #[serde(rename = "run.started_at")]
    RunStartedAt,
    /// The name of the run's environment.
    #[serde(rename = "run.environment")]
    RunEnvironment,
}

impl Root {
    /// The root as the author writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Root::Input => "input",
            Root::Prev => "prev",
            Root::Item => "item",
            Root::Index => "index",
            Root::RoundIndex => "round.index",
            Root::RoundFeedback => "round.feedback",
            Root::Branches => "branches",
            Root::RunId => "run.id",
            Root::RunStartedAt => "run.started_at",
            Root::RunEnvironment => "run.environment",
        }
    }
}

/// A read of what a step left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "compilers build it and evaluators take it apart")]
pub struct StepRead {
    /// The step's index in the plan.
    #[serde(rename = "n")]
    pub step: u32,
    /// What is read of it.
    #[serde(rename = "f")]
    pub field: StepField,
}

/// What may be read of a step that has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepField {
    /// What it produced.
    Output,
    /// How it ended.
    Status,
    /// Why it failed.
    Error,
    /// What a person decided.
    Decision,
    /// How often it was tried.
    Attempts,
}

impl StepField {
    /// Every field, in the order the reference lists them.
    pub const ALL: [StepField; 5] =
        [StepField::Output, StepField::Status, StepField::Error, StepField::Decision, StepField::Attempts];

    /// The field as the author writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            StepField::Output => "output",
            StepField::Status => "status",
            StepField::Error => "error",
            StepField::Decision => "decision",
            StepField::Attempts => "attempts",
        }
    }

    /// The field of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<StepField> {
        StepField::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ArithmeticOp {
    /// Sum of numbers, or concatenation of texts or of lists.
    #[serde(rename = "+")]
    Add,
    /// Difference.
    #[serde(rename = "-")]
    Subtract,
    /// Product.
    #[serde(rename = "*")]
    Multiply,
    /// Quotient; of two integers the integer part.
    #[serde(rename = "/")]
    Divide,
    /// Remainder of two integers, with the sign of the left one.
    #[serde(rename = "%")]
    Remainder,
}

impl ArithmeticOp {
    /// The operator as the author writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ArithmeticOp::Add => "+",
            ArithmeticOp::Subtract => "-",
            ArithmeticOp::Multiply => "*",
            ArithmeticOp::Divide => "/",
            ArithmeticOp::Remainder => "%",
        }
    }
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CompareOp {
    /// Equal; values of different types are not, save that an integer may equal a double.
    #[serde(rename = "==")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    NotEqual,
    /// Less: two numbers, two texts or two truth values.
    #[serde(rename = "<")]
    Less,
    /// Less or equal.
    #[serde(rename = "<=")]
    LessEqual,
    /// Greater.
    #[serde(rename = ">")]
    Greater,
    /// Greater or equal.
    #[serde(rename = ">=")]
    GreaterEqual,
    /// An item of a list, or a key of a map.
    #[serde(rename = "in")]
    In,
}

impl CompareOp {
    /// The operator as the author writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CompareOp::Equal => "==",
            CompareOp::NotEqual => "!=",
            CompareOp::Less => "<",
            CompareOp::LessEqual => "<=",
            CompareOp::Greater => ">",
            CompareOp::GreaterEqual => ">=",
            CompareOp::In => "in",
        }
    }
}

impl Expr {
    /// Makes a constant.
    ///
    /// The canonical form of a plan sorts the keys of maps and writes a double without a fraction as an integer; what
    /// would not survive that is spelled out.
    #[must_use]
    pub fn literal(value: &Value) -> Expr {
        match value {
            Value::Null | Value::Bool(_) | Value::Str(_) => Expr::Literal(value.clone()),
            Value::Number(number) if number.as_i64().is_some() => Expr::Literal(value.clone()),
            // The sum makes a zero of the negative zero, as JSON's canonical form does.
            Value::Number(number) => Expr::Double(number.as_f64() + 0.0),
            Value::List(list) => Expr::List(list.items().iter().map(Expr::literal).collect()),
            Value::Map(map) => Expr::Map(
                map.iter()
                    .map(|(key, value)| (Expr::Literal(Value::Str(Arc::clone(key))), Expr::literal(value)))
                    .collect(),
            ),
        }
    }

    /// Evaluates to a value of its own.
    ///
    /// # Errors
    /// What is absent, of the wrong type, out of range, or over the meter's bounds.
    pub fn eval(&self, env: &dyn Env, meter: &mut Meter) -> Result<Value, ExprError> {
        self.eval_ref(env, meter).map(Cow::into_owned)
    }

    /// Evaluates, and lends the value where it only reads one.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn eval_ref<'a>(&'a self, env: &'a dyn Env, meter: &mut Meter) -> Result<Cow<'a, Value>, ExprError> {
        eval::run(self, env, meter)
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// As [`Expr::eval`], and [`ExprErrorCode::TypeMismatch`] if the value is not a truth value.
    pub fn eval_bool(&self, env: &dyn Env, meter: &mut Meter) -> Result<bool, ExprError> {
        let value = self.eval_ref(env, meter)?;
        value.as_bool().ok_or_else(|| ExprError::wrong_type("a condition is a bool", &value))
    }

    /// The number of nested nodes: 1 for a constant.
    #[must_use]
    pub fn depth(&self) -> u16 {
        let most = |parts: &[Expr]| parts.iter().map(Expr::depth).max().unwrap_or(0);
        let inner = match self {
            Expr::Literal(_) | Expr::Double(_) | Expr::Root(_) | Expr::Step(_) | Expr::Local(_) => 0,
            Expr::Path(base, accesses) => {
                let at = accesses.iter().map(|access| match access {
                    Access::Key(_) => 0,
                    Access::At(index) => index.depth(),
                });
                base.depth().max(at.max().unwrap_or(0))
            }
            Expr::Has(part) | Expr::Not(part) | Expr::Negate(part) | Expr::Matches(part, _) => part.depth(),
            Expr::Default(left, right) | Expr::Compare(_, left, right) => left.depth().max(right.depth()),
            Expr::List(parts)
            | Expr::And(parts)
            | Expr::Or(parts)
            | Expr::Arithmetic(_, parts)
            | Expr::Call(_, parts) => most(parts),
            Expr::Map(entries) => entries.iter().map(|(key, value)| key.depth().max(value.depth())).max().unwrap_or(0),
            Expr::If(condition, then, otherwise) => condition.depth().max(then.depth()).max(otherwise.depth()),
            Expr::Each(each) => {
                let when = each.when.as_ref().map_or(0, Expr::depth);
                each.over.depth().max(each.body.depth()).max(when)
            }
        };
        inner.saturating_add(1)
    }
}

#[cfg(test)]
mod tests;
