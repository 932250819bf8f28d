//! The sources of a crate, found by following `mod` from its roots as the compiler does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::rust_source::RustSource;
use crate::{Outcome, files};

/// A source file of a crate.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether only tests have it.
    pub test_only: bool,
    /// What it holds.
    pub source: RustSource,
    /// Whether it says with `#[path]` where a module's file is; its modules are not followed then.
    pub places_modules: bool,
}

/// Follows `mod` from a root file; `test_only` says whether the root is one of a test.
///
/// # Errors
/// A file that cannot be read, or a declared module that is nowhere.
pub fn follow(root: &Path, test_only: bool) -> Outcome<Vec<SourceFile>> {
    let folder = root.parent().unwrap_or(root).to_owned();
    let mut files = Vec::new();
    let mut pending = vec![(root.to_owned(), folder, test_only)];
    while let Some((path, modules, test_only)) = pending.pop() {
        let source = RustSource::new(&files::read(&path)?);
        let places_modules = source.code().replace(' ', "").contains("#[path=");
        if places_modules {
            files.push(SourceFile { path, test_only, source, places_modules });
            continue;
        }
        for name in source.possible_modules() {
            let folder = modules.join(&name);
            let file = folder.with_extension("rs");
            if file.is_file() && !source.modules().iter().any(|module| module.path == [&*name]) {
                pending.push((file, folder, test_only));
            }
        }
        for module in source.modules() {
            let folder: PathBuf = module.path.iter().fold(modules.clone(), |folder, name| folder.join(name));
            let file = folder.with_extension("rs");
            if !file.is_file() {
                let name = module.path.join("::");
                return Err(format!("{}: `mod {name};` has no file", files::short(&path)).into());
            }
            pending.push((file, folder, test_only || module.test_only));
        }
        files.push(SourceFile { path, test_only, source, places_modules });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The Rust files below a folder that are not among those that belong to a crate.
///
/// # Errors
/// A folder that cannot be read.
pub fn forgotten(folder: &Path, known: &[SourceFile]) -> Outcome<Vec<PathBuf>> {
    let known: BTreeSet<&Path> = known.iter().map(|file| &*file.path).collect();
    let nested = |path: &Path| path.join("Cargo.toml").is_file() || path.ends_with("target");
    let all = files::below(folder, "rs", &nested)?;
    Ok(all.into_iter().filter(|path| !known.contains(&**path)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn crate_of(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn modules_are_followed_and_what_nobody_declares_is_forgotten() {
        let folder = crate_of(&[
            ("src/lib.rs", "mod a;\n#[cfg(test)]\nmod tests;\n"),
            ("src/a.rs", "mod b;"),
            ("src/a/b.rs", ""),
            ("src/a/lost.rs", ""),
            ("src/tests.rs", "mod inline {\n    mod case;\n}"),
            ("src/tests/inline/case.rs", ""),
            ("nested/Cargo.toml", ""),
            ("nested/lib.rs", ""),
        ]);
        let found = follow(&folder.path().join("src/lib.rs"), false).unwrap();
        let name = |path: &Path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
        let seen: Vec<_> = found.iter().map(|file| (name(&file.path), file.test_only)).collect();
        let expected = [
            ("src/a/b.rs", false),
            ("src/a.rs", false),
            ("src/lib.rs", false),
            ("src/tests/inline/case.rs", true),
            ("src/tests.rs", true),
        ];
        assert_eq!(seen, expected.map(|(path, test)| (path.to_owned(), test)));
        let lost = forgotten(folder.path(), &found).unwrap();
        assert_eq!(lost.iter().map(|path| name(path)).collect::<Vec<_>>(), ["src/a/lost.rs"]);
    }

    #[test]
    fn a_module_without_a_file_is_refused_and_one_with_a_path_of_its_own_is_not_followed() {
        let folder = crate_of(&[("lib.rs", "mod gone;"), ("other.rs", "#[path = \"x.rs\"]\nmod x;"), ("x.rs", "")]);
        let error = follow(&folder.path().join("lib.rs"), false).unwrap_err().to_string();
        assert!(error.contains("`mod gone;` has no file"), "{error}");
        let found = follow(&folder.path().join("other.rs"), false).unwrap();
        assert_eq!(found.iter().map(|file| file.places_modules).collect::<Vec<_>>(), [true]);
    }
}
