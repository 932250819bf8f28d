//! What the operating system is told to start a server.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use kneo_core::Name;
use kneo_core::launch;
use kneo_core::plan::{Setting, StdioDef};
use kneo_process::directory::{self, DirectoryError};
use kneo_process::{SHELL, SearchPathError, environment};

use crate::credentials::Credentials;
use crate::problem::{Passing, Problem};
use crate::settings::Settings;

/// A server's program, with what it is given.
pub(crate) struct Program {
    /// As the author wrote it, for people.
    pub(super) name: Arc<str>,
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<Arc<str>>,
    pub(super) directory: PathBuf,
    environment: Vec<(Name, Setting)>,
}

impl Program {
    /// Checks what can be checked before it is started.
    pub(crate) fn new(stdio: &StdioDef, settings: &Settings) -> Result<Program, Problem> {
        if !std::path::Path::new(SHELL).exists() {
            return Err(Problem::Unsupported(format!("its guard needs `{SHELL}`; install a shell").into()));
        }
        settings.commands.check(stdio)?;
        if let Some(word) = std::iter::once(&stdio.command).chain(&stdio.args).find(|word| word.contains('\0')) {
            return Err(Problem::Definition(format!("`{}` holds a NUL character; take it out", word.escape_default())));
        }
        let path = settings.search.find(&stdio.command, &settings.root).map_err(missing)?;
        for (name, setting) in &stdio.env {
            let plain = match setting {
                Setting::Plain(text) => &**text,
                Setting::Secret(_) => "",
            };
            let refusal = launch::refuse_variable(name.as_str()).or_else(|| environment::refuse_value(plain));
            if let Some(reason) = refusal {
                return Err(Problem::Definition(format!("the variable `{name}` of `env`: {reason}")));
            }
        }
        let directory = directory::within(&settings.root, stdio.cwd.as_deref()).map_err(no_directory)?;
        Ok(Program {
            name: Arc::clone(&stdio.command),
            path,
            arguments: stdio.args.clone(),
            directory,
            environment: stdio.env.clone(),
        })
    }

    /// The directory, which must be there when the program is started.
    pub(super) fn enter(&self, settings: &Settings) -> Result<PathBuf, Problem> {
        directory::enter(&settings.root, &self.directory).map_err(no_directory)
    }

    /// The whole environment. Later entries win, so that the spec may replace what the host gives.
    pub(super) fn environment(
        &self,
        settings: &Settings,
        credentials: &Credentials,
    ) -> Result<Vec<(String, String)>, Problem> {
        let mut variables =
            vec![("PATH".to_owned(), settings.search.to_string()), ("LANG".to_owned(), "C.UTF-8".to_owned())];
        variables.extend(settings.variables.iter().cloned());
        for (name, setting) in &self.environment {
            let value = credentials.setting(setting)?;
            if let Some(reason) = environment::refuse_value(value) {
                return Err(Problem::Definition(format!("the variable `{name}` of `env`: {reason}")));
            }
            variables.push((name.to_string(), value.to_owned()));
        }
        Ok(variables)
    }
}

fn missing(error: SearchPathError) -> Problem {
    let help = match &error {
        SearchPathError::NotFound { .. } => "install it there, or write its path in `command`",
        SearchPathError::NotExecutable(_) => "see that it is there, and that its mode allows it",
    };
    Problem::Spawn { reason: format!("{error}; {help}"), passing: Passing::No }
}

fn no_directory(error: DirectoryError) -> Problem {
    let help = match &error {
        DirectoryError::Outside(_) => "name one within it in `cwd`",
        DirectoryError::Missing(_) => "create it, or correct `cwd`",
    };
    Problem::Spawn { reason: format!("{error}; {help}"), passing: Passing::No }
}

/// Shows the program only: arguments and variables may hold what nobody should read.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("name", &self.name).finish_non_exhaustive()
    }
}
