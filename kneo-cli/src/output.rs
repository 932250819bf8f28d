//! What goes to standard output, and what to standard error.

use std::io::{self, IsTerminal, Write};

use kneo::spec::diagnostic::{Diagnostics, TextStyle, to_text};
use kneo::spec::source::SourceMap;
use owo_colors::OwoColorize;
use serde::Serialize;

use crate::problem::Problem;

/// How much a command says, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// JSON on standard output, and nothing else there.
    pub(crate) json: bool,
    /// Nothing on standard error but errors.
    pub(crate) quiet: bool,
}

impl Output {
    /// Writes an object as one line of JSON.
    pub(crate) fn object(self, object: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(object)?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.flush()
    }

    /// Writes text for people on standard output, with colour if it is a terminal.
    pub(crate) fn text(self, text: &str) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// Writes a line for people on standard error, unless told to be quiet.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Writes a line about what went wrong on standard error, where notes are not written.
    pub(crate) fn error(self, text: &str) {
        if self.quiet {
            say(text);
        }
    }

    /// Says that a list may go on after so many of its rows, if it was cut.
    pub(crate) fn may_go_on(self, rows: usize, limit: usize, offset: usize) {
        if rows == limit && limit > 0 {
            self.note(&format!("there may be more: `--offset {}` passes over these", offset.saturating_add(limit)));
        }
    }

    /// Writes what a compiler has to say on standard error.
    pub(crate) fn diagnostics(self, diagnostics: &Diagnostics, sources: &SourceMap) {
        if diagnostics.has_errors() || !self.quiet {
            say(to_text(diagnostics, sources, TextStyle::Coloured).trim_end());
        }
    }

    /// Writes a problem: on standard error for people and, if JSON is asked for, as an object on standard output.
    pub(crate) fn problem(self, problem: &Problem) {
        self.complain(problem);
        if self.json {
            // The exit code says that something is wrong; whether anybody reads the object changes nothing.
            let _ = self.object(&problem.to_json());
        }
    }

    /// Writes a problem on standard error.
    pub(crate) fn complain(self, problem: &Problem) {
        if let Some(report) = &problem.report {
            let (sources, diagnostics) = &**report;
            self.diagnostics(diagnostics, sources);
        }
        say(&format!("{}{} {}", "error".red().bold(), format!("[{}]:", problem.code).bold(), problem.message));
        if let Some(help) = &problem.help {
            say(&format!("  {} {help}", "help:".cyan().bold()));
        }
    }
}

/// Writes a line on standard error; nobody is left to hear that it failed.
fn say(text: &str) {
    if !text.is_empty() {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

/// Whether somebody watches standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether a person sits in front of this process, and can be asked.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && is_watched()
}
