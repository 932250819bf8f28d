//! The command line as a whole.

use clap::{Parser, Subcommand};

use crate::commands::{completions, doctor, explain, human, new, run, runs, spec};
use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;

/// Durable agent workflows from declarative YAML specs
#[derive(Debug, Parser)]
#[command(name = "kneo", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Write the answer as JSON: one object, or one per line
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,

    /// Write nothing on standard error but errors
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    quiet: bool,

    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
    0  completed, or valid
    1  failed, cancelled, timed out, expired, or invalid
    2  wrong usage
    3  blocked: the run waits for a person
    4  a store, secret, file or requirement cannot be reached or is missing
  130  interrupted

Files:
    -  standard input in the place of a spec or an input, standard output in that of a file to write

Environment:
  KNEO_LOG          what to log on standard error, such as `kneo=debug` or `warn`
  KNEO_BUNDLE_KEYS  the keys whose bundles count, as of `--key-id`, with commas between
  KNEO_ENVIRONMENT  where this is, as of `--env`";

#[derive(Debug, Subcommand)]
enum Command {
    /// Check, compile and draw specs
    #[command(subcommand)]
    Spec(spec::Command),
    /// Run a spec until it ends or waits for people
    Run(Box<run::Args>),
    /// Look at runs and steer them
    #[command(subcommand)]
    Runs(runs::Command),
    /// Answer what runs ask people
    #[command(subcommand)]
    Human(human::Command),
    /// Make a project: a spec, settings, and a host that builds
    New(new::Args),
    /// See whether runs of specs would find all that they need
    Doctor(doctor::Args),
    /// Explain a code of a diagnostic, an error or a failure
    Explain(explain::Args),
    /// Write the completions of a shell
    Completions(completions::Args),
}

impl Cli {
    /// The form of everything that is written.
    pub(crate) fn output(&self) -> Output {
        Output { json: self.json, quiet: self.quiet }
    }

    /// Does what was asked.
    pub(crate) fn run(self) -> Result<Exit, Stop> {
        let output = self.output();
        match self.command {
            Command::Spec(command) => command.run(output),
            Command::Run(args) => args.run(output),
            Command::Runs(command) => command.run(output),
            Command::Human(command) => command.run(output),
            Command::New(args) => args.run(output),
            Command::Doctor(args) => args.run(output),
            Command::Explain(args) => args.run(output),
            Command::Completions(args) => args.run(output),
        }
    }
}
