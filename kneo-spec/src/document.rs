//! The typed document: one set of structs for two stages.
//!
//! [`Raw`] holds what the author wrote, names as names and expressions as text. [`Linked`] holds
//! the same with names resolved and expressions compiled. Only what differs is a type of the
//! [`Stage`]; everything else is written once.

mod agent;
mod backing;
mod human;
mod join;
mod schema;
mod server;
mod step;
mod terms;
mod test;
mod tool;
mod workflow;

pub(crate) use agent::{Agent, Model, Strategy};
pub(crate) use backing::{Approval, Backing, Command, Running};
pub(crate) use human::{Context, Human};
pub(crate) use join::{FanOut, Join, Joining};
pub(crate) use schema::JsonSchema;
pub(crate) use server::{Server, ToolChoice};
pub(crate) use step::{OnError, Step, StepKind};
pub(crate) use terms::Terms;
pub(crate) use test::{Choice, Mention, MentionKind, Test};
pub(crate) use tool::{Asked, Function, Tool, ToolBacking};
pub(crate) use workflow::{Bound, Condition, Edge, Flow, Graph, OnMax, Workflow};

use std::marker::PhantomData;

use kneo_core::expr::{Expr, TextTemplate, ValueTemplate};
use kneo_core::name::Name;

use crate::source::{Span, Spanned};
use crate::syntax::{NodeId, Text};
use crate::vocabulary::Compiled;

/// What differs between the stages of a document.
pub(crate) trait Stage: Sized + 'static {
    /// A reference to a component.
    type Ref<T>;
    /// A reference to a step of the same workflow.
    type StepRef;
    /// A bare expression.
    type Expr;
    /// Text with holes.
    type Text;
    /// A value with holes.
    type Value;
    /// An agent behind a tool.
    type Asked;
}

/// As written.
pub(crate) enum Raw {}

impl Stage for Raw {
    type Ref<T> = RawRef<T>;
    type StepRef = Spanned<Name>;
    type Expr = RawExpr;
    type Text = RawText;
    type Value = NodeId;
    type Asked = Spanned<Name>;
}

/// With names resolved and expressions compiled.
pub(crate) enum Linked {}

impl Stage for Linked {
    type Ref<T> = Ix<T>;
    type StepRef = StepIx;
    type Expr = Compiled<Expr>;
    type Text = Compiled<TextTemplate>;
    type Value = Compiled<ValueTemplate>;
    type Asked = Asked;
}

/// A reference as written: a name, or the component itself.
pub(crate) enum RawRef<T> {
    Named(Spanned<Name>),
    Inline(Box<T>),
}

/// An expression as written: text, or a YAML boolean.
pub(crate) enum RawExpr {
    Text(Text),
    Bool(bool),
}

/// Text as written.
pub(crate) struct RawText {
    pub(crate) text: Text,
    /// Whether `{{ }}` is a hole here, or text.
    pub(crate) holes: bool,
}

/// The place of a component in its list of the document.
pub(crate) struct Ix<T> {
    index: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Ix<T> {
    pub(crate) fn new(index: usize) -> Self {
        Self { index, of: PhantomData }
    }

    pub(crate) fn get(self) -> usize {
        self.index
    }
}

impl<T> Clone for Ix<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ix<T> {}

/// The place of a step in its workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StepIx(pub(crate) usize);

/// A whole spec.
///
/// Every component is in one list per kind, wherever it was written; what may be referred to by
/// name says so itself.
pub(crate) struct Document<S: Stage> {
    pub(crate) root: Root,
    pub(crate) name: Option<Spanned<Name>>,
    pub(crate) inputs: Option<JsonSchema>,
    pub(crate) outputs: Option<Vec<Output<S>>>,
    pub(crate) agents: Vec<Component<Agent<S>>>,
    pub(crate) functions: Vec<Component<Function<S>>>,
    pub(crate) humans: Vec<Component<Human<S>>>,
    pub(crate) workflows: Vec<Component<Workflow<S>>>,
    pub(crate) tools: Vec<Component<Tool<S>>>,
    pub(crate) servers: Vec<Component<Server<S>>>,
    /// Names of components that could not be read, which was reported.
    pub(crate) broken: Broken,
    pub(crate) limits: Limits,
    pub(crate) tests: Vec<Test>,
    /// Where the spec as a whole is pointed at.
    pub(crate) span: Span,
}

/// Components of which nothing but the name is known.
#[derive(Default)]
pub(crate) struct Broken {
    pub(crate) agents: Vec<Name>,
    pub(crate) functions: Vec<Name>,
    pub(crate) humans: Vec<Name>,
    pub(crate) workflows: Vec<Name>,
    pub(crate) tools: Vec<Name>,
    pub(crate) servers: Vec<Name>,
}

/// What a run of the spec runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// The root workflow.
    Workflow,
    /// The root agent, as a workflow of one step.
    Agent,
    /// Neither is there.
    Missing,
    /// What is there was reported.
    Broken,
}

/// A component and how it may be referred to.
pub(crate) struct Component<T> {
    pub(crate) home: Home,
    /// The name it is referred to by, or that it goes by when nothing refers to it.
    pub(crate) name: Spanned<Name>,
    pub(crate) body: T,
}

/// Where a component was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// At the top level, as `agent` or `workflow`.
    Root,
    /// In a map of components.
    Map,
    /// In place of a `ref`.
    Inline,
}

/// One named output of the run.
pub(crate) struct Output<S: Stage> {
    pub(crate) name: Spanned<Name>,
    pub(crate) value: S::Value,
    pub(crate) schema: Option<JsonSchema>,
}

/// Bounds on the whole run.
#[derive(Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) max_steps: Option<u64>,
    /// Whether a `max_steps` was written and reported.
    pub(crate) max_steps_broken: bool,
    pub(crate) wall_ms: Option<u64>,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) max_depth: Option<Spanned<u64>>,
}
