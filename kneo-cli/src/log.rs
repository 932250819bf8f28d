//! The library's log, for who asks for it.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::{EnvFilter, FilterFn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::visible;

/// Who logs, at several levels, whole messages to and from MCP servers: what is said belongs in no log.
const MESSAGES: &str = "rmcp";

/// Writes what `KNEO_LOG` asks for on standard error; without it nothing is logged and nothing is paid.
pub(crate) fn start() {
    let Some(filter) = std::env::var("KNEO_LOG").ok().filter(|filter| !filter.trim().is_empty()) else { return };
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(|| Visible)
        .with_ansi(io::stderr().is_terminal())
        .finish()
        .with(FilterFn::new(|about| !about.target().starts_with(MESSAGES)));
    // Only who started a log before, in the same process, could be in the way.
    let _ = log.try_init();
}

/// Standard error, on which nothing acts that others wrote.
struct Visible;

impl io::Write for Visible {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(visible::guarded(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
