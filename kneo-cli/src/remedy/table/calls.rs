//! The codes of tools and functions in code.

use super::{Remedy, of};
use crate::exit::Exit::Failed;

/// Every code of a call.
pub(super) const ALL: &[Remedy] = &[
    of("tool_failed", Failed, "A tool gave an error of its own", "see the message"),
    of(
        "tool_input_invalid",
        Failed,
        "The arguments do not fit the tool's type",
        "make the spec's `parameters` agree with the type",
    ),
    of(
        "tool_output_invalid",
        Failed,
        "A tool gave what is no value: text that is not UTF-8, or JSON beyond the limits of values",
        "mend the tool",
    ),
    of("tool_panicked", Failed, "The tool's code panicked", "mend the tool"),
    of("function_failed", Failed, "A function gave an error of its own", "see the message"),
    of(
        "function_input_invalid",
        Failed,
        "The input does not fit the function's type",
        "map the step's `input` to what the function takes",
    ),
    of("function_output_invalid", Failed, "A function gave what is no value", "mend the function"),
    of("function_panicked", Failed, "The function's code panicked", "mend the function"),
];
