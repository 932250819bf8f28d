//! One process of the program, in a session of its own, so that everything it starts can be found.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use kneo_tests::processes;

/// Shorter than a lease: a process that waits for the lease of a dead one takes longer.
const AT_MOST: Duration = Duration::from_secs(14);

/// How long what a killed process had started may take to follow it.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(5);

/// A running program.
pub(crate) struct Process {
    child: Child,
    /// Files: a pipe that nobody reads while the process runs would hold it up.
    stdout: File,
    stderr: File,
    words: String,
}

/// How a process ended.
pub(crate) enum End {
    /// By itself.
    Exited { code: i32, stdout: String, stderr: String },
    /// By SIGKILL.
    Killed,
}

impl Process {
    /// Starts the program in a folder.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Process {
        let program = env!("CARGO_BIN_EXE_kneo");
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let child = Command::new("setsid")
            .arg(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(stdout.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        Process { child, stdout, stderr, words: arguments.join(" ") }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> End {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return self.end(status);
            }
            if since.elapsed() > AT_MOST {
                self.child.kill().unwrap();
                panic!("`kneo {}` takes as long as a lease: {}", self.words, text(self.stderr));
            }
            nap();
        }
    }

    /// Kills it after a while, unless it ends before.
    pub(crate) fn kill_after(self, time: Duration) -> End {
        let since = Instant::now();
        self.kill_when(|| since.elapsed() >= time)
    }

    /// Kills it when it is time, unless it ends before.
    pub(crate) fn kill_when(mut self, mut is_time: impl FnMut() -> bool) -> End {
        while !is_time() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return self.end(status);
            }
            nap();
        }
        self.kill()
    }

    /// Kills it now, unless it has ended.
    pub(crate) fn kill(mut self) -> End {
        // Not reaped yet, so the number is still its own.
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        self.end(status)
    }

    /// Watches that whatever it had started follows it.
    fn end(self, status: ExitStatus) -> End {
        followed(self.child.id(), &self.words);
        match (status.code(), status.signal()) {
            (Some(code), _) => End::Exited { code, stdout: text(self.stdout), stderr: text(self.stderr) },
            (None, Some(9)) => End::Killed,
            (None, other) => panic!("`kneo {}` ended by signal {other:?}: {}", self.words, text(self.stderr)),
        }
    }
}

fn text(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

/// Waits until nothing of a session lives.
fn followed(session: u32, words: &str) {
    let since = Instant::now();
    loop {
        let left = of_session(session);
        if left.is_empty() {
            return;
        }
        assert!(since.elapsed() < FOLLOWS_WITHIN, "`kneo {words}` is outlived by {left:?}");
        nap();
    }
}

/// The living processes of a session.
fn of_session(session: u32) -> Vec<processes::Process> {
    let mut all = processes::Process::all();
    all.retain(|process| process.is_alive() && process.session == session);
    all
}

/// Waits a little before looking again.
pub(crate) fn nap() {
    rest(Duration::from_micros(500));
}

#[expect(clippy::disallowed_methods, reason = "processes work and end in real time, and moments of kills are drawn")]
pub(crate) fn rest(time: Duration) {
    std::thread::sleep(time);
}

#[test]
fn what_a_process_started_is_found_by_its_session() {
    let mut leader = Command::new("setsid").args(["sh", "-c", "sleep 60 & wait"]).spawn().unwrap();
    let since = Instant::now();
    // A child that the shell has forked carries the shell's name until it becomes its program.
    while !of_session(leader.id()).iter().any(|process| process.name == "sleep") {
        assert!(since.elapsed() < FOLLOWS_WITHIN, "{:?}", of_session(leader.id()));
        nap();
    }
    leader.kill().unwrap();
    leader.wait().unwrap();
    let left = of_session(leader.id());
    assert!(left.len() == 1 && left[0].name == "sleep", "{left:?}");
    assert!(Command::new("sh").args(["-c", &format!("kill -KILL {}", left[0].pid)]).status().unwrap().success());
}
