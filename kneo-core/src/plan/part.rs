//! What nodes refer to: agents, tools, functions, humans.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::index::{SchemaIx, ScopeIx, ServerIx, ToolIx};
use crate::expr::{Expr, TextTemplate, ValueTemplate};
use crate::message::Role;
use crate::name::Name;
use crate::value::Value;

/// An agent: a model, a prompt and tools.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentDef {
    /// The author's name.
    pub name: Name,
    /// The system prompt; its holes see the step's input and the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<TextTemplate>,
    /// The model.
    pub model: ModelDef,
    /// How the agent works.
    pub strategy: Strategy,
    /// The tools that it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolIx>,
    /// The servers whose tools it may call, as far as [`ServerTools`](super::ServerTools) says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerIx>,
    /// The JSON Schema of the answer, which is then JSON; `None` is any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<SchemaIx>,
}

/// A model of a provider.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelDef {
    /// The provider, by the name under which the host registers it.
    pub provider: Name,
    /// The model's name at the provider; `None` leaves the choice to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// The sampling temperature; `None` leaves it to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The most tokens, in and out, that the agent may use in one step; checked before each turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_budget: Option<u64>,
    /// What only the provider understands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Value>,
}

impl ModelDef {
    /// The secrets that the provider is given by reference: what stands under the keys of `extra` that end in `_ref`.
    pub fn secrets(&self) -> impl Iterator<Item = Name> {
        let extra = match &self.extra {
            Some(Value::Map(extra)) => Some(extra),
            _ => None,
        };
        let references = extra.into_iter().flatten().filter(|(key, _)| key.ends_with("_ref"));
        references.filter_map(|(_, name)| Name::new(name.as_str()?).ok())
    }
}

/// How an agent works.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum Strategy {
    /// One answer, no tools.
    Simple,
    /// Turns with tool calls until the model answers without one.
    React {
        /// The most turns; beyond it the step fails with kind `limit`.
        max_iterations: NonZeroU32,
    },
}

/// A tool that agents call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolDef {
    /// The name that the model sees.
    pub name: Name,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Arc<str>>,
    /// The JSON Schema of the arguments; `None` takes the host's or the server's, or any object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<SchemaIx>,
    /// What runs.
    pub backing: ToolBackingDef,
    /// What running it again would do.
    pub effect: Effect,
    /// What happens when a write was in flight at a crash.
    pub on_uncertain: OnUncertain,
    /// Whether a person must agree to each call.
    #[serde(default)]
    pub approval: Approval,
}

/// A function that steps call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionDef {
    /// The author's name.
    pub name: Name,
    /// What runs.
    pub backing: BackingDef,
    /// What running it again would do.
    pub effect: Effect,
    /// What happens when a write was in flight at a crash.
    pub on_uncertain: OnUncertain,
    /// Whether a person must agree to each call.
    #[serde(default)]
    pub approval: Approval,
}

/// What runs behind a tool.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum ToolBackingDef {
    /// Code that the host registers under a name.
    Implementation(Name),
    /// A program.
    Command(CommandDef),
    /// A tool of an MCP server.
    Mcp {
        /// The server.
        server: ServerIx,
        /// The tool, by the server's name for it.
        tool: Arc<str>,
    },
    /// A workflow of the plan, such as one that asks another agent: its input is the argument `input`, its output the
    /// result.
    Workflow(ScopeIx),
}

/// What runs behind a function.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum BackingDef {
    /// Code that the host registers under a name.
    Implementation(Name),
    /// A program.
    Command(CommandDef),
}

/// A program: no shell is involved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandDef {
    /// The program and its arguments; the holes see the input and the run, and one hole is one element.
    pub argv: Vec<TextTemplate>,
    /// Variables of the environment, which is empty otherwise but for a safe few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(Name, TextTemplate)>,
    /// The working directory, relative to the host's choice; `None` is that choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<Arc<str>>,
    /// What the program reads on standard input.
    #[serde(default)]
    pub stdin: Stdin,
}

/// What a command reads on standard input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum Stdin {
    /// The input as JSON.
    #[default]
    Json,
}

/// What running something again would do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// It does the same once or twice.
    Idempotent,
    /// Twice is worse than once: never run again on its own after a crash.
    Write,
}

/// What happens when a write was in flight at a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum OnUncertain {
    /// A person decides: run again, supply the result, or fail.
    Ask,
    /// It runs again, under the same idempotency key.
    Retry,
    /// It fails with kind `uncertain`.
    Fail,
}

/// Whether a person must agree to a call.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum Approval {
    /// Nobody is asked.
    #[default]
    Never,
    /// Somebody is asked for each call.
    Always,
    /// Somebody is asked when the expression over the validated arguments is `true`.
    When(Expr),
}

/// A person who is asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HumanDef {
    /// The author's name.
    pub name: Name,
    /// What is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<TextTemplate>,
    /// What kind of answer is wanted.
    pub request: RequestType,
    /// Who may answer; empty means anybody whom the host lets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignees: Vec<Name>,
    /// How long the question stays open, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What happens then.
    #[serde(default)]
    pub on_timeout: OnTimeout,
    /// What a `selection` chooses from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Arc<str>>,
    /// The option that stands when nobody answers and `on_timeout` is `continue`; one of `options`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_option: Option<Arc<str>>,
    /// What the person sees beside the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ValueTemplate>,
    /// The role under which the answer stands in the conversation of an agent that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_role: Option<Role>,
}

/// What kind of answer a person gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum RequestType {
    /// Yes or no.
    #[default]
    Approval,
    /// Yes, no, or the text in a better form.
    Review,
    /// The text in a better form, or yes.
    Correction,
    /// One of several options.
    Selection,
    /// Any text or value.
    Freeform,
}

/// What happens when nobody answers in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "what runs a plan must handle each")]
pub enum OnTimeout {
    /// The step fails with kind `expired`.
    #[default]
    Fail,
    /// The default option stands, or else approval; the record says that nobody answered.
    Continue,
    /// The question stays open and is marked as escalated.
    Escalate,
}
