//! Makes servers of what specs say about them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use kneo_core::call::CallError;
use kneo_core::plan::McpServerDef;
use kneo_core::tool_server::{Connector, ToolServer};

use crate::McpConnectorBuilder;
use crate::connection::Connection;
use crate::definition::{Definition, Key};
use crate::problem::Problem;
use crate::server::McpServer;
use crate::session::Endings;
use crate::settings::Settings;

/// Connects to the MCP servers of specs.
///
/// See the [crate's documentation](crate) for what a server gets and gives. Clones are the same connector.
///
/// # Sessions
/// Nothing is started or connected to before a server is asked something. Servers whose definitions differ in nothing
/// but their names and their choice of tools share one session, as long as the secrets are the same; it ends when the
/// last of them is dropped, or with [`close`](McpConnector::close). A session that broke is replaced for the next
/// request; the request that it broke under fails, and is never sent again.
///
/// # Life of a started server
/// It is the member of a process group that is led by a guard (see `kneo-process`) and ends with this process, however
/// that ends. When its session ends its standard input is closed; if that does not end it within the grace the group
/// gets `SIGTERM`, and after another grace `SIGKILL`. This happens in a task of the async runtime; when that is
/// dropped, the group gets `SIGKILL` at once.
#[derive(Clone, Debug)]
pub struct McpConnector {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Arc<Settings>,
    connections: Mutex<Connections>,
    endings: Endings,
}

#[derive(Debug, Default)]
struct Connections {
    is_closed: bool,
    alive: Vec<Weak<Connection>>,
}

impl McpConnector {
    /// Starts to describe the connector; programs run in `root`, or below it where a spec has a `cwd`.
    pub fn builder(root: impl Into<PathBuf>) -> McpConnectorBuilder {
        McpConnectorBuilder::new(root.into())
    }

    pub(crate) fn new(settings: Arc<Settings>) -> McpConnector {
        McpConnector { shared: Arc::new(Shared { settings, connections: Mutex::default(), endings: Endings::new() }) }
    }

    /// Ends every session and waits until all have ended, those that were dropped before included; nothing can be asked through this connector any more, and what
    /// is on its way fails.
    ///
    /// A host that shuts down calls it after its runtime's shutdown. It takes about twice the grace at most for servers
    /// that were started, and five seconds for those at an address.
    ///
    /// # Cancel safety
    /// Dropping the future lets the sessions end in the background.
    pub async fn close(&self) {
        let alive: Vec<Arc<Connection>> = {
            let mut connections = self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
            connections.is_closed = true;
            std::mem::take(&mut connections.alive).iter().filter_map(Weak::upgrade).collect()
        };
        futures_util::future::join_all(alive.iter().map(|connection| connection.close())).await;
        self.shared.endings.wait().await;
    }

    fn connection(&self, definition: &McpServerDef) -> Result<Arc<Connection>, Problem> {
        let checked = Definition::new(definition, &self.shared.settings)?;
        let key = Key::of(definition);
        let mut connections = self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if connections.is_closed {
            return Err(Problem::Closed);
        }
        connections.alive.retain(|connection| connection.strong_count() > 0);
        let mut alive = connections.alive.iter().filter_map(Weak::upgrade);
        if let Some(same) = alive.find(|connection| *connection.key() == *key) {
            return Ok(same);
        }
        let secrets = definition.secrets().collect();
        let (settings, endings) = (Arc::clone(&self.shared.settings), self.shared.endings.clone());
        let made = Arc::new(Connection::new(key, checked, secrets, settings, endings));
        connections.alive.push(Arc::downgrade(&made));
        Ok(made)
    }
}

impl Connector for McpConnector {
    fn server(&self, definition: &McpServerDef) -> Result<Arc<dyn ToolServer>, CallError> {
        let name = definition.name.to_shared();
        match self.connection(definition) {
            Ok(connection) => Ok(Arc::new(McpServer::new(name, connection))),
            Err(problem) => Err(problem.of(&name)),
        }
    }
}
