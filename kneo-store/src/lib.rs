//! Where Kneo's runs live.
//!
//! | Store | Survives | For |
//! | --- | --- | --- |
//! | [`MemoryStore`] | nothing | tests, runs that may be lost; the reference that implementors read |
//! | [`SqliteStore`] | crashes of process and machine | one machine, any number of processes |
//!
//! A store of your own implements [`kneo_core::store::Store`], judges commits by the rules of [`rule`], and is correct if
//! it passes the `conformance` suite (feature `conformance`). `examples/embed-store` is a small one.

mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "conformance")]
pub mod fault;
mod hint;
mod memory;
pub mod rule;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use clock::SystemClock;
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore, Synchronous};
