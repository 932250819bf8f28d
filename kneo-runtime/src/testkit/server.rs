use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use kneo_core::call::{CallContext, CallError};
use kneo_core::plan::McpServerDef;
use kneo_core::provider::ToolOffer;
use kneo_core::tool_server::{Connector, ToolServer};
use kneo_core::{Name, Value};

/// Servers whose tools are a test's closures: the connector in memory.
#[derive(Debug, Default)]
pub struct ScriptedServers {
    servers: BTreeMap<Name, Arc<ScriptedServer>>,
}

/// A server whose tools are a test's closures.
#[derive(Debug, Default)]
pub struct ScriptedServer {
    offers: Mutex<Vec<ToolOffer>>,
    scripts: BTreeMap<Arc<str>, Script>,
    /// How often the server was asked for its tools.
    asked: Mutex<u32>,
}

struct Script(Box<CallScript>);

type CallScript = dyn Fn(Value, CallContext) -> BoxFuture<'static, Result<Value, CallError>> + Send + Sync;

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl ScriptedServers {
    /// A connector that knows no server.
    #[must_use]
    pub fn new() -> ScriptedServers {
        ScriptedServers::default()
    }

    /// The same connector with one server more, by the name that plans give it.
    #[must_use]
    pub fn server(mut self, name: Name, server: Arc<ScriptedServer>) -> ScriptedServers {
        self.servers.insert(name, server);
        self
    }
}

impl ScriptedServer {
    /// A server that offers nothing.
    #[must_use]
    pub fn new() -> ScriptedServer {
        ScriptedServer::default()
    }

    /// The same server with one tool more.
    #[must_use]
    pub fn tool<Fut>(
        mut self,
        offer: ToolOffer,
        script: impl Fn(Value, CallContext) -> Fut + Send + Sync + 'static,
    ) -> ScriptedServer
    where
        Fut: Future<Output = Result<Value, CallError>> + Send + 'static,
    {
        let script = Script(Box::new(move |arguments, context| Box::pin(script(arguments, context))));
        self.scripts.insert(Arc::clone(&offer.name), script);
        self.change(|offers| offers.push(offer));
        self
    }

    /// Changes what the server says of its tools from now on.
    pub fn change(&self, change: impl FnOnce(&mut Vec<ToolOffer>)) {
        change(&mut self.offers.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How often the server was asked for its tools.
    #[must_use]
    pub fn asked(&self) -> u32 {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector for ScriptedServers {
    fn server(&self, definition: &McpServerDef) -> Result<Arc<dyn ToolServer>, CallError> {
        match self.servers.get(&definition.name) {
            Some(server) => Ok(Arc::clone(server) as _),
            None => Err(CallError::fatal("mcp_unknown_server", format!("there is no server `{}`", definition.name))),
        }
    }
}

#[async_trait]
impl ToolServer for ScriptedServer {
    async fn tools(&self, context: &CallContext) -> Result<Vec<ToolOffer>, CallError> {
        if context.cancel.is_cancelled() {
            return Err(cancelled());
        }
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Ok(self.offers.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn call(&self, tool: &str, arguments: Value, context: &CallContext) -> Result<Value, CallError> {
        if context.cancel.is_cancelled() {
            return Err(cancelled());
        }
        match self.scripts.get(tool) {
            // A script that ends in the same moment has ended, and one that looks at the token itself may say so.
            Some(script) => tokio::select! {
                biased;
                result = (script.0)(arguments, context.clone()) => result,
                () = context.cancel.cancelled() => Err(cancelled()),
            },
            None => Err(CallError::fatal("mcp_tool_error", format!("there is no tool `{tool}`"))),
        }
    }
}

fn cancelled() -> CallError {
    CallError::fatal("mcp_cancelled", "the server was not asked to the end: the call was cancelled")
}
