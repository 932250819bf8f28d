//! How the program ends.

use std::process::ExitCode;

/// The exit codes that scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// A run completed, a spec is valid, an answer was given.
    Done,
    /// A run failed, was cancelled, timed out or expired; or something given is invalid.
    Failed,
    /// The command line means nothing: nothing was done.
    Usage,
    /// A run waits: for a person, or for anything that nobody here waits for.
    Blocked,
    /// Something could not be checked or reached: a store, a secret, a file, a requirement this program lacks.
    Unavailable,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Blocked => 3,
            Exit::Unavailable => 4,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
