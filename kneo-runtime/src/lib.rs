//! kneo-runtime.

pub mod engine;
