//! Workflows of every type.

use std::sync::Arc;

use kneo_core::name::Name;
use kneo_core::plan::StepStatus;

use super::{Joining, Stage, Step};
use crate::source::{Span, Spanned};

pub(crate) struct Workflow<S: Stage> {
    pub(crate) name: Option<Spanned<Name>>,
    /// All steps, nodes or participants, in author order.
    pub(crate) steps: Vec<Step<S>>,
    pub(crate) flow: Flow<S>,
    /// Whether no step was left out because it was reported.
    pub(crate) whole: bool,
    /// Where the workflow as a whole is pointed at.
    pub(crate) span: Span,
}

/// How the steps of a workflow follow each other.
pub(crate) enum Flow<S: Stage> {
    Sequential,
    Graph(Graph<S>),
    Concurrent(Joining),
    /// Not known: the type was reported, and nothing is said about what follows what.
    Open,
}

pub(crate) struct Graph<S: Stage> {
    /// `None` when it could not be resolved, which was reported.
    pub(crate) start: Option<S::StepRef>,
    pub(crate) edges: Vec<Edge<S>>,
    /// Whether no edge was left out because it was reported.
    pub(crate) whole: bool,
    pub(crate) max_steps: Option<Bound<S>>,
}

pub(crate) struct Edge<S: Stage> {
    pub(crate) from: S::StepRef,
    pub(crate) to: S::StepRef,
    pub(crate) when: Option<Condition<S>>,
    pub(crate) max_visits: Option<Bound<S>>,
    /// Where the edge as a whole is pointed at.
    pub(crate) span: Span,
}

pub(crate) enum Condition<S: Stage> {
    Expr(Spanned<S::Expr>),
    OutputContains(Arc<str>),
    StatusIs(StepStatus),
    /// Something that was reported; may hold or not.
    Broken,
}

/// A bound on repetition.
pub(crate) struct Bound<S: Stage> {
    pub(crate) max: Spanned<u32>,
    pub(crate) on_max: OnMax<S>,
}

/// What happens at a bound.
pub(crate) enum OnMax<S: Stage> {
    Fail,
    Continue,
    To {
        node: S::StepRef,
        mark: Option<Arc<str>>,
    },
    /// Something that was reported; what it bounds is bounded.
    Broken,
}
