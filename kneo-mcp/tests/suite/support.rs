//! What the tests share: definitions built by hand, and a look at the processes of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kneo_core::call::{CallContext, CallError};
use kneo_core::plan::{HttpDef, McpServerDef, ServerTools, Setting, StdioDef, TlsDef, Transport};
use kneo_core::secret::{MemorySecrets, Secret, Secrets};
use kneo_core::tool_server::{Connector, ToolServer};
use kneo_core::{Attempt, Cancel, Name, Namespace, RunId, RunKey, Value};
use kneo_mcp::{McpConnector, McpConnectorBuilder};
use tempfile::TempDir;

/// Far beyond what a healthy machine needs, near enough to see that something hangs.
pub(crate) const SOON: Duration = Duration::from_secs(30);

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

/// Waits until something is there, looking again and again.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < SOON, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The process ids that a server wrote to a file, one a line, once there are so many.
pub(crate) async fn pids(file: PathBuf, count: usize) -> Vec<u32> {
    until(&format!("{count} pids in {}", file.display()), || {
        let written = fs::read_to_string(&file).ok()?;
        let whole = written.rsplit_once('\n')?.0;
        let pids: Vec<u32> = whole.lines().map(|line| line.trim().parse().unwrap()).collect();
        (pids.len() >= count).then_some(pids)
    })
    .await
}

/// A process as `/proc` shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    state: char,
    pub(crate) parent: u32,
    pub(crate) group: u32,
}

impl Process {
    pub(crate) fn of(pid: u32) -> Option<Process> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything; the fields that follow it do not.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Process { pid, state, parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
    }

    pub(crate) fn all() -> Vec<Process> {
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter_map(Process::of).collect()
    }

    /// A zombie whose parent never reaps it does nothing any more.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

pub(crate) fn is_alive(pid: u32) -> bool {
    Process::of(pid).is_some_and(|process| process.is_alive())
}

pub(crate) async fn gone(pids: &[u32]) {
    for pid in pids {
        until(&format!("process {pid} to be gone"), || (!is_alive(*pid)).then_some(())).await;
    }
}

/// The lines of a file that servers write to.
pub(crate) fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}
