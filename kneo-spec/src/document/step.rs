//! Steps; a node of a graph and a participant of a fan-out are steps.

use kneo_core::name::Name;
use kneo_core::plan::Retry;

use super::{Agent, FanOut, Function, Human, JsonSchema, Stage, Workflow};
use crate::source::{Span, Spanned};

pub(crate) struct Step<S: Stage> {
    pub(crate) id: Spanned<Name>,
    /// Whether the id was made up, because none could be read, which was reported; nothing can name the step.
    pub(crate) nameless: bool,
    pub(crate) kind: StepKind<S>,
    pub(crate) when: Option<Spanned<S::Expr>>,
    pub(crate) input: Option<S::Value>,
    pub(crate) on_error: OnError<S>,
    /// Where it says that it runs only in place of another, if it does.
    pub(crate) fallback_only: Option<Span>,
    /// Of a node of a graph.
    pub(crate) fan_out: Option<FanOut<S>>,
    pub(crate) idempotency_key: Option<Spanned<S::Text>>,
    /// What the output fits.
    pub(crate) output: Option<JsonSchema>,
    pub(crate) retry: Option<Spanned<Retry>>,
    pub(crate) timeout_ms: Option<Spanned<u64>>,
    /// Where the step as a whole is pointed at.
    pub(crate) span: Span,
}

pub(crate) enum StepKind<S: Stage> {
    Agent(S::Ref<Agent<S>>),
    Function(S::Ref<Function<S>>),
    Human(S::Ref<Human<S>>),
    Workflow(S::Ref<Workflow<S>>),
    Set(Vec<(Spanned<Name>, S::Value)>),
    /// Something that was reported; keeps the step's id known.
    Broken,
}

/// What happens when a step has failed for good.
pub(crate) enum OnError<S: Stage> {
    Fail,
    Continue,
    /// Another step runs in its place; with the place where it is named.
    Fallback(S::StepRef, Span),
    /// Something that was reported; may be a fallback.
    Broken,
}
