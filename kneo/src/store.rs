//! Where runs live: the contract of stores, and the stores there are.

#[doc(inline)]
pub use kneo_core::store::*;
pub use kneo_store::MemoryStore;
#[cfg(feature = "sqlite")]
pub use kneo_store::{SqliteOptions, SqliteStore, Synchronous};
