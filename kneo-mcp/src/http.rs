//! Servers at an address, by streamable HTTP.
//!
//! See <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http> and, for sessions,
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports>.

mod address;
mod body;
mod client;
mod failure;
mod link;
mod tls;

pub(crate) use address::Address;
pub(crate) use client::HttpClient;
pub(crate) use failure::{HttpFailure, failure_of};
pub(crate) use link::Link;
