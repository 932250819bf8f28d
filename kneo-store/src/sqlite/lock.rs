//! Signs of life: a worker that holds leases holds an OS lock on a file beside the database.
//!
//! The system gives the lock up when the process ends, however it ends, so another process need not wait for a dead
//! worker's leases to run out. A lock belongs to an open file, so workers of one process see each other's too.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use kneo_core::WorkerId;
use kneo_core::store::StoreError;

/// How often a worker tries to take its own lock, which others hold only while they look at it.
const TRIES: u32 = 500;
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// The locks of the workers that claim through one store.
#[derive(Debug)]
pub(super) struct WorkerLocks {
    folder: PathBuf,
    held: Mutex<HashMap<WorkerId, File>>,
}

impl WorkerLocks {
    /// The locks beside a database.
    pub(super) fn beside(database: &Path) -> WorkerLocks {
        let mut folder = database.as_os_str().to_owned();
        folder.push(".locks");
        WorkerLocks { folder: PathBuf::from(folder), held: Mutex::default() }
    }

    /// Shows that a worker lives, until the store is dropped.
    pub(super) fn hold(&self, worker: WorkerId) -> Result<(), StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains_key(&worker) {
            return Ok(());
        }
        let file = self.take(worker).map_err(|error| StoreError::Unusable {
            message: format!(
                "the lock of {worker} in `{}` cannot be taken: let this user write there, on a local disk, and give \
                 every worker an id of its own",
                self.folder.display()
            )
            .into(),
            source: Some(Arc::new(error)),
        })?;
        held.insert(worker, file);
        Ok(())
    }

    /// Whether a worker's process is gone, or has closed its store.
    ///
    /// `false` if that cannot be told: then its leases have to run out.
    pub(super) fn is_dead(&self, worker: WorkerId) -> bool {
        if self.held.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&worker) {
            return false;
        }
        match File::open(self.path(worker)) {
            // Nobody takes a lease without the file, and its owner deletes it.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
            Ok(file) => file.try_lock_shared().is_ok(),
        }
    }

    /// Deletes what workers left behind that are gone.
    pub(super) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                // Whoever opened the file before it is deleted finds out: see `take`. One that stays does no harm.
                let _ = fs::remove_file(&path);
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "file locks tell nobody when they come free, and wait for ever")]
    fn take(&self, worker: WorkerId) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let path = self.path(worker);
        for _ in 0..TRIES {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            match file.try_lock() {
                Ok(()) if same_file(&file, &path)? => return Ok(file),
                Ok(()) | Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other("another process holds it"))
    }

    fn path(&self, worker: WorkerId) -> PathBuf {
        self.folder.join(worker.to_string())
    }
}

impl Drop for WorkerLocks {
    fn drop(&mut self) {
        let held = std::mem::take(self.held.get_mut().unwrap_or_else(PoisonError::into_inner));
        // Deleted while it is locked, so that nobody else's file is deleted. One that cannot be is swept later.
        held.into_iter().for_each(|(worker, file)| {
            let _ = fs::remove_file(self.path(worker));
            drop(file);
        });
    }
}

/// Whether the path still leads to the open file.
#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (open, there) = (file.metadata()?, fs::metadata(path));
    Ok(there.is_ok_and(|there| (there.dev(), there.ino()) == (open.dev(), open.ino())))
}

/// An open file cannot be deleted here.
#[cfg(not(unix))]
fn same_file(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(n: u8) -> WorkerId {
        WorkerId::from_bytes([n; 16])
    }

    #[test]
    fn a_worker_lives_as_long_as_its_store() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("kneo.db");
        let (one, other) = (WorkerLocks::beside(&database), WorkerLocks::beside(&database));
        assert!(other.is_dead(worker(1)));
        one.hold(worker(1)).unwrap();
        one.hold(worker(1)).unwrap();
        assert!(!other.is_dead(worker(1)));
        assert!(!one.is_dead(worker(1)));
        drop(one);
        assert!(other.is_dead(worker(1)));
    }

    #[test]
    fn a_worker_that_comes_back_is_alive_again() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("kneo.db");
        let other = WorkerLocks::beside(&database);
        for _ in 0..3 {
            let one = WorkerLocks::beside(&database);
            one.hold(worker(1)).unwrap();
            other.sweep();
            assert!(!other.is_dead(worker(1)));
        }
        assert!(other.is_dead(worker(1)));
    }

    #[test]
    fn what_dead_workers_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let locks = WorkerLocks::beside(&folder.path().join("kneo.db"));
        locks.hold(worker(1)).unwrap();
        let left = locks.path(worker(2));
        File::create(&left).unwrap();
        assert!(locks.is_dead(worker(2)));
        locks.sweep();
        assert!(!left.exists());
        assert!(locks.path(worker(1)).exists());
    }
}
