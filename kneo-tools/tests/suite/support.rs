//! What the tests share: commands built by hand, and a look at the processes of this machine.

use std::path::PathBuf;
use std::sync::Arc;

use kneo_core::call::{CallContext, CallError};
use kneo_core::expr::{Access, Expr, Root, TextPart, TextTemplate};
use kneo_core::plan::{CommandDef, Stdin};
use kneo_core::tool::{Backing, Function};
use kneo_core::{Attempt, Cancel, Name, Namespace, RunId, RunKey, Value};
use kneo_tools::{CommandTools, CommandToolsBuilder};
use tempfile::TempDir;

pub(crate) use kneo_tests::processes::{Process, SOON, gone, is_alive, pids, until};

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
