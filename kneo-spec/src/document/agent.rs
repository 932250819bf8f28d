//! Agents.

use std::sync::Arc;

use kneo_core::name::Name;
use kneo_core::value::Value;

use super::{JsonSchema, Server, Stage, Tool, Workflow};
use crate::source::{Span, Spanned};

pub(crate) struct Agent<S: Stage> {
    pub(crate) name: Option<Spanned<Name>>,
    pub(crate) description: Option<Arc<str>>,
    /// The workflow that plays the agent.
    pub(crate) as_agent: Option<S::Ref<Workflow<S>>>,
    pub(crate) system_prompt: Option<S::Text>,
    pub(crate) model: Option<Model>,
    /// Whether a model, or who plays the agent, was written and reported.
    pub(crate) model_broken: bool,
    pub(crate) strategy: Strategy,
    /// What the answer fits.
    pub(crate) output: Option<JsonSchema>,
    /// The tools it may call; as written, with the servers among them.
    pub(crate) tools: Vec<S::Ref<Tool<S>>>,
    /// The servers whose tools it may call.
    pub(crate) servers: Vec<S::Ref<Server<S>>>,
    /// Where the agent as a whole is pointed at.
    pub(crate) span: Span,
}

pub(crate) struct Model {
    pub(crate) provider: Spanned<Name>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) temperature: Option<f64>,
    pub(crate) token_budget: Option<u64>,
    pub(crate) extra: Option<Value>,
}

/// How an agent works.
#[derive(Clone, Copy)]
pub(crate) enum Strategy {
    Simple,
    React { max_iterations: u32 },
}
