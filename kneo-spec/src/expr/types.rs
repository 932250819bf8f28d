//! What is evident of an expression's type before it runs.

use kneo_core::expr::{ArithmeticOp, CompareOp, Function, Root, StepField};
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
    Text,
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

    pub(super) fn of_root(root: Root) -> Self {
        match root {
            Root::Index | Root::RoundIndex => Self::Int,
            Root::RunId | Root::RunStartedAt | Root::RunEnvironment => Self::Text,
            Root::Branches => Self::Map,
            Root::Input | Root::Prev | Root::Item | Root::RoundFeedback => Self::Any,
            _ => Self::Any,
        }
    }

    pub(super) fn of_field(field: StepField) -> Self {
        match field {
            StepField::Status => Self::Text,
            StepField::Attempts => Self::Int,
            StepField::Output | StepField::Error | StepField::Decision => Self::Any,
            _ => Self::Any,
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
            Self::Text => "string",
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

    /// Whether it may be one of these.
    pub(super) fn is_a(self, types: &[Self]) -> bool {
        self == Self::Any || types.contains(&self)
    }

    fn is_number(self) -> bool {
        self.is_a(&[Self::Int, Self::Double])
    }
}

/// The type of `left op right`; `None` if there is no such operation.
pub(super) fn arithmetic(op: ArithmeticOp, left: Type, right: Type) -> Option<Type> {
    use Type::{Any, Double, Int, List, Text};
    let known = if left == Any { right } else { left };
    match (op, known) {
        (_, Any) => Some(Any),
        (ArithmeticOp::Remainder, _) => (left.is_a(&[Int]) && right.is_a(&[Int])).then_some(Int),
        (_, Int | Double) => (left.is_number() && right.is_number()).then_some(match (left, right) {
            (Int, Int) => Int,
            (Double, _) | (_, Double) => Double,
            _ => Any,
        }),
        (ArithmeticOp::Add, Text | List) => (left.is_a(&[known]) && right.is_a(&[known])).then_some(known),
        _ => None,
    }
}

/// Whether two types may be compared so.
pub(super) fn comparable(op: CompareOp, left: Type, right: Type) -> bool {
    use Type::{Any, Bool, List, Map, Null, Text};
    let numbers = left.is_number() && right.is_number();
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
            [Type::Text] => Type::List,
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
