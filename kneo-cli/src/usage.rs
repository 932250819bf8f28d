//! What is said when the command line means nothing.

use std::ffi::OsString;

use clap::error::ErrorKind;

use crate::exit::Exit;
use crate::output::{Output, of_command_line};
use crate::problem::Problem;

/// Writes why a command line cannot be read, or the help that it asks for.
///
/// `arguments` are those after the program's name: what they ask for counts even if they mean nothing together.
pub(crate) fn tell(error: &clap::Error, arguments: impl Iterator<Item = OsString>) -> Exit {
    of_command_line(error);
    if !error.use_stderr() {
        return Exit::Done;
    }
    let json = arguments.take_while(|argument| argument != "--").any(|argument| argument == "--json");
    if json {
        let _ = Output { json, quiet: false }.object(&problem(error).to_json());
    }
    Exit::Usage
}

fn problem(error: &clap::Error) -> Problem {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Problem::new("usage", "a command is missing").with_help("`kneo --help` lists the commands");
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines.join(" ")
    });
    let message = paragraphs.next().unwrap_or_default();
    let problem = Problem::new("usage", message.strip_prefix("error: ").unwrap_or(&message));
    let helps = paragraphs.find_map(|paragraph| {
        let usage = paragraph.strip_prefix("Usage: ").map(|usage| format!("write it as `{usage}`"));
        paragraph.strip_prefix("tip: ").map(str::to_owned).or(usage)
    });
    match helps {
        Some(help) => problem.with_help(help),
        None => problem,
    }
}
