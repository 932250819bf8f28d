//! The library's log, for who asks for it.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Writes what `KNEO_LOG` asks for on standard error; without it nothing is logged and nothing is paid.
pub(crate) fn start() {
    let Ok(filter) = std::env::var("KNEO_LOG") else { return };
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    // Only who started a log before, in the same process, could be in the way.
    let _ = log.try_init();
}
