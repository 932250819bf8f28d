//! `kneo completions`.

use clap::CommandFactory;
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
        clap_complete::generate(self.shell, &mut Cli::command(), "kneo", &mut script);
        let script = String::from_utf8_lossy(&script);
        if output.json {
            output.object(&json!({"shell": self.shell.to_string(), "script": script}))?;
        } else {
            output.text(&script)?;
        }
        Ok(Exit::Done)
    }
}
