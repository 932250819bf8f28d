//! What goes to standard output, and what to standard error.

use std::io::{self, IsTerminal, Write};

use kneo::spec::diagnostic::{Diagnostics, TextStyle, to_text};
use kneo::spec::source::SourceMap;
use owo_colors::OwoColorize;
use serde::Serialize;

use crate::problem::Problem;
use crate::visible;

/// How much a command says, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// JSON on standard output, and nothing else there.
    pub(crate) json: bool,
    /// Nothing on standard error but errors.
    pub(crate) quiet: bool,
}

impl Output {
    /// Writes an object as one line of JSON. A terminal reads it too: there it spells out in text what acts on one.
    pub(crate) fn object(self, object: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_string(object)?;
        if io::stdout().is_terminal() {
            line = visible::in_json(&line).into_owned();
        }
        line.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()
    }

    /// Writes text for people on standard output, with colour if it is a terminal. What others wrote is made visible in
    /// it before; here nothing is left that acts on a terminal.
    pub(crate) fn text(self, text: &str) -> io::Result<()> {
        whole_lines(anstream::stdout().lock(), &visible::guarded(text))
    }

    /// Writes what the command makes on standard output, such as the output of a run or a drawing: to the byte, unless
    /// a terminal reads it.
    pub(crate) fn product(self, text: &str) -> io::Result<()> {
        let out = io::stdout().lock();
        if out.is_terminal() { whole_lines(out, &visible::whole(text)) } else { whole_lines(out, text) }
    }

    /// The same for bytes, which have no end of their own.
    pub(crate) fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            return whole_lines(out, &visible::whole(&String::from_utf8_lossy(bytes)));
        }
        out.write_all(bytes)?;
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
        let (code, message) = (format!("[{}]:", problem.code), visible::lines(&problem.message));
        say(&format!("{}{} {message}", "error".red().bold(), code.bold()));
        if let Some(help) = &problem.help {
            say(&format!("  {} {}", "help:".cyan().bold(), visible::lines(help)));
        }
    }
}

/// Writes a line on standard error.
fn say(text: &str) {
    if !text.is_empty() {
        prompt(&format!("{text}\n"));
    }
}

/// Writes on standard error, perhaps a line whose rest somebody types; nobody is left to hear that it failed.
pub(crate) fn prompt(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = out.write_all(visible::guarded(text).as_bytes()).and_then(|()| out.flush());
}

/// Writes what the parser of the command line has to say: what was asked for, or what is wrong.
pub(crate) fn of_command_line(error: &clap::Error) {
    let text = error.render().ansi().to_string();
    match error.use_stderr() {
        true => prompt(&text),
        // As above.
        false => drop(whole_lines(anstream::stdout().lock(), &visible::guarded(&text))),
    }
}

/// Writes text that ends with a line feed, whether it has one or not.
fn whole_lines(mut out: impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Whether somebody watches standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether a person sits in front of this process, and can be asked.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && is_watched()
}
