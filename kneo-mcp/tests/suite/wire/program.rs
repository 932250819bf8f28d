//! Programs for Node.

use std::path::{Path, PathBuf};
use std::process::Command;

use kneo_tests::programs;

/// Where Node is, if not on the path.
const NODE: &str = "KNEO_TEST_NODE";

/// A program for Node, with the Node that runs it.
#[derive(Clone, Debug)]
pub(crate) struct NodeProgram {
    pub(crate) node: PathBuf,
    pub(crate) script: PathBuf,
}

impl NodeProgram {
    /// Finds a program that needs a version of Node; `None` is told.
    pub(crate) fn find(name: &str, variable: &str, at_least: u32) -> Option<NodeProgram> {
        let found = programs::lookup("node", NODE).and_then(|node| {
            let script = programs::lookup(name, variable)?;
            match version(&node) {
                Some(version) if version >= at_least => Ok(NodeProgram { node: real(&node), script: real(&script) }),
                found => Err(format!(
                    "`{name}` needs Node {at_least} or later, `{}` is of version {found:?}, and {NODE} names no other",
                    node.display()
                )),
            }
        });
        programs::found(found)
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
