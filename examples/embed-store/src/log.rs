//! The file: a line for each change, `<check> <JSON>`, on the disk before anybody sees the change.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use kneo_core::store::StoreError;
use kneo_core::{Digest, RunKey};

use crate::change::{Change, damaged};

/// How many digits of a line's digest stand before it.
const CHECK: usize = 16;

#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    /// Set when a write failed: what the file holds is then unknown until it is read again.
    broken: Option<StoreError>,
}

impl Log {
    /// Opens a log, and gives the changes that it holds. A last line that a crash cut is cut off: nobody saw its change.
    pub(crate) fn open(path: &Path) -> Result<(Log, Vec<Change>), StoreError> {
        let mut file = open(path).map_err(|error| unusable(path, &error))?;
        file.try_lock().map_err(|error| unusable(path, &error))?;
        let mut changes = Vec::new();
        let mut whole = 0;
        let mut lines = BufReader::new(&file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(|error| unusable(path, &error))? > 0 {
            match read(&line) {
                Some(change) => changes.push(change?),
                None if line.ends_with(b"\n") => {
                    return Err(damaged(format!("line {} of `{}`", changes.len() + 1, path.display())));
                }
                None => break,
            }
            whole += line.len() as u64;
            line.clear();
        }
        let ready = file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0)));
        ready.map_err(|error| unusable(path, &error))?;
        Ok((Log { path: path.to_owned(), file, broken: None }, changes))
    }

    /// Whether the log can be written.
    pub(crate) fn usable(&self) -> Result<(), StoreError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// Adds changes, and waits for the disk.
    pub(crate) fn append(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.usable()?;
        let mut lines = Vec::new();
        for change in changes {
            lines.extend(write(change)?);
        }
        let written = self.file.write_all(&lines).and_then(|()| self.file.sync_data());
        written.map_err(|error| self.broke(&error))
    }

    /// A write failed, and what of it is in the file nobody knows: nothing more is written.
    fn broke(&mut self, error: &std::io::Error) -> StoreError {
        let message = format!("`{}` cannot be written: {error}; open the store again", self.path.display());
        let error = StoreError::Unavailable { message: message.into(), unknown: true, source: None };
        self.broken = Some(error.clone());
        error
    }

    /// Writes the log anew without some runs and with what is kept of them, and puts the new file in the place of the
    /// old one.
    pub(crate) fn without(&mut self, runs: &[RunKey], kept: &[Change]) -> Result<(), StoreError> {
        self.usable()?;
        let failed = |error| unusable(&self.path, &error);
        let new = self.path.with_extension("new");
        let mut file = open(&new).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        let old = File::open(&self.path).map_err(failed)?;
        for line in BufReader::new(old).split(b'\n') {
            let line = [line.map_err(failed)?, vec![b'\n']].concat();
            let change = read(&line).ok_or_else(|| damaged("a line of the log"))??;
            let gone = match change.run() {
                Some(key) => runs.contains(&key.read()?),
                None => matches!(change, Change::Counters { .. } | Change::Floor { .. }),
            };
            if !gone {
                file.write_all(&line).map_err(failed)?;
            }
        }
        for change in kept {
            file.write_all(&write(change)?).map_err(failed)?;
        }
        file.sync_data().and_then(|()| file.try_lock().map_err(Into::into)).map_err(failed)?;
        std::fs::rename(&new, &self.path).map_err(failed)?;
        self.file = file;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| self.broke(&error))
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn write(change: &Change) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_string(change).map_err(damaged)?;
    Ok(format!("{} {json}\n", check(json.as_bytes())).into_bytes())
}

/// The change of a whole line; nothing if the line is cut or its bytes are not those that were written.
fn read(line: &[u8]) -> Option<Result<Change, StoreError>> {
    let line = line.strip_suffix(b"\n")?;
    let (digits, json) = (line.get(..CHECK)?, line.get(CHECK + 1..)?);
    (check(json).as_bytes() == digits).then(|| serde_json::from_slice(json).map_err(damaged))
}

fn check(json: &[u8]) -> String {
    Digest::of(json).to_string().chars().take(CHECK).collect()
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unusable { message: format!("`{}`: {error}", path.display()).into(), source: None }
}
