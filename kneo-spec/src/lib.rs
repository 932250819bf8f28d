//! The Kneo compiler: spec text to diagnostics and an immutable plan.
//!
//! ```
//! let spec = "
//! version: v1
//! workflow:
//!   type: sequential
//!   steps:
//!     - {id: hello, kind: set, set: {greeting: hello}}
//! ";
//! let plan = kneo_spec::compile_str("hello.yaml", spec)?;
//! assert_eq!(plan.plan().name.as_str(), "workflow");
//!
//! let error = kneo_spec::compile_str("hello.yaml", "version: v1\nworkflaw: {}\n").unwrap_err();
//! assert!(error.to_string().contains("did you mean `workflow`?"));
//! # Ok::<(), kneo_spec::CompileError>(())
//! ```
//!
//! Five stages, each a function that takes the result of the one before: [`source`] texts are read
//! into a tree in which every value knows its place, the tree into a document by tables of fields,
//! names are resolved and expressions compiled, rules checked, and a plan written. No stage stops at
//! the first problem. Nothing here performs I/O but a [`loader::Loader`], and nothing reads a clock or the
//! environment.

pub mod bundle;
mod check;
mod compile;
mod cut;
pub mod diagnostic;
mod document;
mod emit;
mod expr;
pub mod graph;
mod known;
mod link;
pub mod loader;
mod lower;
mod region;
mod resolve;
mod schema;
mod shape;
pub mod source;
mod suggest;
mod syntax;
pub mod tests;
mod vocabulary;

#[cfg(feature = "fs")]
pub use compile::compile_file;
pub use compile::{Compilation, CompileError, CompileOptions, Report, compile, compile_str, compile_with};
pub use resolve::resolve;
pub use schema::{SCHEMA_URL, json_schema};
pub use syntax::Limits;
