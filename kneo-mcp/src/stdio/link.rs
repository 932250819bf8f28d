//! What the two ends of a server's pipes tell the session beside messages.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kneo_core::cancel::Cancel;
use kneo_process::Tail;

use crate::problem::Problem;
use crate::redact::Redactor;

/// Shared by the transport, which knows, and the session, which tells.
#[derive(Debug)]
pub(crate) struct Link {
    pub(super) redactor: Arc<Redactor>,
    ended: Cancel,
    deaf: Cancel,
    ending: Mutex<Option<Ending>>,
    junk: AtomicU64,
    stderr: Mutex<Tail>,
    /// Writes that have begun and are not done: one at most.
    writing: AtomicUsize,
}

/// Why nothing more comes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    TooLong { cap: usize },
    Flooded,
    Exited(ExitStatus),
    Closed,
    Deaf,
}

impl Link {
    pub(crate) fn new(redactor: Arc<Redactor>, max_stderr_bytes: usize) -> Arc<Link> {
        Arc::new(Link {
            redactor,
            ended: Cancel::new(),
            deaf: Cancel::new(),
            ending: Mutex::default(),
            junk: AtomicU64::new(0),
            stderr: Mutex::new(Tail::new(max_stderr_bytes)),
            writing: AtomicUsize::new(0),
        })
    }

    /// Cancelled when nothing more comes.
    pub(crate) fn ended(&self) -> &Cancel {
        &self.ended
    }

    /// Cancelled when the server takes nothing in any more: most often because it has ended.
    pub(super) fn deaf(&self) -> &Cancel {
        &self.deaf
    }

    /// The first reason counts.
    pub(super) fn end(&self, ending: Ending) {
        lock(&self.ending).get_or_insert(ending);
        self.ended.cancel();
    }

    /// What it means for a request that nothing more comes.
    pub(crate) fn problem(&self) -> Problem {
        match *lock(&self.ending) {
            Some(Ending::TooLong { cap }) => Problem::TooLarge { cap },
            Some(Ending::Flooded) => Problem::Protocol("it asks for more than anybody could answer".to_owned()),
            Some(Ending::Exited(status)) => Problem::Lost(format!("it ended, {}{}", described(status), self.told())),
            Some(Ending::Deaf) => Problem::Lost(format!("it closed its standard input{}", self.told())),
            Some(Ending::Closed) | None => Problem::Lost(format!("it closed its standard output{}", self.told())),
        }
    }

    /// What the server said where no message belongs, as the end of a sentence.
    pub(crate) fn told(&self) -> String {
        let stderr = lock(&self.stderr).clone().text();
        let stderr = match stderr.strip_prefix('…') {
            Some(end) => format!("…{}", self.redactor.end(end)).into(),
            None => self.redactor.text(&*stderr),
        };
        let junk = match self.junk.load(Ordering::Relaxed) {
            0 => String::new(),
            lines => format!("; {lines} lines of its standard output were no messages"),
        };
        match &*stderr {
            "" => format!("{junk}; its standard error is empty"),
            stderr => format!("{junk}; its standard error ends with: {stderr}"),
        }
    }

    /// Counts a line that is no message; says so in the log at the first, the tenth, the hundredth.
    pub(super) fn skip(&self, bytes: usize) {
        let lines = self.junk.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut power = lines;
        while power.is_multiple_of(10) {
            power /= 10;
        }
        if power == 1 {
            tracing::warn!(lines, bytes, "lines of the server's standard output are no messages, and are skipped");
        }
    }

    pub(super) fn heard(&self, stderr: &[u8]) {
        lock(&self.stderr).push(stderr);
    }

    /// Whether the server does not read what it is sent.
    pub(crate) fn is_stuck(&self) -> bool {
        self.writing.load(Ordering::Relaxed) > 0
    }

    pub(super) fn writing(self: &Arc<Link>) -> Writing {
        self.writing.fetch_add(1, Ordering::Relaxed);
        Writing(Arc::clone(self))
    }
}

/// A write that is not done.
pub(super) struct Writing(Arc<Link>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.writing.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Nothing can panic while one of these is held; what it guards is whole in any case.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn described(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("with exit code {code}"),
        (None, signal) => format!("by signal {}", signal.unwrap_or_default()),
    }
}
