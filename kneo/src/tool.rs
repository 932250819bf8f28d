//! What agents and steps call: the contracts of tools and functions, closures as either, and commands.

#[doc(inline)]
pub use kneo_core::call::{CallContext, CallError};
#[doc(inline)]
pub use kneo_core::tool::*;
pub use kneo_runtime::typed::{function, function_with, schema_of, tool, tool_with, value_function};
/// The backing of commands.
pub use kneo_tools as command;
