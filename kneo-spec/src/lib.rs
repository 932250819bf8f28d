//! The Kneo compiler: spec text to diagnostics and an immutable plan.

pub mod diagnostic;
mod document;
pub mod loader;
mod lower;
mod shape;
pub mod source;
mod suggest;
mod syntax;
mod vocabulary;

pub use syntax::Limits;
