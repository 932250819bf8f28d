//! Connections that read.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kneo_core::store::StoreError;
use rusqlite::Connection;

use super::error::Done;
use super::open::open_reader;

/// Connections that read, opened as they are needed.
pub(super) struct Readers {
    path: PathBuf,
    patience: Duration,
    idle: Mutex<Vec<Connection>>,
}

/// Connections that wait for the next read; more are closed after use.
const IDLE_READERS: usize = 4;

impl Readers {
    pub(super) fn new(path: PathBuf, patience: Duration) -> Readers {
        Readers { path, patience, idle: Mutex::default() }
    }

    /// Reads in one transaction, so that what several queries find belongs together.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> Done<T>) -> Result<T, StoreError> {
        self.try_read(query).map_err(|fault| fault.into_store(false))
    }

    fn try_read<T>(&self, query: impl FnOnce(&Connection) -> Done<T>) -> Done<T> {
        let connection = self.take()?;
        connection.prepare_cached("begin")?.execute([])?;
        let result = query(&connection);
        connection.prepare_cached("rollback")?.execute([])?;
        // A connection that failed is closed, not kept.
        self.put(connection);
        result
    }

    fn take(&self) -> Done<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| open_reader(&self.path, self.patience), Ok)
    }

    fn put(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("path", &self.path).finish_non_exhaustive()
    }
}
