//! From the synchronous program into the asynchronous library.

use crate::exit::Exit;
use crate::log;
use crate::problem::{Problem, Stop};

/// Runs a command that needs an async runtime; commands that need none never start one.
pub(crate) fn block_on(command: impl Future<Output = Result<Exit, Stop>>) -> Result<Exit, Stop> {
    log::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let runtime =
        runtime.map_err(|error| Problem::new("threads_unavailable", format!("cannot start a thread: {error}")))?;
    let end = runtime.block_on(command);
    // Whatever still waits, for a signal or a line at the terminal, is not waited for.
    runtime.shutdown_background();
    end
}

/// One run at a time: what takes long waits for disks, models and child processes.
const WORKERS: usize = 2;
