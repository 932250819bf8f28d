//! What the tests of the whole workspace share. Unpublished.
//!
//! The tests stand in this folder, one file per question: `architecture.rs` asks whether the sources keep the rules of
//! `docs/architecture.md`, `races.rs` who wins when several want different things of one run,
//! `constructs.rs` whether a run does what the language says, `canaries.rs` whether what is secret or private is seen
//! anywhere.

pub mod canary;
#[cfg(doctest)]
mod docs;
pub mod files;
pub mod processes;
pub mod programs;
pub mod rust_source;
pub mod schedule;
pub mod seed;
pub mod source_tree;
pub mod workspace;

/// What a helper returns: a test has no use for a typed error, only for its text.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
