//! The codes of commands.

use super::{Remedy, of};
use crate::exit::Exit::{Failed, Unavailable};

/// Every code of a command.
pub(super) const ALL: &[Remedy] = &[
    of("tool_unsupported", Unavailable, "This system cannot run commands", "register the tool or function in code"),
    of("tool_command_invalid", Failed, "The spec's command means nothing", "give `argv` a program"),
    of(
        "tool_program_missing",
        Unavailable,
        "The program is not there, or may not be executed",
        "install it; programs are looked up in `/usr/local/bin`, `/usr/bin` and `/bin`, paths from the spec's folder",
    ),
    of(
        "tool_directory_missing",
        Unavailable,
        "The working directory is not there, or not within the host's",
        "mend `cwd`",
    ),
    of("tool_argument_invalid", Failed, "A hole of a command cannot be filled", "see the message"),
    of(
        "tool_argument_refused",
        Failed,
        "A hole was filled with what the command may not get",
        "put `--` before arguments that may begin with `-`",
    ),
    of("tool_start_failed", Failed, "The system could not start the program", "see the message"),
    of("tool_exit", Failed, "The program ended with another code than 0", "see what it wrote on standard error"),
    of("tool_signal", Failed, "A signal ended the program", "see the message"),
    of(
        "tool_output_too_large",
        Failed,
        "The program wrote more than it may",
        "let it write to a file and give its name",
    ),
    of("tool_cancelled", Failed, "The call was cancelled", "nothing"),
];
