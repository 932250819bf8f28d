//! Servers that are started as programs and speak on their standard input and output.
//!
//! See <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio>.

mod lines;
mod link;
mod process;
mod program;
mod transport;

pub(crate) use link::Link;
pub(crate) use process::Process;
pub(crate) use program::Program;
pub(crate) use transport::StdioTransport;
