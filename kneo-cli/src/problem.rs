//! What the program says when it cannot do what it was asked.

use std::io;

use kneo::spec::diagnostic::{Diagnostics, to_json};
use kneo::spec::source::SourceMap;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::remedy;

/// One problem that ends a command: printed as `error[code]: message` and `help: …`.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The stable code; `kneo explain` knows it.
    pub(crate) code: &'static str,
    /// What happened.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: Option<String>,
    /// How the program ends.
    pub(crate) exit: Exit,
    /// The spec's diagnostics, if it is about one.
    pub(crate) report: Option<Box<(SourceMap, Diagnostics)>>,
}

impl Problem {
    /// A problem with the remedy and the exit code that its code stands for.
    ///
    /// What the message says of the remedy at its end is the help, and is not said twice.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Problem {
        let remedy = remedy::of(code);
        let mut message = message.into();
        if let Some(end) = remedy.and_then(|remedy| message.strip_suffix(remedy.help)?.strip_suffix(": ")).map(str::len)
        {
            message.truncate(end);
        }
        Problem {
            code,
            message,
            help: remedy.map(|remedy| remedy.help.to_owned()),
            exit: remedy.map_or(Exit::Failed, |remedy| remedy.exit),
            report: None,
        }
    }

    /// The same problem with help that fits it better than its code's.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// The same problem with help whose commands work on another store than the default one.
    fn in_store(mut self, again: &str) -> Problem {
        self.help = self.help.map(|help| {
            let commands = help.split('`').enumerate().map(|(at, part)| {
                // Between backticks stands what to type.
                let is_command = at % 2 == 1 && ["kneo runs ", "kneo human "].iter().any(|verb| part.starts_with(verb));
                if is_command { format!("{part}{again}") } else { part.to_owned() }
            });
            commands.collect::<Vec<_>>().join("`")
        });
        self
    }

    /// The problem as JSON: `{"error": {"code", "message", "help"}}`, with the diagnostics of a spec beside it.
    pub(crate) fn to_json(&self) -> Value {
        let error = json!({"code": self.code, "message": self.message, "help": self.help});
        match &self.report {
            Some(report) => {
                let (sources, diagnostics) = &**report;
                let mut object = to_json(diagnostics, sources);
                if let Some(entries) = object.as_object_mut() {
                    entries.insert("error".to_owned(), error);
                }
                object
            }
            None => json!({ "error": error }),
        }
    }
}

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// There is something to say.
    Problem(Problem),
    /// Whoever reads the output has gone away.
    ReaderGone,
}

impl Stop {
    /// Of a command that worked on a store: `again` are the options that lead another one there.
    pub(crate) fn in_store(self, again: &str) -> Stop {
        match self {
            Stop::Problem(problem) => Stop::Problem(problem.in_store(again)),
            Stop::ReaderGone => Stop::ReaderGone,
        }
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Stop {
        Stop::Problem(problem)
    }
}

impl From<io::Error> for Stop {
    /// Of an error while writing output.
    fn from(error: io::Error) -> Stop {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Stop::ReaderGone;
        }
        Problem::new("output_unwritable", format!("cannot write the output: {error}")).into()
    }
}
