//! `kneo completions`.

mod fish;

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::Shell;
use serde_json::json;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let mut script = Vec::new();
        let mut command = hinted(Cli::command());
        clap_complete::generate(self.shell, &mut command, PROGRAM, &mut script);
        let mut script = String::from_utf8_lossy(&script).into_owned();
        if self.shell == Shell::Fish {
            script.push_str(&fish::rest(&command));
        }
        if output.json {
            output.object(&json!({"shell": self.shell.to_string(), "script": script}))?;
        } else {
            output.product(&script)?;
        }
        Ok(Exit::Done)
    }
}

const PROGRAM: &str = "kneo";

/// The same command line, in which nothing but files is completed with files.
fn hinted(command: Command) -> Command {
    let hint = |arg: Arg| match arg.get_value_hint() {
        // What is no flag and has no words of its own is text.
        ValueHint::Unknown if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
        _ => arg,
    };
    command.mut_args(hint).mut_subcommands(hinted)
}
