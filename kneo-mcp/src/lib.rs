//! The tools of MCP servers, for Kneo.
//!
//! [`McpConnector`] is the [`Connector`](kneo_core::tool_server::Connector) of hosts whose specs have `mcp_servers`: it
//! starts servers as programs, or connects to them by streamable HTTP, lists their tools and calls them. It speaks the
//! versions of the [Model Context Protocol](https://modelcontextprotocol.io/specification/2026-07-28) from 2024-11-05
//! to 2026-07-28, on the official SDK, none of whose types is seen outside. Whatever a server does, memory, time and
//! processes are bounded, and no secret comes back.
//!
//! ```
//! use kneo_mcp::McpConnector;
//!
//! # fn main() -> Result<(), kneo_mcp::BuildError> {
//! let servers = McpConnector::builder(".")
//!     .variable("HOME", "/var/lib/reports")
//!     .allow_command("npx", ["-y", "@modelcontextprotocol/server-filesystem"])
//!     .allow_host("*.example.com")
//!     .build()?;
//! # let _ = servers;
//! # Ok(())
//! # }
//! ```
//!
//! # What a server gets
//!
//! | | |
//! | --- | --- |
//! | program | No shell stands between. A bare name is looked up on the host's search path, never on the caller's; a path counts from the host's directory. |
//! | environment | `PATH` (the host's search path), `LANG` (`C.UTF-8`), what the host adds, and the spec's `env`. Nothing is inherited. |
//! | working directory | The host's directory, or the spec's `cwd` within it. |
//! | address | Exactly that of `url`: no redirect is followed, and no proxy used that the host did not name. Headers, the bearer token and the client's certificate go there and nowhere else. |
//! | a call | Its arguments, a `traceparent` and the idempotency key, as `io.github.kneo-project/idempotency-key`, in the request's `_meta`. |
//! | requests of its own | An answer to `ping`; an error to all else: sampling, elicitation and roots are not offered, and declared so. |
//!
//! Secrets are resolved through the call's [`secrets`](kneo_core::call::CallContext::secrets) for each request; when one
//! has another value than the session was made with, a new session is made. Where a secret of four characters or more
//! comes back in what the server says, `[redacted]` stands instead, in results too.
//!
//! # What it gives
//!
//! All pages of `tools/list`, kept until the server tells of a change or, from version 2026-07-28 on, for the time that
//! it says. The result of a call is a value: structured content where there is some; text as text, JSON or not; anything
//! else as the list of its parts, maps with a `type`. Data over the host's cap is left out of a part, which says so.
//!
//! # What is sent again
//!
//! A request is sent once. There is one exception, which the protocol demands: an address that answers 404 to a request
//! within a session says that it does not know the session, and so that it did not look at the request; a new session is
//! begun and the request is sent in it, once. What broke off in any other way may have acted and is an error; whether
//! to run it again is for the plan to say. After HTTP 400 within a session, which may be about the session, the next
//! request begins another.
//!
//! # Errors
//!
//! [`ErrorCode`] says of each code what to do.
//!
//! | Code | Retryable | |
//! | --- | --- | --- |
//! | `mcp_server_invalid` | no | The definition means nothing, such as a header without a name. |
//! | `mcp_command_not_allowed` | no | The host does not allow the program. |
//! | `mcp_host_not_allowed` | no | The host does not allow the address, or it is plain HTTP to another machine. |
//! | `mcp_unsupported` | no | Programs cannot be started on this system. |
//! | `secret_missing` | no | There is no such secret. |
//! | `secret_unavailable` | yes | The source of secrets does not answer. |
//! | `mcp_spawn_failed` | no, or yes | The program is not there or may not be executed; the system is short of something, or the program ended before it answered. |
//! | `mcp_unreachable` | yes | Nobody answers at the address. |
//! | `mcp_tls_failed` | no | Its certificate is not believed, or this side's is refused. |
//! | `mcp_unauthorized` | no | HTTP 401 or 403. |
//! | `mcp_redirect_refused` | no | HTTP 3xx. |
//! | `mcp_http_error` | by status | Another status; 408, 425, 429 and 5xx are retryable, after the time that the server asks for. |
//! | `mcp_timeout` | yes | Connecting, the request, or the silence about it took too long. |
//! | `mcp_answer_too_large` | no | An answer is over the cap. Standard output cannot go on after it, so all requests on that session fail. |
//! | `mcp_offer_too_large` | no | There are more tools, pages or bytes of them than are taken. |
//! | `mcp_protocol_error` | no | What the server says is not MCP. |
//! | `mcp_connection_lost` | yes | The server ended, or the connection broke; whether a call acted is unknown. |
//! | `mcp_request_refused` | no | A JSON-RPC error that says that the request is wrong. |
//! | `mcp_server_error` | yes | Any other JSON-RPC error. |
//! | `mcp_tool_error` | yes | The tool ran and says that it failed; the message is its text alone. |
//! | `mcp_input_required` | no | The tool asks for a person, a model or roots. |
//! | `mcp_arguments_invalid` | no | The arguments are no map. |
//! | `mcp_answer_invalid` | no | The result cannot be held, such as an integer beyond 2^53. |
//! | `mcp_cancelled` | no | The call was cancelled; the server was told. |
//! | `mcp_closed` | no | The connector was closed. |

mod allowance;
mod builder;
mod code;
mod connection;
mod connector;
mod credentials;
mod definition;
mod http;
mod offer;
mod policy;
mod problem;
mod redact;
mod result;
mod server;
mod session;
mod settings;
#[cfg(unix)]
mod stdio;

pub use builder::{BuildError, McpConnectorBuilder};
pub use code::ErrorCode;
pub use connector::McpConnector;
