//! The backing of commands.
#![cfg_attr(not(unix), expect(dead_code, reason = "where commands cannot run, their settings are only checked"))]

#[cfg(unix)]
mod bound;
mod error;
#[cfg(unix)]
mod invocation;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod process;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kneo_core::call::CallError;
use kneo_core::launch;
use kneo_core::plan::CommandDef;
use kneo_core::tool::{Backing, Function};
use kneo_process::{SearchPath, environment};

const MAX_OUTPUT_BYTES: usize = 1 << 20;
const MAX_STDERR_BYTES: usize = 8 << 10;
const GRACE: Duration = Duration::from_secs(2);

/// Runs the commands of specs as processes of this host.
///
/// See the [crate's documentation](crate) for what a command gets and gives. Cheap to clone.
///
/// # Life of a command
/// Each call has a process group of its own, led by a small guard: a `/bin/sh` that waits for the end of a pipe whose
/// other end only this process holds. When this process ends, however it ends, the guard kills the group. No command
/// starts before its guard stands.
///
/// A cancelled or overdue call sends `SIGTERM` to the group, waits for the grace, sends `SIGKILL`, and returns when the
/// command is gone. Dropping a call's future sends `SIGKILL` at once, and the async runtime reaps what is left.
#[derive(Clone, Debug)]
pub struct CommandTools {
    settings: Arc<Settings>,
}

/// What holds for every command of a host.
struct Settings {
    /// The canonical directory in which commands run.
    root: PathBuf,
    search: SearchPath,
    /// In the host's order: of two with one name the later counts.
    variables: Vec<(String, String)>,
    max_output_bytes: usize,
    max_stderr_bytes: usize,
    grace: Duration,
}

impl CommandTools {
    /// Starts to describe the backing; commands run in `root`, or below it where a spec has a `cwd`.
    pub fn builder(root: impl Into<PathBuf>) -> CommandToolsBuilder {
        CommandToolsBuilder {
            search: None,
            settings: Settings {
                root: root.into(),
                search: SearchPath::default(),
                variables: Vec::new(),
                max_output_bytes: MAX_OUTPUT_BYTES,
                max_stderr_bytes: MAX_STDERR_BYTES,
                grace: GRACE,
            },
        }
    }
}

impl Backing<CommandDef> for CommandTools {
    #[cfg(unix)]
    fn bind(&self, command: &CommandDef) -> Result<Arc<dyn Function>, CallError> {
        let bound = bound::BoundCommand::new(command, Arc::clone(&self.settings))?;
        Ok(Arc::new(bound))
    }

    #[cfg(not(unix))]
    fn bind(&self, _: &CommandDef) -> Result<Arc<dyn Function>, CallError> {
        let why = "commands need process groups, which this system lacks; register the function in code".to_owned();
        Err(error::CommandError::Unsupported(why).into())
    }
}

/// Collects what [`CommandTools`] needs.
#[derive(Debug)]
#[must_use]
pub struct CommandToolsBuilder {
    search: Option<Vec<PathBuf>>,
    settings: Settings,
}

/// Why [`CommandToolsBuilder::build`] refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The directory of the commands is not there.
    #[error("cannot run commands in `{}`: {source}; name a directory that exists", .directory.display())]
    Directory {
        /// The directory as given.
        directory: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A directory of the search path is relative or cannot stand in `PATH`.
    #[error("`{}` cannot be part of the search path; name an absolute directory without `:`", .0.display())]
    SearchPath(PathBuf),
    /// A variable has a name or value that an environment cannot hold, or that is Kneo's.
    #[error("the variable `{name}` cannot be set: {reason}")]
    Variable {
        /// The name as given.
        name: String,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
}

impl CommandToolsBuilder {
    /// Looks programs up in these directories, in order, and gives them to commands as `PATH`.
    pub fn search_path<P: Into<PathBuf>>(mut self, directories: impl IntoIterator<Item = P>) -> CommandToolsBuilder {
        self.search = Some(directories.into_iter().map(Into::into).collect());
        self
    }

    /// Gives every command a variable. A spec's `env` may replace it.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> CommandToolsBuilder {
        self.settings.variables.push((name.into(), value.into()));
        self
    }

    /// Bounds standard output; more is an error, never cut. The default is 1 MiB.
    pub fn max_output_bytes(mut self, bytes: usize) -> CommandToolsBuilder {
        self.settings.max_output_bytes = bytes;
        self
    }

    /// Bounds the last part of standard error that an error carries. The default is 8 KiB.
    pub fn max_stderr_bytes(mut self, bytes: usize) -> CommandToolsBuilder {
        self.settings.max_stderr_bytes = bytes;
        self
    }

    /// Sets how long a command may take to end after `SIGTERM`. The default is 2 seconds.
    pub fn grace(mut self, grace: Duration) -> CommandToolsBuilder {
        self.settings.grace = grace;
        self
    }

    /// Checks what was collected.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn build(self) -> Result<CommandTools, BuildError> {
        let mut settings = self.settings;
        let directory = settings.root;
        settings.root = match directory.canonicalize() {
            Ok(root) if root.is_dir() => root,
            Ok(_) => {
                let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
                return Err(BuildError::Directory { directory, source });
            }
            Err(source) => return Err(BuildError::Directory { directory, source }),
        };
        if let Some(directories) = self.search {
            settings.search = SearchPath::new(directories).map_err(BuildError::SearchPath)?;
        }
        for (name, value) in &settings.variables {
            let refusal = match name.as_str() {
                "PATH" => Some("set the search path instead"),
                name => launch::refuse_variable(name).or_else(|| environment::refuse_value(value)),
            };
            if let Some(reason) = refusal {
                return Err(BuildError::Variable { name: name.clone(), reason });
            }
        }
        Ok(CommandTools { settings: Arc::new(settings) })
    }
}

/// Shows the names of the variables and never their values.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<&str> = self.variables.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Settings")
            .field("root", &self.root)
            .field("search", &self.search)
            .field("variables", &variables)
            .field("max_output_bytes", &self.max_output_bytes)
            .field("max_stderr_bytes", &self.max_stderr_bytes)
            .field("grace", &self.grace)
            .finish()
    }
}
