//! Files that this program makes: whole or not at all, and in nobody's place.

use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::problem::Problem;

/// What to do about a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfThere {
    Refuse,
    Replace,
}

/// Writes a file: others see all of it, and nothing of it before.
pub(crate) fn write(path: &Path, bytes: &[u8], if_there: IfThere) -> Result<(), Problem> {
    written(path, bytes, if_there).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Problem::new("output_exists", format!("`{}` is there", path.display())),
        _ => Problem::new("output_unwritable", format!("cannot write `{}`: {error}", path.display())),
    })
}

fn written(path: &Path, bytes: &[u8], if_there: IfThere) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = beside(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match if_there {
        IfThere::Refuse => file.persist_noclobber(path)?,
        IfThere::Replace => file.persist(path)?,
    };
    // A system that cannot make a folder durable by itself makes it so with the file.
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).or(Ok(()))
}

/// A file in a folder, which is gone if nothing becomes of it; with the rights that files have by default.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".kneo-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
