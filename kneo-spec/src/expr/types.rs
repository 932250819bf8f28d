//! What is evident of an expression's type before it runs.

use kneo_core::expr::{ArithmeticOp, CompareOp, Function};
use kneo_core::value::Value;

/// The type of an expression, as far as its text shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Not evident.
    Any,
    Null,
    Bool,
    Int,
    Double,
    /// An int or a double.
    Number,
    Text,
    /// Text that is one of a few words; which ones is known by this number.
    Word(u16),
    List,
    Map,
}

impl Type {
    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.as_i64().is_some() => Self::Int,
            Value::Number(_) => Self::Double,
            Value::Str(_) => Self::Text,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
        }
    }

    /// The word that expressions use for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Number => "number",
            Self::Text | Self::Word(_) => "string",
            Self::List => "list",
            Self::Map => "map",
        }
    }

    pub(super) fn with_article(self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Int => "an int".to_owned(),
            other => format!("a {}", other.name()),
        }
    }

    /// The type without what is known beside it.
    fn plain(self) -> Self {
        match self {
            Self::Word(_) => Self::Text,
            other => other,
        }
    }

    /// Whether it may be one of these.
    pub(super) fn is_a(self, types: &[Self]) -> bool {
        match self.plain() {
            Self::Any => true,
            Self::Number => types.iter().any(|found| found.is_number()),
            plain => types.contains(&plain),
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Number)
    }

    /// Whether it may be a number.
    fn may_be_number(self) -> bool {
        self == Self::Any || self.is_number()
    }

    /// The type of what is either of two.
    pub(super) fn or(self, other: Self) -> Self {
        match (self.plain(), other.plain()) {
            _ if self == other => self,
            (one, other) if one == other => one,
            (one, other) if one.is_number() && other.is_number() => Self::Number,
            _ => Self::Any,
        }
    }
}

/// The type of `left op right`; `None` if there is no such operation.
pub(super) fn arithmetic(op: ArithmeticOp, left: Type, right: Type) -> Option<Type> {
    use Type::{Any, Double, Int, List, Number, Text};
    let (left, right) = (left.plain(), right.plain());
    let known = if left == Any { right } else { left };
    match (op, known) {
        (_, Any) => Some(Any),
        (ArithmeticOp::Remainder, _) => (left.is_a(&[Int]) && right.is_a(&[Int])).then_some(Int),
        (_, Int | Double | Number) => (left.may_be_number() && right.may_be_number()).then_some(match (left, right) {
            (Int, Int) => Int,
            (Double, _) | (_, Double) => Double,
            (Any, _) | (_, Any) => Any,
            _ => Number,
        }),
        (ArithmeticOp::Add, Text | List) => (left.is_a(&[known]) && right.is_a(&[known])).then_some(known),
        _ => None,
    }
}

/// Whether two types may be compared so.
pub(super) fn comparable(op: CompareOp, left: Type, right: Type) -> bool {
    use Type::{Any, Bool, List, Map, Null, Text};
    let (left, right) = (left.plain(), right.plain());
    let numbers = left.may_be_number() && right.may_be_number();
    match op {
        CompareOp::Equal | CompareOp::NotEqual => {
            numbers || [left, right].contains(&Any) || [left, right].contains(&Null) || left == right
        }
        CompareOp::In => right.is_a(&[List]) || (right == Map && left.is_a(&[Text])),
        _ => numbers || [Text, Bool].iter().any(|both| left.is_a(&[*both]) && right.is_a(&[*both])),
    }
}

/// What a function takes at a place: the types, and how an error says it.
pub(super) fn parameter(function: Function, index: usize) -> (&'static [Type], &'static str) {
    use Type::{Bool, Double, Int, List, Map, Text};
    match (function, index) {
        (Function::Size, _) => (&[Text, List, Map], "a string, a list or a map"),
        (Function::Join | Function::Bullets, 0) => (&[List], "a list"),
        (Function::Lines, _) => (&[Text, List], "a string or a list"),
        (Function::Truncate, 1) => (&[Int], "an int as length"),
        (Function::String, _) => (&[Text, Int, Double, Bool], "a string, a number or a bool"),
        (Function::Int | Function::Double, _) => (&[Text, Int, Double], "a number or a string"),
        (Function::Json, _) => (&[Type::Null, Bool, Int, Double, Text, List, Map], "anything"),
        _ => (&[Text], "strings"),
    }
}

/// What a function gives.
pub(super) fn result(function: Function, arguments: &[Type]) -> Type {
    match function {
        Function::Size | Function::Int => Type::Int,
        Function::Double => Type::Double,
        Function::Matches | Function::Contains | Function::StartsWith | Function::EndsWith => Type::Bool,
        Function::Split => Type::List,
        Function::Lines => match arguments {
            [Type::List] => Type::Text,
            [Type::Text | Type::Word(_)] => Type::List,
            _ => Type::Any,
        },
        Function::Join
        | Function::Json
        | Function::Truncate
        | Function::Bullets
        | Function::String
        | Function::LowerAscii
        | Function::UpperAscii
        | Function::Trim
        | Function::Replace => Type::Text,
        _ => Type::Any,
    }
}
