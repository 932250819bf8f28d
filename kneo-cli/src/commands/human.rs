//! `kneo human`: questions to people.

mod decide;
mod decision;
mod get;
mod list;

use clap::Subcommand;

use crate::blocking::block_on;
use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;
use crate::store_place::StoreArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List tasks, oldest first
    List(list::Args),
    /// Show a task
    Get(get::Args),
    /// Decide a task, and get its run on
    Decide(Box<decide::Args>),
}

impl Command {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let again = self.store().again();
        let end = block_on(async {
            match self {
                Command::List(args) => args.run(output).await,
                Command::Get(args) => args.run(output).await,
                Command::Decide(args) => args.run(output).await,
            }
        });
        end.map_err(|stop| stop.in_store(&again))
    }

    fn store(&self) -> &StoreArgs {
        match self {
            Command::List(args) => &args.store,
            Command::Get(args) => &args.store,
            Command::Decide(args) => &args.store,
        }
    }
}
