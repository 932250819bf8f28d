//! A command that can be called.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::call::{CallContext, CallError};
use kneo_core::plan::{CommandDef, Stdin};
use kneo_core::tool::Function;
use kneo_core::value::Value;
use kneo_process::SHELL;

use super::error::CommandError;
use super::{Settings, invocation, output, process};

/// A spec's command with the host's settings.
pub(super) struct BoundCommand {
    command: CommandDef,
    settings: Arc<Settings>,
}

impl BoundCommand {
    pub(super) fn new(command: &CommandDef, settings: Arc<Settings>) -> Result<BoundCommand, CommandError> {
        if !Path::new(SHELL).exists() {
            return Err(CommandError::Unsupported(format!("the guard of a command needs `{SHELL}`; install a shell")));
        }
        invocation::check(command, &settings)?;
        Ok(BoundCommand { command: command.clone(), settings })
    }

    fn stdin(&self, input: &Value) -> Vec<u8> {
        match self.command.stdin {
            // The line end lets programs that read by lines see a whole one.
            Stdin::Json => format!("{input}\n").into_bytes(),
        }
    }
}

#[async_trait]
impl Function for BoundCommand {
    async fn call(&self, input: Value, context: &CallContext) -> Result<Value, CallError> {
        let stdin = self.stdin(&input);
        let invocation = invocation::fill(&self.command, &self.settings, &input, context)?;
        let stdout = process::run(&invocation, &stdin, context, &self.settings).await?;
        output::read(stdout).map_err(|reason| CommandError::OutputInvalid { program: invocation.name, reason }.into())
    }
}

/// Shows the program only: arguments and variables may hold what nobody should read.
impl fmt::Debug for BoundCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundCommand").field("program", &self.command.argv.first()).finish_non_exhaustive()
    }
}
