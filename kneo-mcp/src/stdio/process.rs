//! A server as a process: started under a guard, listened to, and really ended.

use std::future::Future;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kneo_process::Guard;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Link, Program};
use crate::credentials::Credentials;
use crate::problem::{Passing, Problem};
use crate::settings::Settings;

const CHUNK: usize = 16 << 10;

/// How long the end of standard error is waited for after the server is gone: a process that left its group may hold the
/// pipe.
const DRAIN: Duration = Duration::from_millis(100);

/// A server's process, in a group of its own with all that it starts.
///
/// Dropping it kills the group at once, and the async runtime takes the remains.
#[derive(Debug)]
pub(crate) struct Process {
    // INVARIANT: declared before the guard, so that it is dropped first and the guard's death reaches a group whose
    // members are not yet reaped.
    child: Child,
    stderr: Follower,
    guard: Guard,
    grace: Duration,
}

impl Process {
    /// Starts a server.
    ///
    /// # Errors
    /// It cannot be started.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing running.
    pub(crate) async fn start(
        program: &Program,
        settings: &Settings,
        credentials: &Credentials,
        link: &Arc<Link>,
    ) -> Result<(Process, ChildStdin, ChildStdout), Problem> {
        let directory = program.enter(settings)?;
        let environment = program.environment(settings, credentials)?;
        let guard = Guard::start().await.map_err(|error| Problem::Spawn {
            reason: format!("its guard does not stand: {error}"),
            passing: Passing::Yes,
        })?;
        let mut command = Command::new(&program.path);
        command
            .args(program.arguments.iter().map(|argument| &**argument))
            .env_clear()
            .envs(environment)
            .current_dir(directory)
            .process_group(guard.group())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| start_error(&error))?;
        tracing::debug!(program = %program.name, pid = child.id(), group = %guard, "MCP server started");
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(Problem::Spawn { reason: "it has no pipes".to_owned(), passing: Passing::Yes });
        };
        let stderr = Follower(tokio::spawn(follow(stderr, Arc::clone(link))));
        Ok((Process { child, stderr, guard, grace: settings.grace }, stdin, stdout))
    }

    /// Waits until the server is gone, and what it wrote to standard error is read.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait.
    pub(super) async fn exited(&mut self) -> Option<ExitStatus> {
        let status = self.child.wait().await.ok();
        if !self.stderr.0.is_finished() {
            let _ = timeout(DRAIN, &mut self.stderr.0).await;
        }
        status
    }

    /// Ends the server, whose standard input is closed: waits for it to end by itself, asks it to, makes it; each for
    /// the grace. Whatever else is in its group is killed.
    ///
    /// # Cancel safety
    /// Dropping the future kills the group at once.
    pub(super) async fn end(mut self, discard: impl Future<Output = ()>) {
        {
            let gone = self.gone();
            tokio::pin!(gone, discard);
            // A server that writes while it ends must not wait for somebody to read.
            tokio::select! {
                biased;
                () = &mut gone => {}
                () = &mut discard => gone.await,
            }
        }
        self.guard.reap().await;
    }

    async fn gone(&mut self) {
        if timeout(self.grace, self.child.wait()).await.is_ok() {
            return;
        }
        self.guard.terminate();
        if timeout(self.grace, self.child.wait()).await.is_ok() {
            return;
        }
        tracing::debug!(group = %self.guard, "MCP server ignored the end of its input and SIGTERM");
        self.guard.kill();
        // Bounded: a process in an uninterruptible wait of the kernel ends when that ends, and cannot act before.
        let _ = timeout(self.grace, self.child.wait()).await;
    }
}

fn start_error(error: &io::Error) -> Problem {
    let passing = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::ArgumentListTooLong => Passing::No,
        _ => Passing::Yes,
    };
    let help = match error.kind() {
        io::ErrorKind::NotFound => "; see that it is there, and that its interpreter is",
        io::ErrorKind::PermissionDenied => "; see that its mode allows it",
        io::ErrorKind::ArgumentListTooLong => "; give it less in `args` and `env`",
        _ => "",
    };
    Problem::Spawn { reason: format!("{error}{help}"), passing }
}

/// Reads standard error to its end, so that the server never waits for somebody to read it.
async fn follow(mut stderr: ChildStderr, link: Arc<Link>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match stderr.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => link.heard(chunk.get(..read).unwrap_or_default()),
        }
    }
}

/// A task that is gone with who has it.
#[derive(Debug)]
struct Follower(JoinHandle<()>);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}
