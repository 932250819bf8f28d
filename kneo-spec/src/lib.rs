//! The Kneo compiler: spec text to diagnostics and an immutable plan.

pub mod diagnostic;
pub mod loader;
pub mod source;
mod suggest;
mod syntax;

pub use syntax::Limits;
