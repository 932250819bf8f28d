//! A provider that answers what a script says.

mod file;
mod script;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kneo_core::RunKey;
use kneo_core::call::{CallContext, CallError};
use kneo_core::message::Role;
use kneo_core::path::Segment;
use kneo_core::provider::{ModelAnswer, ModelRequest, Provider};
use kneo_core::run::Attempt;

pub use script::{Answer, Reply, Script, Turn};

use crate::{cancelled, words};
use script::Outcome;

/// Answers what a script says, and fails where it says nothing.
///
/// Which reply is given depends on the request alone: the agent, the input, the visit of the step, the turn and the
/// attempt. Nothing is counted in the provider, so a run that is resumed in another process gets the replies that it
/// would have got in the first.
///
/// ```
/// use kneo_core::value::Value;
/// use kneo_providers::{Answer, Script, ScriptedProvider};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let provider = ScriptedProvider::builder()
///     .agent(
///         "writer",
///         Script::new().turn(Answer::tool_call("search", Value::map([("query", "rust".into())])?)).turn("Found it."),
///     )
///     .agent("critic", Script::new().on_visit(1).turn("Too short."))
///     .agent("critic", Script::new().turn("Good."))
///     .build()?;
/// # let _ = provider;
/// # Ok(())
/// # }
/// ```
///
/// # As a file
///
/// ```json
#[doc = include_str!("scripted/example.json")]
/// ```
///
/// | In | Key | |
/// | --- | --- | --- |
/// | file | `agents` | The scripts of each agent, by its name. |
/// | script | `turns` | A reply for each turn of the agent; the first is turn 1. A list gives a reply for each attempt of the turn, the last also for all later ones. |
/// | | `when_input_contains` | The script is for requests whose latest user message contains this text. |
/// | | `visit` | The script is for this visit of the agent's step, counted from 1. |
/// | reply | `text` | What the model says. A reply that is only text may be written as that. |
/// | | `tool_calls` | The tools it asks for: `name`, `arguments` (any JSON; `{}` without it) or `arguments_text` (as a model wrote it, well-formed or not), and `id` (made up without it). |
/// | | `usage` | `input_tokens` and `output_tokens`; without it every word is a token. |
/// | | `stop` | `end`, `tool_calls`, `length` or `content_filter`; without it the first two, as fits. |
/// | | `delay_seconds` | How long the reply takes. |
/// | | `error` | Fails: `code` (begins with `provider_`), `message`, `retryable`, `retry_after_seconds`. Stands alone, save for a delay. |
///
/// Of an agent's scripts the first that fits is taken. Unknown keys, a script that is never reached and a reply that
/// says nothing are errors.
///
/// # Errors
/// `provider_script_exhausted` for a request that the script does not foresee; what else it says itself.
#[derive(Debug)]
pub struct ScriptedProvider {
    agents: BTreeMap<Arc<str>, Vec<Script>>,
    asked: Mutex<Vec<AskedRequest>>,
}

/// A request that a [`ScriptedProvider`] was asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AskedRequest {
    /// The run that asked.
    pub run: RunKey,
    /// The place in the run.
    pub path: kneo_core::Path,
    /// Which try.
    pub attempt: Attempt,
    /// What was asked.
    pub request: ModelRequest,
}

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the script `{}`: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The text is no script.
    #[error("{}:{line}:{column}: {message}", .path.as_deref().unwrap_or(Path::new("script")).display())]
    Text {
        /// The file, if the text came from one.
        path: Option<PathBuf>,
        /// The line, from 1.
        line: usize,
        /// The column, in bytes from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A script built in code means nothing.
    #[error("the scripts of agent `{agent}` cannot be used: {reason}")]
    Agent {
        /// The agent.
        agent: Arc<str>,
        /// What is wrong.
        reason: String,
    },
}

/// Collects the scripts of a [`ScriptedProvider`].
#[derive(Debug, Default)]
#[must_use]
pub struct ScriptedProviderBuilder {
    agents: BTreeMap<Arc<str>, Vec<Script>>,
}

impl ScriptedProviderBuilder {
    /// Adds a script of an agent, after those it has.
    pub fn agent(mut self, agent: impl Into<Arc<str>>, script: Script) -> ScriptedProviderBuilder {
        self.agents.entry(agent.into()).or_default().push(script);
        self
    }

    /// Checks the scripts.
    ///
    /// # Errors
    /// The first thing that means nothing: a script without turns, or one that is never reached.
    pub fn build(self) -> Result<ScriptedProvider, ScriptError> {
        for (agent, scripts) in &self.agents {
            script::check(scripts).map_err(|reason| ScriptError::Agent { agent: Arc::clone(agent), reason })?;
        }
        Ok(ScriptedProvider { agents: self.agents, asked: Mutex::default() })
    }
}

impl ScriptedProvider {
    /// Starts to collect scripts.
    pub fn builder() -> ScriptedProviderBuilder {
        ScriptedProviderBuilder::default()
    }

    /// Reads the scripts of a JSON text.
    ///
    /// # Errors
    /// [`ScriptError::Text`] with the place of the first mistake.
    pub fn from_json(text: &str) -> Result<ScriptedProvider, ScriptError> {
        ScriptedProvider::read(text, None)
    }

    /// Reads the scripts of a JSON file.
    ///
    /// # Errors
    /// [`ScriptError::File`], or [`ScriptError::Text`] with the place of the first mistake.
    pub fn from_file(path: impl AsRef<Path>) -> Result<ScriptedProvider, ScriptError> {
        let path = path.as_ref();
        let text =
            std::fs::read_to_string(path).map_err(|source| ScriptError::File { path: path.to_owned(), source })?;
        ScriptedProvider::read(&text, Some(path))
    }

    fn read(text: &str, path: Option<&Path>) -> Result<ScriptedProvider, ScriptError> {
        match file::read(text) {
            Ok(agents) => ScriptedProviderBuilder { agents }.build(),
            Err(mistake) => Err(ScriptError::Text {
                path: path.map(Path::to_owned),
                line: mistake.line,
                column: mistake.column,
                message: mistake.message,
            }),
        }
    }

    /// Every request that was asked so far, in the order in which they arrived.
    #[must_use]
    pub fn requests(&self) -> Vec<AskedRequest> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, request: &ModelRequest, context: &CallContext) {
        let asked = AskedRequest {
            run: context.run.clone(),
            path: context.path.clone(),
            attempt: context.attempt,
            request: request.clone(),
        };
        // A list is whole even if somebody panicked while it was locked.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    }

    fn reply(&self, request: &ModelRequest, context: &CallContext) -> Result<&Reply, CallError> {
        let agent = &request.agent;
        let Some(scripts) = self.agents.get(agent) else {
            let known: Vec<String> = self.agents.keys().map(|name| format!("`{name}`")).collect();
            return Err(exhausted(format!("the script has no agent `{agent}`; it has {}", listed(&known))));
        };
        let (input, visit) = (latest_input(request), visit(context));
        let Some(script) = scripts.iter().find(|script| script.fits(&input, visit)) else {
            let message = format!("no script of agent `{agent}` fits visit {visit} with the input `{}`", short(&input));
            return Err(exhausted(message));
        };
        script.reply(request.turn, context.attempt).ok_or_else(|| {
            let (has, wanted) = (script.turn_count(), request.turn);
            exhausted(format!("the script of agent `{agent}` ends after turn {has} and was asked for turn {wanted}"))
        })
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    async fn generate(&self, request: &ModelRequest, context: &CallContext) -> Result<ModelAnswer, CallError> {
        self.note(request, context);
        let reply = self.reply(request, context)?;
        cancelled::wait(reply.delay(), &context.cancel).await?;
        match reply.outcome() {
            Outcome::Answer(answer) => {
                let message = answer.message(request.turn);
                words::stream(&message.to_text(), &context.deltas);
                let usage = answer.usage().unwrap_or_else(|| words::usage(request, &message));
                Ok(ModelAnswer::new(message, answer.stop(), usage))
            }
            Outcome::Error(error) => Err(error.clone()),
        }
    }
}

fn exhausted(message: String) -> CallError {
    CallError::fatal("provider_script_exhausted", format!("{message}; add the reply to the script"))
}

fn latest_input(request: &ModelRequest) -> String {
    let latest = request.messages.iter().rev().find(|message| message.role == Role::User);
    latest.map(|message| message.to_text()).unwrap_or_default()
}

/// Which visit of the agent's step it is; 1 outside of any step.
fn visit(context: &CallContext) -> u32 {
    let nodes = context.path.segments().iter().rev().filter_map(|segment| match segment {
        Segment::Node { visit, .. } => Some(*visit),
        _ => None,
    });
    nodes.take(1).last().unwrap_or(1)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
