//! The vocabulary and the contracts of Kneo.
//!
//! Nothing here performs I/O, reads a clock or the environment, or knows an async runtime: the crate holds the words
//! that a compiler, an engine, stores, model providers and tools share, and the traits by which a host plugs them in.

pub mod expr;
pub mod value;

pub use value::{List, Map, Number, Value, ValueError};
