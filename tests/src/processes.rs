//! The processes of this machine, as Linux shows them under `/proc`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Far beyond what a healthy machine needs, near enough to see that something hangs.
pub const SOON: Duration = Duration::from_secs(30);

/// A process at the moment it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name, as the kernel cuts it.
    pub name: String,
    /// The number of its parent.
    pub parent: u32,
    /// The number of its process group.
    pub group: u32,
    /// The number of its session.
    pub session: u32,
    state: char,
}

impl Process {
    /// The process of a number, unless it is gone.
    #[must_use]
    pub fn of(pid: u32) -> Option<Process> {
        // `pid (name) state parent group session …`; the name may hold anything.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let mut number = || fields.next()?.parse().ok();
        let (parent, group, session) = (number()?, number()?, number()?);
        Some(Process { pid, name: name.split_once('(')?.1.to_owned(), parent, group, session, state })
    }

    /// Every process.
    #[must_use]
    pub fn all() -> Vec<Process> {
        let entries = fs::read_dir("/proc").into_iter().flatten();
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter_map(Process::of).collect()
    }

    /// Whether it does anything: one that has ended and whose parent never asks for its end does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// Whether the process of a number lives.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    Process::of(pid).is_some_and(|process| process.is_alive())
}

/// Waits until none of these processes lives.
///
/// # Panics
/// When one lives on for [`SOON`].
pub async fn gone(pids: &[u32]) {
    for pid in pids {
        until(&format!("process {pid} to be gone"), || (!is_alive(*pid)).then_some(())).await;
    }
}

/// The numbers of processes that a program writes to a file, one a line, once there are so many.
///
/// # Panics
/// When they are not there [`SOON`].
pub async fn pids(file: impl AsRef<Path>, count: usize) -> Vec<u32> {
    let file = file.as_ref();
    until(&format!("{count} pids in {}", file.display()), || {
        let written = fs::read_to_string(file).ok()?;
        // What follows the last line end may be half a number.
        let whole = written.rsplit_once('\n')?.0;
        let pids: Vec<u32> = whole.lines().filter_map(|line| line.trim().parse().ok()).collect();
        (pids.len() >= count).then_some(pids)
    })
    .await
}

/// Waits until something is there, looking again and again.
///
/// # Panics
/// When it is not there [`SOON`].
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < SOON, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_is_among_all() {
        let me = Process::of(std::process::id()).unwrap();
        assert!(me.is_alive() && Process::all().iter().any(|process| process.pid == me.pid));
        assert!(!is_alive(u32::MAX));
    }
}
