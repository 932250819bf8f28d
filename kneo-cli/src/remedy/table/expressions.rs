//! The codes of expressions.

use super::{Remedy, of};
use crate::exit::Exit::Failed;

/// Every code of an expression.
pub(super) const ALL: &[Remedy] = &[
    of("no_such_key", Failed, "A map lacks the key that an expression reads", "guard it with `has()` or `default()`"),
    of("index_out_of_range", Failed, "A list is shorter than an expression takes it for", "check its `size()` first"),
    of(
        "undefined_step",
        Failed,
        "An expression reads a step that left nothing behind",
        "guard it with `has()` or `default()`",
    ),
    of(
        "undefined_root",
        Failed,
        "An expression reads what does not exist at its place",
        "use `input`, `prev`, `steps` or `run`",
    ),
    of(
        "type_mismatch",
        Failed,
        "An expression got a value of another type than it needs",
        "convert it with `string()`, `int()` or `double()`",
    ),
    of("division_by_zero", Failed, "An expression divides by zero", "check the divisor first"),
    of("number_overflow", Failed, "A number is too large", "keep integers within plus and minus 2^53 − 1"),
    of("invalid_argument", Failed, "A function of an expression got what it cannot take", "see the message"),
    of(
        "expression_cost",
        Failed,
        "An expression takes more than 10,000 steps or gives more than 1 MiB",
        "do the work in a function",
    ),
];
