//! Tool backings for Kneo.
//!
//! There is one so far: [`CommandTools`] runs the commands that a spec's tools and functions name. No shell stands
//! between the spec and the program, the program's environment is scrubbed, its output is bounded, and it really ends
//! when it is cancelled, when it takes too long, and when the process that started it dies.
//!
//! ```
//! # use kneo_tools::CommandTools;
//! # fn main() -> Result<(), kneo_tools::BuildError> {
//! let commands = CommandTools::builder(".").variable("HOME", "/var/lib/reports").build()?;
//! # let _ = commands;
//! # Ok(())
//! # }
//! ```
//!
//! # What a command gets
//!
//! | | |
//! | --- | --- |
//! | arguments | Each element of `argv` is one argument, whatever its holes hold. An element that a hole makes begin with `-` is refused unless a literal `--` stands before it. |
//! | program | A bare name is looked up on the host's search path, never on the caller's; a path counts from the host's directory. A hole may give a bare name only. |
//! | standard input | The input as one line of JSON. A program need not read it. |
//! | environment | `PATH` (the host's search path), `LANG` (`C.UTF-8`), what the host adds, what the spec's `env` adds, and `KNEO_RUN_ID`, `KNEO_PATH`, `KNEO_STEP`, `KNEO_ATTEMPT`, `KNEO_IDEMPOTENCY_KEY`. Nothing is inherited. |
//! | working directory | The host's directory, or the spec's `cwd` within it. |
//!
//! Directories are a convenience, not a sandbox: a program may do whatever its user may.
//!
//! # What it gives
//!
//! Standard output is the result: a JSON object or array as that value, anything else as text without its last line
//! end. Exit code 0 is success. Processes that the command leaves in its process group are killed when it exits.
//!
//! # Errors
//!
//! | Code | Retryable | |
//! | --- | --- | --- |
//! | `tool_unsupported` | no | This host cannot run commands. |
//! | `tool_command_invalid` | no | The spec's command means nothing, such as an empty `argv`. |
//! | `tool_program_missing` | no | The program is not there, or may not be executed. |
//! | `tool_directory_missing` | no | The working directory is not there, or not within the host's. |
//! | `tool_argument_invalid` | no | A hole cannot be filled. |
//! | `tool_argument_refused` | no | A hole was filled with what the command may not get. |
//! | `tool_start_failed` | yes | The operating system could not start the program or its guard. |
//! | `tool_exit` | yes | The program exited with another code than 0; the message ends with the last of its standard error. |
//! | `tool_signal` | yes | A signal ended the program. |
//! | `tool_output_too_large` | no | Standard output is over the cap. |
//! | `tool_output_invalid` | no | Standard output is not UTF-8, or is JSON beyond the limits of values. |
//! | `tool_cancelled` | no | The call was cancelled; the command is gone. |

mod command;

pub use command::{BuildError, CommandTools, CommandToolsBuilder};
