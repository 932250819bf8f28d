//! One run of a command: started under a guard, fed, read, and really ended.

mod stream;

use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use kneo_core::call::CallContext;
use kneo_process::Guard;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

use self::stream::{Captured, Overflow};
use super::Settings;
use super::error::CommandError;
use super::invocation::Invocation;

/// How long output is read after the command and its group are gone: a process that left the group may hold the pipe.
const DRAIN: Duration = Duration::from_millis(500);

/// Runs a command to its end and gives what it wrote to standard output.
///
/// # Cancel safety
/// Dropping the future kills the command's process group at once.
pub(super) async fn run(
    invocation: &Invocation,
    stdin: &[u8],
    context: &CallContext,
    settings: &Settings,
) -> Result<Vec<u8>, CommandError> {
    if context.cancel.is_cancelled() {
        return Err(CommandError::Cancelled(invocation.name.clone()));
    }
    let guard = Guard::start().await.map_err(|error| guard_error(invocation, &error))?;
    // INVARIANT: declared after the guard, so that it is dropped first and the guard's death reaches a group whose
    // leader is not yet reaped.
    let mut command = start(invocation, &guard).map_err(|error| start_error(invocation, error))?;
    tracing::debug!(program = %invocation.name, pid = command.id(), group = %guard, "command started");

    let mut captured = Captured::new(settings.max_output_bytes, settings.max_stderr_bytes);
    let end = {
        let mut streams = Streams::new(stream::pump(&mut command, stdin, &mut captured));
        let end = await_end(&mut command, &mut streams, context).await;
        match end {
            End::Exited(_) => {
                guard.kill();
                if let Ok(Err(Overflow)) = timeout(DRAIN, streams.ended()).await {
                    return finish(guard, Err(too_large(invocation, settings))).await;
                }
            }
            End::Overflow | End::Lost(_) => {
                guard.kill();
                let _ = timeout(settings.grace, command.wait()).await;
            }
            End::Cancelled => terminate(&guard, &mut command, &mut streams, settings.grace).await,
        }
        end
    };
    let program = || invocation.name.clone();
    let result = match end {
        End::Exited(status) => judge(status, captured, invocation),
        End::Overflow => Err(too_large(invocation, settings)),
        End::Cancelled => Err(CommandError::Cancelled(program())),
        End::Lost(source) => Err(CommandError::Start { program: program(), source }),
    };
    finish(guard, result).await
}

/// How a command came to its end.
enum End {
    Exited(ExitStatus),
    Overflow,
    Cancelled,
    /// The operating system does not tell.
    Lost(io::Error),
}

fn start(invocation: &Invocation, guard: &Guard) -> io::Result<Child> {
    let mut command = Command::new(&invocation.program);
    command
        .args(invocation.arguments.iter().map(|argument| &**argument))
        .env_clear()
        .envs(invocation.environment.iter().map(|(name, value)| (name, &**value)))
        .current_dir(&invocation.directory)
        .process_group(guard.group())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn()
}

async fn await_end<F: Future<Output = Result<(), Overflow>>>(
    command: &mut Child,
    streams: &mut Streams<F>,
    context: &CallContext,
) -> End {
    tokio::select! {
        // Work that is finished counts, even if it is cancelled in the same moment.
        biased;
        status = command.wait() => status.map_or_else(End::Lost, End::Exited),
        Overflow = streams.overflow() => End::Overflow,
        () = context.cancel.cancelled() => End::Cancelled,
    }
}

/// Asks the group to end, then makes it.
async fn terminate<F: Future<Output = Result<(), Overflow>>>(
    guard: &Guard,
    command: &mut Child,
    streams: &mut Streams<F>,
    grace: Duration,
) {
    guard.terminate();
    let until = Instant::now() + grace;
    let gone = async {
        tokio::select! {
            biased;
            _ = command.wait() => {}
            // A program that says much while it ends must not block on a full pipe; one that says too much is killed.
            Overflow = streams.overflow() => {}
        }
    };
    if timeout_at(until, gone).await.is_err() {
        tracing::debug!(group = %guard, "command ignored SIGTERM");
    }
    guard.kill();
    // Bounded: a process in an uninterruptible wait of the kernel ends when that ends, and cannot act before.
    let _ = timeout(grace, command.wait()).await;
}

async fn finish<T>(guard: Guard, result: Result<T, CommandError>) -> Result<T, CommandError> {
    guard.reap().await;
    result
}

fn judge(status: ExitStatus, captured: Captured, invocation: &Invocation) -> Result<Vec<u8>, CommandError> {
    let program = || invocation.name.clone();
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(captured.stdout),
        (Some(code), _) => Err(CommandError::Exit { program: program(), code, stderr: captured.stderr.text() }),
        (None, signal) => {
            let (signal, stderr) = (signal.unwrap_or_default(), captured.stderr.text());
            Err(CommandError::Signal { program: program(), signal, stderr })
        }
    }
}

fn too_large(invocation: &Invocation, settings: &Settings) -> CommandError {
    CommandError::OutputTooLarge { program: invocation.name.clone(), cap: settings.max_output_bytes }
}

fn guard_error(invocation: &Invocation, error: &io::Error) -> CommandError {
    CommandError::Guard { program: invocation.name.clone(), reason: error.to_string() }
}

fn start_error(invocation: &Invocation, source: io::Error) -> CommandError {
    match source.kind() {
        io::ErrorKind::ArgumentListTooLong => CommandError::ArgumentsTooLarge(invocation.name.clone()),
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
            CommandError::NotExecutable(invocation.program.clone())
        }
        _ => CommandError::Start { program: invocation.name.clone(), source },
    }
}

/// The feeding and reading of a command's pipes, which may end before or after the command.
struct Streams<F> {
    pump: Pin<Box<F>>,
    ended: bool,
}

impl<F: Future<Output = Result<(), Overflow>>> Streams<F> {
    fn new(pump: F) -> Streams<F> {
        Streams { pump: Box::pin(pump), ended: false }
    }

    /// Works on the pipes until all are closed.
    async fn ended(&mut self) -> Result<(), Overflow> {
        if self.ended {
            return Ok(());
        }
        let result = self.pump.as_mut().await;
        self.ended = true;
        result
    }

    /// Works on the pipes; ready only if there is too much output.
    async fn overflow(&mut self) -> Overflow {
        match self.ended().await {
            Err(overflow) => overflow,
            Ok(()) => std::future::pending().await,
        }
    }
}
