//! How commands fail, with the code and the remedy of each.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use kneo_core::call::CallError;
use kneo_process::SearchPathError;
use kneo_process::directory::DirectoryError;

/// Why a command cannot be bound, or a call of it failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("this host cannot run commands: {0}")]
    Unsupported(String),
    #[error("the command is not usable: {0}")]
    Invalid(String),
    #[error("the program `{0}` is not on the search path `{1}`; install it there, or write its path in `argv`")]
    NotOnSearchPath(String, String),
    #[error("`{}` cannot be executed; see that it is there, that its mode allows it, and that its interpreter is installed", .0.display())]
    NotExecutable(PathBuf),
    #[error("the working directory `{0}` does not exist; create it, or correct `cwd`")]
    NoDirectory(String),
    #[error("the working directory `{0}` leads out of the host's directory; name one within it")]
    DirectoryOutside(String),
    #[error("{place} of the command cannot be filled: {reason}")]
    ArgumentInvalid { place: Place, reason: String },
    #[error("{place} of the command is refused: {reason}")]
    ArgumentRefused { place: Place, reason: &'static str },
    #[error("the arguments and variables of `{0}` are larger than the system takes; read the input on standard input")]
    ArgumentsTooLarge(String),
    #[error("`{program}` could not be started: {source}")]
    Start { program: String, source: io::Error },
    #[error("the guard of `{program}` could not be started: {reason}")]
    Guard { program: String, reason: String },
    #[error("`{program}` exited with code {code}{}", after(.stderr))]
    Exit { program: String, code: i32, stderr: String },
    #[error("`{program}` was ended by signal {signal}{}", after(.stderr))]
    Signal { program: String, signal: i32, stderr: String },
    #[error("`{program}` wrote more than {cap} bytes to standard output; let it write less, or raise the host's cap")]
    OutputTooLarge { program: String, cap: usize },
    #[error("the output of `{program}` is no value: {reason}")]
    OutputInvalid { program: String, reason: String },
    #[error("`{0}` was cancelled and ended")]
    Cancelled(String),
}

/// Which part of a command is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Program,
    Argument(usize),
    Variable(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Program => f.write_str("the program"),
            Place::Argument(at) => write!(f, "argument {at}"),
            Place::Variable(name) => write!(f, "the variable `{name}`"),
        }
    }
}

fn after(stderr: &str) -> String {
    match stderr {
        "" => " and wrote nothing to standard error".to_owned(),
        stderr => format!(": {stderr}"),
    }
}

impl CommandError {
    fn code(&self) -> &'static str {
        match self {
            CommandError::Unsupported(_) => "tool_unsupported",
            CommandError::Invalid(_) => "tool_command_invalid",
            CommandError::NotOnSearchPath(..) | CommandError::NotExecutable(_) => "tool_program_missing",
            CommandError::NoDirectory(_) | CommandError::DirectoryOutside(_) => "tool_directory_missing",
            CommandError::ArgumentInvalid { .. } | CommandError::ArgumentsTooLarge(_) => "tool_argument_invalid",
            CommandError::ArgumentRefused { .. } => "tool_argument_refused",
            CommandError::Start { .. } | CommandError::Guard { .. } => "tool_start_failed",
            CommandError::Exit { .. } => "tool_exit",
            CommandError::Signal { .. } => "tool_signal",
            CommandError::OutputTooLarge { .. } => "tool_output_too_large",
            CommandError::OutputInvalid { .. } => "tool_output_invalid",
            CommandError::Cancelled(_) => "tool_cancelled",
        }
    }

    /// Whether the same call can succeed later: a program may have met a passing condition, a refusal stays one.
    fn is_retryable(&self) -> bool {
        match self {
            CommandError::Start { .. }
            | CommandError::Guard { .. }
            | CommandError::Exit { .. }
            | CommandError::Signal { .. } => true,
            CommandError::Unsupported(_)
            | CommandError::Invalid(_)
            | CommandError::NotOnSearchPath(..)
            | CommandError::NotExecutable(_)
            | CommandError::NoDirectory(_)
            | CommandError::DirectoryOutside(_)
            | CommandError::ArgumentInvalid { .. }
            | CommandError::ArgumentRefused { .. }
            | CommandError::ArgumentsTooLarge(_)
            | CommandError::OutputTooLarge { .. }
            | CommandError::OutputInvalid { .. }
            | CommandError::Cancelled(_) => false,
        }
    }
}

impl From<SearchPathError> for CommandError {
    fn from(error: SearchPathError) -> CommandError {
        match error {
            SearchPathError::NotFound { name, path } => CommandError::NotOnSearchPath(name, path),
            SearchPathError::NotExecutable(path) => CommandError::NotExecutable(path),
        }
    }
}

impl From<DirectoryError> for CommandError {
    fn from(error: DirectoryError) -> CommandError {
        match error {
            DirectoryError::Outside(directory) => CommandError::DirectoryOutside(directory),
            DirectoryError::Missing(directory) => CommandError::NoDirectory(directory),
        }
    }
}

impl From<CommandError> for CallError {
    fn from(error: CommandError) -> CallError {
        let message: Arc<str> = error.to_string().into();
        let call_error =
            if error.is_retryable() { CallError::retryable } else { CallError::fatal }(error.code(), message);
        match error {
            CommandError::Start { source, .. } => call_error.with_source(source),
            _ => call_error,
        }
    }
}
