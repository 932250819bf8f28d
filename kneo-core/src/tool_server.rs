//! The contracts of those who offer tools of their own: MCP servers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::call::{CallContext, CallError};
use crate::digest::Digest;
use crate::plan::McpServerDef;
use crate::provider::ToolOffer;
use crate::value::Value;

/// Somebody who offers tools and runs them, and whose offer is found out by asking.
///
/// # Contract
/// - **Lazy.** Nothing is started or connected before it is asked for something; a connection is reused.
/// - **The whole offer.** [`ToolServer::tools`] gives every tool, or fails. What an agent gets of it, the engine decides
///   and journals; a call is made under the offer that was journaled.
/// - **Checked arguments.** A call gets arguments that fit the tool's schema as it was offered.
/// - **At least once.** As for [`Tool`](crate::tool::Tool): the plan says what running a call again would do, and a
///   connection that broke after a request was sent is an error, never a second request.
/// - **Cancellation.** When the token is cancelled the server is told, and the call ends soon.
/// - **Bounded.** Answers are bounded in size and time; whatever the server sends, memory is.
/// - **Concurrency.** Calls may run at the same time.
///
/// # Implementing
/// `kneo-mcp` connects to MCP servers; the test kit of `kneo-runtime` has servers in memory to read first. The suite
/// `kneo_runtime::testkit::server_conformance` says whether a server of yours keeps the contract.
///
/// # Errors
/// Codes begin with `mcp_`. The message of a call's error is a result for the model.
///
/// # Cancel safety
/// Dropping a future tells the server that its answer is not wanted; whether the call acted is then unknown.
#[async_trait]
pub trait ToolServer: fmt::Debug + Send + Sync + 'static {
    /// What it offers, in its own order and under its own names.
    ///
    /// # Errors
    /// It cannot be reached, or gives no whole answer.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the question; a connection that was made stays for the next.
    async fn tools(&self, context: &CallContext) -> Result<Vec<ToolOffer>, CallError>;

    /// Runs a tool once, by the server's name for it.
    ///
    /// # Errors
    /// Whatever keeps the tool from a result; what the tool itself calls an error has the code `mcp_tool_error`.
    ///
    /// # Cancel safety
    /// Dropping the future tells the server; whether the call acted is unknown.
    async fn call(&self, tool: &str, arguments: Value, context: &CallContext) -> Result<Value, CallError>;
}

/// Makes a connection of what a spec says of an MCP server.
///
/// # Contract
/// - **Checked once.** What the host does not allow is refused when it is bound, before a run starts.
/// - **No side effect.** Binding starts nothing and connects to nothing. The same definition may be bound many times;
///   equal definitions may share a connection.
///
/// # Errors
/// Codes begin with `mcp_`; the message says what is refused and what to do.
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// A server that is connected to when it is asked for something.
    ///
    /// # Errors
    /// A definition that the host does not allow or cannot use.
    fn server(&self, definition: &McpServerDef) -> Result<Arc<dyn ToolServer>, CallError>;
}

/// The digest of all that a server says of some tools: of the RFC 8785 form of the list of their names, descriptions
/// and schemas, in the order of the names.
///
/// # Errors
/// A schema that has no such form: none that this crate read from JSON.
pub fn offer_digest(tools: &[ToolOffer]) -> Result<Digest, CallError> {
    #[derive(Serialize)]
    struct Offered<'a> {
        name: &'a str,
        description: &'a str,
        parameters: &'a Value,
    }
    let mut tools: Vec<&ToolOffer> = tools.iter().collect();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    let offered = tools.into_iter().map(|tool| {
        let ToolOffer { name, description, parameters } = tool;
        Offered { name, description, parameters }
    });
    let offered: Vec<Offered<'_>> = offered.collect();
    match serde_json_canonicalizer::to_vec(&offered) {
        Ok(bytes) => Ok(Digest::of(&bytes)),
        Err(error) => {
            Err(CallError::fatal("mcp_offer_unreadable", format!("the offer has no canonical form: {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, description: &str, kind: &str) -> ToolOffer {
        ToolOffer::new(name, description, Value::map([("type", Value::from(kind))]).unwrap())
    }

    #[test]
    fn a_digest_is_of_all_that_is_said_and_of_no_order() {
        let of = |tools: &[ToolOffer]| offer_digest(tools).unwrap();
        let (a, b) = (tool("a", "reads", "object"), tool("b", "writes", "object"));
        let both = of(&[a.clone(), b.clone()]);
        assert_eq!(both, of(&[b.clone(), a.clone()]));
        for other in [
            vec![a.clone()],
            vec![a.clone(), tool("b", "writes, and deletes", "object")],
            vec![a.clone(), tool("c", "writes", "object")],
            vec![a, tool("b", "writes", "array")],
        ] {
            assert_ne!(both, of(&other), "{other:?}");
        }
        let text = r#"[{"description":"writes","name":"b","parameters":{"type":"object"}}]"#;
        assert_eq!(of(&[b]), Digest::of(text.as_bytes()));
    }
}
