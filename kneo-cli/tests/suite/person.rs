//! A person at a terminal, with a program in front.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Longer than anything that is waited for here.
const AT_MOST: Duration = Duration::from_secs(30);

/// A person who reads and types.
pub(super) struct Person {
    child: Child,
    keys: File,
    /// What is on the screen, as it comes; the end is the end of the program.
    screen: Receiver<String>,
    seen: String,
}

impl Person {
    /// Starts a program whose answer goes elsewhere, and without colour.
    pub(super) fn starts(mut command: Command) -> Person {
        command.env("NO_COLOR", "1");
        Person::at(command, |command, _| command.stdout(Stdio::null()))
    }

    /// Starts a program all of which is at the terminal, with colour.
    pub(super) fn sees(mut command: Command) -> Person {
        command.env("TERM", "xterm-256color");
        Person::at(command, |command, terminal| command.stdout(terminal))
    }

    fn at(mut command: Command, stdout: impl FnOnce(&mut Command, File) -> &mut Command) -> Person {
        // What other tests start meanwhile must not have it open.
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let terminal = File::from(open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap());
        stdout(&mut command, terminal.try_clone().unwrap());
        command.stdin(terminal.try_clone().unwrap()).stderr(terminal);
        let child = command.spawn().unwrap();
        // The terminal must be open in the program alone, so that its end can be seen.
        drop(command);
        let keys = File::from(keys);
        let (sender, screen) = channel();
        let mut reader = keys.try_clone().unwrap();
        std::thread::spawn(move || {
            let (mut bytes, mut got) = ([0; 4096], Vec::new());
            // A terminal that nobody has open any more is an error.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                got.extend_from_slice(&bytes[..count]);
                // A terminal ends lines with both; half a character or line end comes whole with what follows.
                let whole = match std::str::from_utf8(&got) {
                    Ok(_) if got.ends_with(b"\r") => got.len() - 1,
                    Ok(_) => got.len(),
                    Err(error) if error.error_len().is_none() => error.valid_up_to(),
                    Err(error) => panic!("the program wrote no text: {error}"),
                };
                let text = String::from_utf8(got.drain(..whole).collect()).unwrap().replace("\r\n", "\n");
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
        Person { child, keys, screen, seen: String::new() }
    }

    /// Waits until something is on the screen that was not there before; what came up to it.
    pub(super) fn reads(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            match self.screen.recv_timeout(AT_MOST) {
                Ok(more) => self.seen.push_str(&more),
                Err(_) => panic!("`{text}` never came, but: {}", self.seen),
            }
        }
    }

    pub(super) fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn presses_ctrl_c(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Reads to the end; the exit code and what was still said.
    pub(super) fn leaves(mut self) -> (Option<i32>, String) {
        loop {
            match self.screen.recv_timeout(AT_MOST) {
                Ok(more) => self.seen.push_str(&more),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {}", self.seen),
            }
        }
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
