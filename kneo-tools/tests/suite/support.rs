//! What the tests share: commands built by hand, and a look at the processes of this machine.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kneo_core::call::{CallContext, CallError};
use kneo_core::expr::{Access, Expr, Root, TextPart, TextTemplate};
use kneo_core::plan::{CommandDef, Stdin};
use kneo_core::tool::{Backing, Function};
use kneo_core::{Attempt, Cancel, Name, Namespace, RunId, RunKey, Value};
use kneo_tools::{CommandTools, CommandToolsBuilder};
use tempfile::TempDir;

/// Far beyond what a healthy machine needs, near enough to see that something hangs.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A host's directory with a backing that works in it.
pub(crate) struct Host {
    pub(crate) directory: TempDir,
    pub(crate) tools: CommandTools,
}

impl Host {
    pub(crate) fn new() -> Host {
        Host::with(|builder| builder)
    }

    pub(crate) fn with(configure: impl FnOnce(CommandToolsBuilder) -> CommandToolsBuilder) -> Host {
        let directory = TempDir::new().unwrap();
        let tools = configure(CommandTools::builder(directory.path())).build().unwrap();
        Host { directory, tools }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn bind(&self, command: &CommandDef) -> Result<Arc<dyn Function>, CallError> {
        self.tools.bind(command)
    }

    pub(crate) async fn call(&self, command: &CommandDef, input: Value) -> Result<Value, CallError> {
        self.bind(command)?.call(input, &context(Cancel::new())).await
    }

    /// Runs a shell script, given as one literal argument.
    pub(crate) async fn sh(&self, script: &str) -> Result<Value, CallError> {
        self.call(&sh(script), Value::Null).await
    }
}

pub(crate) fn context(cancel: Cancel) -> CallContext {
    let run = RunKey::new(Namespace::default(), RunId::from_bytes([7; 16]));
    CallContext::new(run, "3#1/b0/4#2".parse().unwrap(), Attempt::FIRST.next(), cancel)
        .with_run_started_at("2026-11-20T12:00:00Z".parse().unwrap())
}

pub(crate) fn command(argv: impl IntoIterator<Item = TextTemplate>) -> CommandDef {
    CommandDef { argv: argv.into_iter().collect(), env: Vec::new(), cwd: None, stdin: Stdin::Json }
}

pub(crate) fn literal(argv: &[&str]) -> CommandDef {
    command(argv.iter().map(|element| text(element)))
}

pub(crate) fn sh(script: &str) -> CommandDef {
    literal(&["sh", "-c", script])
}

pub(crate) fn env(mut command: CommandDef, name: &str, value: TextTemplate) -> CommandDef {
    command.env.push((Name::new(name).unwrap(), value));
    command
}

pub(crate) fn text(text: &str) -> TextTemplate {
    TextTemplate::new([TextPart::Text(text.into())])
}

/// `{{ input.key }}`
pub(crate) fn hole(key: &str) -> TextTemplate {
    TextTemplate::new([TextPart::Hole(input(key))])
}

/// `before{{ input.key }}`
pub(crate) fn after(before: &str, key: &str) -> TextTemplate {
    TextTemplate::new([TextPart::Text(before.into()), TextPart::Hole(input(key))])
}

pub(crate) fn root(root: Root) -> TextTemplate {
    TextTemplate::new([TextPart::Hole(Expr::Root(root))])
}

fn input(key: &str) -> Expr {
    Expr::Path(Box::new(Expr::Root(Root::Input)), vec![Access::Key(key.into())])
}

pub(crate) fn map(entries: &[(&str, &str)]) -> Value {
    Value::map(entries.iter().map(|(key, value)| (*key, Value::from(*value)))).unwrap()
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

/// The process ids that a command wrote to a file, one a line, once there are so many.
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
    pub(crate) state: char,
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
