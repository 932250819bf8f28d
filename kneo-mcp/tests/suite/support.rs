//! What the tests share: definitions built by hand, and a look at the processes of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kneo_core::call::{CallContext, CallError};
use kneo_core::plan::{HttpDef, McpServerDef, ServerTools, Setting, StdioDef, TlsDef, Transport};
use kneo_core::secret::{MemorySecrets, Secret, Secrets};
use kneo_core::tool_server::{Connector, ToolServer};
use kneo_core::{Attempt, Cancel, Name, Namespace, RunId, RunKey, Value};
use kneo_mcp::{McpConnector, McpConnectorBuilder};
use tempfile::TempDir;

pub(crate) use kneo_tests::processes::{Process, SOON, gone, is_alive, pids, until};

/// A host's directory with a connector that works in it.
pub(crate) struct Host {
    pub(crate) directory: TempDir,
    pub(crate) connector: McpConnector,
}

impl Host {
    pub(crate) fn new() -> Host {
        Host::with(|builder| builder)
    }

    pub(crate) fn with(configure: impl FnOnce(McpConnectorBuilder) -> McpConnectorBuilder) -> Host {
        let directory = TempDir::new().unwrap();
        let builder = McpConnector::builder(directory.path()).grace(Duration::from_millis(300));
        Host { connector: configure(builder).build().unwrap(), directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn server(&self, definition: &McpServerDef) -> Arc<dyn ToolServer> {
        self.connector.server(definition).unwrap()
    }

    /// Binds and calls the tool `echo` once.
    pub(crate) async fn call(&self, definition: &McpServerDef) -> Result<Value, CallError> {
        self.server(definition).call("echo", no_arguments(), &context()).await
    }
}

pub(crate) fn no_arguments() -> Value {
    Value::map::<&str>([]).unwrap()
}

pub(crate) fn context() -> CallContext {
    with_cancel(Cancel::new())
}

pub(crate) fn with_cancel(cancel: Cancel) -> CallContext {
    let run = RunKey::new(Namespace::default(), RunId::from_bytes([7; 16]));
    CallContext::new(run, "3#1/t1/c0".parse().unwrap(), Attempt::FIRST, cancel)
}

pub(crate) fn with_secrets(secrets: &[(&str, &str)]) -> CallContext {
    let mut source = MemorySecrets::new();
    for (name, value) in secrets {
        source = source.with(self::name(name), Secret::new((*value).to_owned()));
    }
    context().with_secrets(Secrets::of(Arc::new(source)))
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn server(transport: Transport) -> McpServerDef {
    let tools = ServerTools::default();
    McpServerDef { name: name("files"), transport, timeout_ms: None, max_response_bytes: None, tools }
}

pub(crate) fn stdio(command: &str, args: &[&str]) -> McpServerDef {
    let args = args.iter().map(|argument| (*argument).into()).collect();
    server(Transport::Stdio(StdioDef { command: command.into(), args, env: Vec::new(), cwd: None }))
}

pub(crate) fn http(url: &str) -> McpServerDef {
    let tls = TlsDef::default();
    server(Transport::Http(HttpDef { url: url.into(), headers: Vec::new(), bearer_ref: None, tls }))
}

pub(crate) fn with_stdio(mut definition: McpServerDef, change: impl FnOnce(&mut StdioDef)) -> McpServerDef {
    let Transport::Stdio(stdio) = &mut definition.transport else { panic!("no stdio") };
    change(stdio);
    definition
}

pub(crate) fn with_http(mut definition: McpServerDef, change: impl FnOnce(&mut HttpDef)) -> McpServerDef {
    let Transport::Http(http) = &mut definition.transport else { panic!("no http") };
    change(http);
    definition
}

pub(crate) fn plain(text: &str) -> Setting {
    Setting::Plain(text.into())
}

pub(crate) fn secret(reference: &str) -> Setting {
    Setting::Secret(name(reference))
}

/// The code and the message of what failed.
#[track_caller]
pub(crate) fn failed<T: std::fmt::Debug>(result: Result<T, CallError>) -> (String, String) {
    let error = result.unwrap_err();
    (error.code.to_string(), error.message.to_string())
}

/// The lines of a file that servers write to.
pub(crate) fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}
