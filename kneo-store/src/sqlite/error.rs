//! Failures of SQLite, in the words of the contract.

use std::sync::Arc;

use kneo_core::store::StoreError;
use rusqlite::ErrorCode;

/// What can go wrong between a method and the database.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite refused.
    Sql(rusqlite::Error),
    /// Something else, already in the contract's words.
    Store(StoreError),
}

pub(super) type Done<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault::Store(error)
    }
}

impl Fault {
    /// What is stored cannot be read.
    pub(super) fn damaged(message: impl std::fmt::Display) -> Fault {
        Fault::Store(StoreError::damaged(message.to_string()))
    }

    /// Whether somebody else has the database and waiting helps.
    pub(super) fn is_busy(&self) -> bool {
        let Fault::Sql(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether the file system failed.
    pub(super) fn is_io(&self) -> bool {
        let Fault::Sql(error) = self else { return false };
        error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
    }

    /// The failure for the caller; `unknown` says whether the change may have happened nevertheless.
    pub(super) fn into_store(self, unknown: bool) -> StoreError {
        let error = match self {
            Fault::Sql(error) => error,
            Fault::Store(error) => return error,
        };
        let unusable = |message: &str| StoreError::Unusable {
            message: Arc::from(message),
            source: Some(Arc::new(clone_of(&error))),
        };
        let unavailable = |message: &str| StoreError::Unavailable {
            message: Arc::from(message),
            unknown,
            source: Some(Arc::new(clone_of(&error))),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                unavailable("another process has been writing for too long: see what keeps it, then try again")
            }
            Some(ErrorCode::DiskFull) => unavailable("the disk is full: free some space, then try again"),
            Some(ErrorCode::SystemIoFailure) => unavailable("the file system failed: see the system's log"),
            Some(ErrorCode::OperationInterrupted | ErrorCode::OutOfMemory | ErrorCode::SchemaChanged) => {
                unavailable("the database could not do its work: try again")
            }
            Some(ErrorCode::ReadOnly) => {
                unusable("its file or folder is read-only: give this user the right to write, or name another place")
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                unusable("its file cannot be opened: name a file in a folder where this user may write")
            }
            Some(ErrorCode::NotADatabase) => {
                unusable("its file is not a database: name another file, or move this one away")
            }
            Some(ErrorCode::DatabaseCorrupt) => StoreError::damaged("the database file is malformed: restore a backup"),
            _ => StoreError::damaged(format!("the database answered `{error}`")),
        }
    }
}

/// SQLite's errors cannot be cloned; the text is what a reader wants.
fn clone_of(error: &rusqlite::Error) -> std::io::Error {
    std::io::Error::other(error.to_string())
}
