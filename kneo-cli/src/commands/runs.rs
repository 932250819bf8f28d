//! `kneo runs`: looks at runs and steers them.

mod cancel;
mod events;
mod get;
mod list;
mod prune;
mod resume;
mod trace;

use clap::Subcommand;

use crate::blocking::block_on;
use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;
use crate::store_place::StoreArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List runs, newest first
    List(list::Args),
    /// Show a run
    Get(get::Args),
    /// Show what happened in a run
    Events(events::Args),
    /// Show what took how long in a run
    Trace(trace::Args),
    /// Ask a run to stop
    Cancel(cancel::Args),
    /// Get a run on whose process has ended
    Resume(resume::Args),
    /// Delete runs that ended long ago, with everything that belongs to them
    Prune(prune::Args),
}

impl Command {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let again = self.store().again();
        let end = block_on(async {
            match self {
                Command::List(args) => args.run(output).await,
                Command::Get(args) => args.run(output).await,
                Command::Events(args) => args.run(output).await,
                Command::Trace(args) => args.run(output).await,
                Command::Cancel(args) => args.run(output).await,
                Command::Resume(args) => args.run(output).await,
                Command::Prune(args) => args.run(output).await,
            }
        });
        end.map_err(|stop| stop.in_store(&again))
    }

    fn store(&self) -> &StoreArgs {
        match self {
            Command::List(args) => &args.store,
            Command::Get(args) => &args.store,
            Command::Events(args) => &args.store,
            Command::Trace(args) => &args.store,
            Command::Cancel(args) => &args.store,
            Command::Resume(args) => &args.store,
            Command::Prune(args) => &args.store,
        }
    }
}
