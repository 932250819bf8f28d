//! `kneo runs resume`.

use crate::exit::Exit;
use crate::host::HostArgs;
use crate::id::RunArg;
use crate::output::Output;
use crate::person::ByArgs;
use crate::problem::Stop;
use crate::resumption::{Held, Resumption};
use crate::store_place::StoreArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: its id, or at least six of its first or last digits
    run: RunArg,

    /// Wait for nothing but calls in flight: no timer, no other worker
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    by: ByArgs,

    #[command(flatten)]
    host: HostArgs,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Args {
    pub(crate) async fn run(self, output: Output) -> Result<Exit, Stop> {
        let store = self.store.open().await?;
        let row = self.run.find(&store).await?;
        let resumption = Resumption {
            store,
            row,
            host: &self.host,
            timers: !self.no_wait,
            held: Held::Wait,
            by: self.by.actor()?,
            store_again: self.store.again(),
            output,
        };
        resumption.run().await
    }
}
