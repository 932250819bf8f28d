//! Source texts from the file system.

use std::fs::File;
use std::io::{ErrorKind, Read};

use super::{LoadError, LoadErrorKind, Loader};
use crate::syntax::Limits;

/// Reads source texts from files; names are paths as the operating system takes them.
///
/// Reads at most one byte more than a spec may have, so that a huge or endless file costs no
/// memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct FsLoader;

impl Loader for FsLoader {
    fn load(&self, name: &str) -> Result<String, LoadError> {
        let fail = |kind| LoadError::new(name, kind);
        let limit = Limits::default().bytes as u64;
        let unreadable = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => fail(LoadErrorKind::NotFound),
            ErrorKind::IsADirectory => fail(LoadErrorKind::Unreadable("it is a directory".to_owned())),
            _ => fail(LoadErrorKind::Unreadable(error.to_string())),
        };
        let file = File::open(name).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > limit {
            return Err(fail(LoadErrorKind::TooLarge { bytes: size.max(bytes.len() as u64), limit }));
        }
        String::from_utf8(bytes)
            .map_err(|error| fail(LoadErrorKind::NotUtf8 { offset: error.utf8_error().valid_up_to() }))
    }
}
