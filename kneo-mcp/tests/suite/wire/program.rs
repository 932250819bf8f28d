//! Programs that others have written, found where a variable of the environment says, else on the path.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Without it a test in front of a program that is not there is left out; set to `1`, it fails.
const REQUIRE: &str = "KNEO_REQUIRE_WIRE";

/// Where Node is, if not on the path.
const NODE: &str = "KNEO_TEST_NODE";

fn set(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn lookup(name: &str, variable: &str) -> Result<PathBuf, String> {
    match set(variable) {
        Some(path) => {
            assert!(path.is_file(), "{variable} names `{}`, which is not there", path.display());
            Ok(path)
        }
        None => on_path(name).ok_or_else(|| format!("`{name}` is not on the path, and {variable} names no other")),
    }
}

/// Says on the error output itself, which no test harness holds back, that a test is left out: nobody is to take it for
/// one that passed.
fn skipped<T>(why: &str) -> Option<T> {
    assert!(set(REQUIRE).is_none(), "{why}, but {REQUIRE} is set");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    std::io::stderr().write_all(format!("\nSKIPPED: {test}: {why}\n").as_bytes()).unwrap();
    None
}

/// A program for Node, with the Node that runs it.
#[derive(Clone, Debug)]
pub(crate) struct NodeProgram {
    pub(crate) node: PathBuf,
    pub(crate) script: PathBuf,
}

impl NodeProgram {
    /// Finds a program that needs a version of Node; `None` is told.
    pub(crate) fn find(name: &str, variable: &str, at_least: u32) -> Option<NodeProgram> {
        let found = lookup("node", NODE).and_then(|node| {
            let script = lookup(name, variable)?;
            match version(&node) {
                Some(version) if version >= at_least => Ok(NodeProgram { node: real(&node), script: real(&script) }),
                found => Err(format!(
                    "`{name}` needs Node {at_least} or later, `{}` is of version {found:?}, and {NODE} names no other",
                    node.display()
                )),
            }
        });
        found.map_or_else(|why| skipped(&why), Some)
    }

    pub(crate) fn script(&self) -> &str {
        self.script.to_str().unwrap()
    }
}

/// A link of `node_modules/.bin` stands in another folder than what it imports.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap()
}

/// The major version of a Node.
fn version(node: &Path) -> Option<u32> {
    let output = Command::new(node).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}
