//! `kneo new`.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use kneo::spec::json_schema;
use serde_json::json;

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::shell::quoted;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the project, which is made; its last part is the project's name
    #[arg(value_hint = clap::ValueHint::DirPath)]
    folder: PathBuf,

    /// Where the host finds Kneo: a folder with Kneo's sources instead of its repository
    #[arg(long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    kneo: Option<PathBuf>,
}

/// The files of a project, by their places in it.
const FILES: &[(&str, &str)] = &[
    (".gitignore", include_str!("../../templates/new/gitignore")),
    (".kneo/config.yaml", include_str!("../../templates/new/config.yaml")),
    ("Cargo.toml", include_str!("../../templates/new/Cargo.toml")),
    ("README.md", include_str!("../../templates/new/README.md")),
    ("specs/hello.yaml", include_str!("../../templates/new/specs/hello.yaml")),
    ("src/main.rs", include_str!("../../templates/new/src/main.rs")),
];

/// The schema that the first line of the spec names, for editors.
const SCHEMA: &str = "specs/kneo-v1.schema.json";

/// Where hosts find Kneo unless told otherwise.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let name = self.name()?;
        let kneo = self.kneo()?;
        let folder = &self.folder;
        // A repository that has just been made holds nothing of anybody's.
        let counts = |entry: std::io::Result<fs::DirEntry>| !entry.is_ok_and(|entry| entry.file_name() == ".git");
        if fs::read_dir(folder).is_ok_and(|mut entries| entries.any(counts)) {
            let message = format!("`{}` is not empty", folder.display());
            return Err(Problem::new("folder_not_empty", message).into());
        }
        let mut made = Vec::new();
        let filled = FILES
            .iter()
            .map(|(place, template)| (*place, template.replace("__NAME__", &name).replace("__KNEO__", &kneo)));
        for (place, text) in filled.chain([(SCHEMA, json_schema())]) {
            let path = folder.join(place);
            write(&path, &text).map_err(|error| {
                Problem::new("folder_unwritable", format!("`{}` cannot be written: {error}", path.display()))
            })?;
            made.push(place);
        }
        if output.json {
            output.object(&json!({"name": name, "folder": folder.display().to_string(), "files": made}))?;
            return Ok(Exit::Done);
        }
        let there = quoted(&folder.display().to_string());
        let (what, cd) = match is_here(folder) {
            true => (name, String::new()),
            false => (folder.display().to_string(), format!("    cd {there}\n")),
        };
        output.text(&format!(
            "made {what} with {}\n\n{cd}    kneo run specs/hello.yaml --input Ana\n    cargo run -- Ana",
            made.join(", "),
        ))?;
        if self.kneo.is_none() {
            output.note(&format!(
                "\nits host gets Kneo from {REPOSITORY}; with `--kneo FOLDER` it gets it from Kneo's sources in a folder"
            ));
        }
        Ok(Exit::Done)
    }

    /// The project's name, which is a crate's as well.
    fn name(&self) -> Result<String, Problem> {
        let folder = match is_here(&self.folder) {
            true => std::env::current_dir().map_err(|error| Problem::new("file_unreadable", error.to_string()))?,
            false => self.folder.clone(),
        };
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
        let name = &*name;
        let may_stand = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(may_stand) && !is_reserved(name) {
            return Ok(name.to_owned());
        }
        let message = format!("`{name}` cannot be the name of a project, which is a crate's as well");
        Err(Problem::new("project_name_invalid", message))
    }

    /// The dependency in `Cargo.toml`.
    fn kneo(&self) -> Result<String, Problem> {
        let Some(folder) = &self.kneo else { return Ok(format!("{{ git = \"{REPOSITORY}\" }}")) };
        let facade = folder.join("kneo");
        if !facade.join("Cargo.toml").is_file() {
            let message = format!("`{}` has no crate `kneo`", folder.display());
            return Err(Problem::new("file_not_found", message).with_help("name the folder of Kneo's workspace"));
        }
        let facade = facade.canonicalize().map_err(|error| Problem::new("file_unreadable", error.to_string()))?;
        // JSON's quotes and escapes are TOML's.
        Ok(format!("{{ path = {} }}", serde_json::Value::from(facade.display().to_string())))
    }
}

/// Whether the working directory is meant.
fn is_here(folder: &Path) -> bool {
    folder.components().all(|part| part == Component::CurDir)
}

/// Names that cargo gives to no package, or that the host itself depends on.
fn is_reserved(name: &str) -> bool {
    ["kneo", "tokio", "test", "core", "std", "alloc", "proc_macro", "self", "super", "crate"].contains(&name)
}

/// Writes a new file, and overwrites none.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    fs::File::create_new(path)?.write_all(text.as_bytes())
}
