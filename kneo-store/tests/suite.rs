//! Tests of the stores from outside.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "suite/differential.rs"]
mod differential;
#[path = "suite/fault.rs"]
mod fault;
#[path = "suite/kit.rs"]
mod kit;
#[path = "suite/memory.rs"]
mod memory;
#[path = "suite/process.rs"]
mod process;
#[path = "suite/refusal.rs"]
mod refusal;
#[path = "suite/runtime.rs"]
mod runtime;
#[path = "suite/sqlite.rs"]
mod sqlite;
