//! Servers of tools: the contracts, and the connector to MCP servers.
//!
//! With the feature `mcp`, a host registers an `McpConnector` with
//! [`RuntimeBuilder::mcp`](crate::RuntimeBuilder::mcp). Whoever writes a server of their own holds it against
//! [`testkit::server_conformance`](crate::testkit::server_conformance).

#[doc(inline)]
pub use kneo_core::tool_server::{Connector, ToolServer, offer_digest};
#[cfg(feature = "mcp")]
#[doc(inline)]
pub use kneo_mcp::{BuildError, ErrorCode, McpConnector, McpConnectorBuilder};
