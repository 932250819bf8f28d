//! Tests of the stores from outside.

#[path = "suite/memory.rs"]
mod memory;
#[path = "suite/sqlite.rs"]
mod sqlite;
