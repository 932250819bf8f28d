//! `kneo spec`: what can be done with a spec without running it.

mod bundle;
mod compile;
mod graph;
mod resolve;
mod schema;
mod test;
mod validate;

use clap::Subcommand;

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check specs, and report every problem at once
    Validate(validate::Args),
    /// Compile a spec into a plan
    Compile(compile::Args),
    /// Write a spec in its normal form
    Resolve(resolve::Args),
    /// Draw a spec
    Graph(graph::Args),
    /// Sign a spec with its plan, and verify what was signed
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Run the tests that stand in a spec: without models, network and waiting
    Test(test::Args),
    /// Write the JSON Schema of specs, for editors
    Schema(schema::Args),
}

impl Command {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        match self {
            Command::Validate(args) => args.run(output),
            Command::Compile(args) => args.run(output),
            Command::Resolve(args) => args.run(output),
            Command::Graph(args) => args.run(output),
            Command::Bundle(command) => command.run(output),
            Command::Test(args) => args.run(output),
            Command::Schema(args) => args.run(output),
        }
    }
}
