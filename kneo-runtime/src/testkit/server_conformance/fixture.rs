//! How a server is set up for the suite.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::Value;
use kneo_core::provider::ToolOffer;
use kneo_core::tool_server::ToolServer;

/// Makes servers whose tools do what the suite wants.
#[async_trait]
pub trait ServerFixture: fmt::Debug + Send + Sync {
    /// A server with these tools, of which nothing is started or connected to. `None` if it cannot do what one of them
    /// does.
    async fn serving(&self, tools: &[SuiteTool]) -> Option<ServerSetup>;
}

/// A tool of a server under test.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SuiteTool {
    /// What the server says of it.
    pub offer: ToolOffer,
    /// What it does when it is called.
    pub does: Does,
}

impl SuiteTool {
    /// A tool that takes any map.
    pub fn new(name: &str, does: Does) -> SuiteTool {
        let schema = Value::map([("type", Value::from("object"))]).unwrap_or_default();
        SuiteTool { offer: ToolOffer::new(name, format!("Does what {name} does."), schema), does }
    }
}

/// What a tool does when it is called.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Does {
    /// Gives its arguments back.
    Echo,
    /// Gives this text.
    Say(Arc<str>),
    /// Fails, and says this.
    Fail(Arc<str>),
    /// Gives nothing until it is called off.
    Hang,
    /// Breaks the connection, or ends the server, without an answer. The server can be reached again.
    Break,
}

/// What a server saw.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the suite asks for nothing else")]
pub enum Seen {
    /// It was started or connected to.
    Began,
    /// It was asked for its tools.
    Asked,
    /// A tool of this name was called.
    Called(Arc<str>),
    /// It was told that the answer to a call of this tool is not wanted any more.
    CalledOff(Arc<str>),
}

/// A server under test.
#[non_exhaustive]
pub struct ServerSetup {
    /// The server.
    pub server: Arc<dyn ToolServer>,
    seen: Option<Box<Look>>,
    guard: Option<Box<dyn Any + Send + Sync>>,
}

type Look = dyn Fn() -> Vec<Seen> + Send + Sync;

impl ServerSetup {
    /// A server that is its own.
    pub fn new(server: impl ToolServer) -> ServerSetup {
        ServerSetup::of(Arc::new(server))
    }

    /// A server as a connector gives it.
    pub fn of(server: Arc<dyn ToolServer>) -> ServerSetup {
        ServerSetup { server, seen: None, guard: None }
    }

    /// The same setup, which can tell all that the server has seen so far.
    #[must_use]
    pub fn with_seen(mut self, look: impl Fn() -> Vec<Seen> + Send + Sync + 'static) -> ServerSetup {
        self.seen = Some(Box::new(look));
        self
    }

    /// The same setup with something that is kept as long as it, such as a folder or a process.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> ServerSetup {
        self.guard = Some(Box::new(guard));
        self
    }

    /// How often the server has seen this, if that can be told.
    pub(super) fn count(&self, what: &Seen) -> Option<usize> {
        self.seen.as_ref().map(|look| look().iter().filter(|seen| *seen == what).count())
    }
}

impl fmt::Debug for ServerSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSetup").field("server", &self.server).finish_non_exhaustive()
    }
}
