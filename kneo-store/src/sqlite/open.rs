//! Opens a database file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::clock::Clock;
use kneo_core::store::{Durability, StoreError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{Done, Fault};
use super::migrate::migrate;
use crate::clock::SystemClock;

/// Prepared statements that a connection keeps: more than there are.
const STATEMENTS: usize = 64;

/// The write-ahead log is moved into the database file beyond so many pages of 4 KiB, and then written over: a commit
/// that makes a log longer waits longer for the disk.
const CHECKPOINT_PAGES: u32 = 1_000;

/// How a [`SqliteStore`](super::SqliteStore) works.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) synchronous: Synchronous,
    pub(super) patience: Duration,
}

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "SQLite has no other mode that keeps the file whole")]
pub enum Synchronous {
    /// The disk: a commit that answered survives a crash of the machine.
    #[default]
    Full,
    /// The operating system: a commit that answered survives a crash of the process, and the last ones may be lost in
    /// a crash of the machine. The file stays whole. For measurements, and for runs that may be repeated.
    Normal,
}

impl SqliteOptions {
    /// The defaults: the machine's clock, every commit on disk, 30 seconds of patience.
    #[must_use]
    pub fn new() -> SqliteOptions {
        SqliteOptions {
            clock: Arc::new(SystemClock),
            synchronous: Synchronous::Full,
            patience: Duration::from_secs(30),
        }
    }

    /// The clock for leases, readiness and deadlines. Processes that share a file need clocks that agree.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> SqliteOptions {
        self.clock = clock;
        self
    }

    /// What a commit waits for.
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> SqliteOptions {
        self.synchronous = synchronous;
        self
    }

    /// How long a change waits while other processes write, before it answers `store_unavailable`.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> SqliteOptions {
        self.patience = patience;
        self
    }
}

impl Default for SqliteOptions {
    fn default() -> SqliteOptions {
        SqliteOptions::new()
    }
}

impl Synchronous {
    pub(super) fn durability(self) -> Durability {
        match self {
            Synchronous::Full => Durability::Disk,
            Synchronous::Normal => Durability::Process,
        }
    }
}

/// Makes the file and its folder if they do not exist, and brings its schema up to date. Gives the connection that
/// writes.
pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    admit(path)?;
    prepare(path, options).map_err(|fault| named(path, fault.into_store(false)))
}

fn prepare(path: &Path, options: &SqliteOptions) -> Done<Connection> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| {
            Fault::Store(StoreError::Unusable {
                message: format!("its folder cannot be made: name a place where this user may write: {error}").into(),
                source: Some(Arc::new(error)),
            })
        })?;
    }
    let mut connection = connect(path)?;
    // While the schema is made, others wait their turn; afterwards the writer has a patience of its own.
    connection.busy_timeout(options.patience)?;
    let mode: String = connection.query_row("pragma journal_mode = wal", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::Store(StoreError::Unusable {
            message: "its file system cannot share memory between processes: name a file on a local disk".into(),
            source: None,
        }));
    }
    let level = match options.synchronous {
        Synchronous::Full => "full",
        Synchronous::Normal => "normal",
    };
    connection.pragma_update(None, "synchronous", level)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    migrate(&mut connection, &*options.clock)?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path, patience: Duration) -> Done<Connection> {
    let connection = connect(path)?;
    connection.busy_timeout(patience)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect(path: &Path) -> Done<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A statement is planned once, whatever it is asked: else SQLite plans some of them anew for each set of parameters.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// SQLite reads some names as something else than a file.
fn admit(path: &Path) -> Result<(), StoreError> {
    let special = path.as_os_str().is_empty() || path.as_os_str().as_encoded_bytes().starts_with(b":");
    match special {
        false => Ok(()),
        true => Err(StoreError::Unusable {
            message: format!("`{}` does not name a file: for a store in memory use the memory store", path.display())
                .into(),
            source: None,
        }),
    }
}

/// Puts the file's name into an error.
fn named(path: &Path, error: StoreError) -> StoreError {
    let name = |message: Arc<str>| Arc::from(format!("`{}`: {message}", path.display()));
    match error {
        StoreError::Unavailable { message, unknown, source } => {
            StoreError::Unavailable { message: name(message), unknown, source }
        }
        StoreError::Unusable { message, source } => StoreError::Unusable { message: name(message), source },
        StoreError::Damaged { message } => StoreError::Damaged { message: name(message) },
        other => other,
    }
}
