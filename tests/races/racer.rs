//! Another process that takes part in a race: `src/bin/racer.rs` from outside.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// Shorter than a lease: whoever waits for the lease of a run that has ended takes longer.
const AT_MOST: Duration = Duration::from_secs(14);

pub(crate) struct Racer {
    process: Child,
    stdin: ChildStdin,
    answers: Receiver<Json>,
    /// Its name among workers.
    pub(crate) worker: String,
}

impl Racer {
    /// Starts a process that has opened the store and waits for what to do.
    pub(crate) fn start(folder: &Path) -> Racer {
        let mut process = Command::new(env!("CARGO_BIN_EXE_racer"))
            .args([folder.join("kneo.db"), folder.join("calls.log")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (said, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if said.send(serde_json::from_str(&line.unwrap()).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut racer = Racer { process, stdin, answers, worker: String::new() };
        racer.worker = racer.hear()["worker"].as_str().unwrap().to_owned();
        racer
    }

    /// Tells it what to do, at once.
    pub(crate) fn tell(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// What became of it.
    pub(crate) fn hear(&self) -> Json {
        self.answers.recv_timeout(AT_MOST).expect("it answers before a lease is over")
    }

    /// Tells it what to do and waits for what becomes of it.
    pub(crate) fn ask(&mut self, line: &str) -> Json {
        self.tell(line);
        self.hear()
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Tells two processes what to do, the second so much later.
pub(crate) fn release(first: (&mut Racer, &str), second: (&mut Racer, &str), later: Duration) {
    first.0.tell(first.1);
    let since = Instant::now();
    while since.elapsed() < later {
        std::hint::spin_loop();
    }
    second.0.tell(second.1);
}
