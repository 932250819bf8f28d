use std::fmt;

use crate::value::{Value, ValueError};

/// Why an expression has no value.
///
/// One pointer wide, so that results stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError(Box<Detail>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Detail {
    code: ExprErrorCode,
    message: String,
}

/// The kind of an [`ExprError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExprErrorCode {
    /// A map lacks the key.
    NoSuchKey,
    /// A list lacks the index.
    IndexOutOfRange,
    /// A step has not settled, or lacks the field.
    UndefinedStep,
    /// A root has no value here.
    UndefinedRoot,
    /// An operand or argument has the wrong type.
    TypeMismatch,
    /// A division by zero.
    DivisionByZero,
    /// A number is beyond what JSON carries exactly.
    NumberOverflow,
    /// An argument has the right type and a value that means nothing.
    InvalidArgument,
    /// The expression took more steps, or built a larger value, than the [`Meter`](super::Meter) allows.
    Cost,
}

impl ExprErrorCode {
    /// The stable code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ExprErrorCode::NoSuchKey => "no_such_key",
            ExprErrorCode::IndexOutOfRange => "index_out_of_range",
            ExprErrorCode::UndefinedStep => "undefined_step",
            ExprErrorCode::UndefinedRoot => "undefined_root",
            ExprErrorCode::TypeMismatch => "type_mismatch",
            ExprErrorCode::DivisionByZero => "division_by_zero",
            ExprErrorCode::NumberOverflow => "number_overflow",
            ExprErrorCode::InvalidArgument => "invalid_argument",
            ExprErrorCode::Cost => "expression_cost",
        }
    }

    /// Whether something is not there, which `has` and `default` turn into an answer.
    #[must_use]
    pub fn is_absence(self) -> bool {
        match self {
            ExprErrorCode::NoSuchKey
            | ExprErrorCode::IndexOutOfRange
            | ExprErrorCode::UndefinedStep
            | ExprErrorCode::UndefinedRoot => true,
            ExprErrorCode::TypeMismatch
            | ExprErrorCode::DivisionByZero
            | ExprErrorCode::NumberOverflow
            | ExprErrorCode::InvalidArgument
            | ExprErrorCode::Cost => false,
        }
    }
}

impl ExprError {
    /// The kind.
    #[must_use]
    pub fn code(&self) -> ExprErrorCode {
        self.0.code
    }

    /// What is wrong, for people; user text is in backticks.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    #[cold]
    pub(super) fn new(code: ExprErrorCode, message: impl Into<String>) -> ExprError {
        ExprError(Box::new(Detail { code, message: message.into() }))
    }

    #[cold]
    pub(super) fn wrong_type(expected: &str, found: &Value) -> ExprError {
        ExprError::new(ExprErrorCode::TypeMismatch, format!("{expected}, not {}", found.type_name()))
    }

    pub(super) fn invalid(message: impl Into<String>) -> ExprError {
        ExprError::new(ExprErrorCode::InvalidArgument, message)
    }

    #[cold]
    pub(super) fn too_large() -> ExprError {
        let message = format!("the expression builds more than {} bytes", super::MAX_BUILT_BYTES);
        ExprError::new(ExprErrorCode::Cost, message)
    }

    #[cold]
    pub(super) fn too_many_steps() -> ExprError {
        ExprError::new(ExprErrorCode::Cost, format!("the expression takes more than {} steps", super::MAX_STEPS))
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ExprError {}

impl From<ValueError> for ExprError {
    fn from(error: ValueError) -> ExprError {
        let code = match error {
            ValueError::TooDeep => ExprErrorCode::Cost,
            ValueError::IntegerOutOfRange(_) | ValueError::NotFinite => ExprErrorCode::NumberOverflow,
            ValueError::Syntax(_) => ExprErrorCode::InvalidArgument,
        };
        ExprError::new(code, error.to_string())
    }
}
