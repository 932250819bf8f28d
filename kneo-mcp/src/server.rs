//! A server as the engine knows it.

use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::Value;
use kneo_core::call::{CallContext, CallError};
use kneo_core::provider::ToolOffer;
use kneo_core::tool_server::ToolServer;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest, InputRequiredResult, JsonObject,
    ServerResult,
};

use crate::connection::Connection;
use crate::problem::Problem;
use crate::result;

/// How often a server may ask for the same request again with its own state, before that counts as no answer.
const MAX_ROUNDS: usize = 8;

/// A server under its author's name.
#[derive(Clone, Debug)]
pub(crate) struct McpServer {
    name: Arc<str>,
    connection: Arc<Connection>,
}

impl McpServer {
    pub(crate) fn new(name: Arc<str>, connection: Arc<Connection>) -> McpServer {
        McpServer { name, connection }
    }

    async fn offered(&self, context: &CallContext) -> Result<Vec<ToolOffer>, Problem> {
        let session = self.connection.session(context).await?;
        Ok(session.tools(self.connection.settings(), context).await?.to_vec())
    }

    async fn called(&self, tool: &str, arguments: Value, context: &CallContext) -> Result<Value, Problem> {
        let arguments = object(arguments)?;
        let session = self.connection.session(context).await?;
        let mut params = CallToolRequestParams::new(tool.to_owned());
        params.arguments = arguments;
        for _ in 0..MAX_ROUNDS {
            let request = ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
            let answer = session.ask(request, context).await?;
            match answer {
                ServerResult::CallToolResult(result) => {
                    return result::read(result, self.connection.settings().max_media_bytes);
                }
                ServerResult::InputRequiredResult(required) => params.request_state = Some(state(required)?),
                // Content that is left out altogether is none.
                ServerResult::EmptyResult(_) | ServerResult::TaskAckResult(_) => {
                    return result::read(CallToolResult::default(), 0);
                }
                _ => return Err(Problem::Protocol("its answer to `tools/call` is no result of a tool".to_owned())),
            }
        }
        Err(Problem::Protocol(format!("it asks for the same request more than {MAX_ROUNDS} times")))
    }
}

/// The state that a server wants to see again with the same request, when it wants nothing else: it has not begun, and
/// says so. See <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>.
fn state(required: InputRequiredResult) -> Result<String, Problem> {
    let method = |request| {
        let request = serde_json::to_value(request).ok()?;
        request.get("method")?.as_str().map(str::to_owned)
    };
    let requests = required.input_requests.iter().flatten();
    let wanted: Vec<String> = requests.map(|(_, request)| method(request).unwrap_or_default()).collect();
    match (wanted.is_empty(), required.request_state) {
        (true, Some(state)) => Ok(state),
        (true, None) => Err(Problem::Protocol("it asks for something and does not say what".to_owned())),
        (false, _) => Err(Problem::InputRequired(format!("`{}`", wanted.join("`, `")))),
    }
}

fn object(arguments: Value) -> Result<Option<JsonObject>, Problem> {
    match arguments.to_json() {
        serde_json::Value::Object(fields) => Ok(Some(fields)),
        serde_json::Value::Null => Ok(None),
        _ => Err(Problem::Arguments(arguments.type_name())),
    }
}

#[async_trait]
impl ToolServer for McpServer {
    async fn tools(&self, context: &CallContext) -> Result<Vec<ToolOffer>, CallError> {
        self.offered(context).await.map_err(|problem| problem.of(&self.name))
    }

    async fn call(&self, tool: &str, arguments: Value, context: &CallContext) -> Result<Value, CallError> {
        self.called(tool, arguments, context).await.map_err(|problem| problem.of(&self.name))
    }
}
