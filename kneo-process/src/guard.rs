//! The process that ends a group of processes when their parent is gone.

use std::fmt;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The shell that guards run in; nothing that anybody says ever reaches it.
pub const SHELL: &str = "/bin/sh";

/// Ignores what a group may be told, says that it stands, waits for the end of its standard input, and kills its group,
/// itself included.
const SCRIPT: &str = "trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2 TSTP TTIN TTOU\n\
                      echo ready\n\
                      while read -r _; do :; done\n\
                      kill -KILL 0";

/// A guard that takes longer than this to stand will not.
const STANDS_WITHIN: Duration = Duration::from_secs(10);

/// The leader of a process group, which outlives everything but `SIGKILL` and the end of its parent.
///
/// A program is spawned with `process_group(guard.group())`: it joins the group before its first instruction, and so do
/// all that it starts, unless they leave on purpose. Three facts make their end a guarantee and not a hope:
/// - the guard stands before the program starts;
/// - only this process holds the other end of its standard input; a child that is being made holds a copy, but closes
///   it when it becomes the program, which is in the group by then: the end of the pipe is seen when it can be acted on;
/// - it is not reaped before the group is dead, so that the group's number never means another group.
///
/// Dropping it kills the group. Keep it so that it is dropped after the program's handle: its death then reaches a
/// group whose members are not yet reaped.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    group: Pid,
}

impl Guard {
    /// Starts a guard in a process group of its own and waits until it stands.
    ///
    /// # Errors
    /// The operating system cannot start [`SHELL`], or it does not stand within ten seconds.
    ///
    /// # Cancel safety
    /// Dropping the future ends the guard.
    pub async fn start() -> io::Result<Guard> {
        let mut process = Command::new(SHELL)
            .args(["-c", SCRIPT, "kneo-guard"])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = process.stdout.take();
        let group = process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (Some(mut stdout), Some(group)) = (stdout, group) else {
            return Err(io::Error::other("it ended at once"));
        };
        let guard = Guard { process, group };
        let mut ready = [0; 6];
        match timeout(STANDS_WITHIN, stdout.read_exact(&mut ready)).await {
            Ok(Ok(_)) if &ready == b"ready\n" => Ok(guard),
            Ok(Ok(_)) => Err(io::Error::other(format!("`{SHELL}` is no POSIX shell"))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
        }
    }

    /// The process group, as the operating system is told to join it.
    #[must_use]
    pub fn group(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Asks the whole group to end, with `SIGTERM`.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends the whole group, with `SIGKILL`.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // The guard is not reaped yet, so the group is the right one; it can only be that nothing in it is alive.
        let _ = kill_process_group(self.group, signal);
    }

    /// Kills what is left of the group and takes the guard's remains.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the remains to the async runtime; the group is killed at the first poll.
    pub async fn reap(mut self) {
        self.kill();
        let _ = self.process.wait().await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // INVARIANT: `id` is `None` once the guard is reaped, and the number may then be another group's.
        if self.process.id().is_some() {
            self.kill();
        }
    }
}

/// The number of the group.
impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.group(), f)
    }
}
