//! What an expression may name, and what it turns out to read.
//!
//! The seam between the compiler of expressions, which knows no workflow, and the compiler of
//! workflows, which knows no expression.

use kneo_core::expr::{Root, StepField};

use crate::known::{self, Known};
use crate::source::Span;

/// The names in force where an expression stands.
pub(crate) trait Vocabulary {
    /// Whether a root may be read here.
    fn sees(&self, root: Root) -> bool;

    /// The plan index of the step with this id; `None` where no such step may be named.
    fn step(&self, id: &str) -> Option<u32>;

    /// The ids of all steps that may be named, in author order.
    fn steps(&self) -> &[&str];

    /// Those of them that may have settled before the expression is read.
    fn settled(&self) -> &[&str] {
        self.steps()
    }

    /// Whether these are all steps, and none was left out because it was reported.
    fn is_whole(&self) -> bool {
        true
    }

    /// What is certain of a root.
    fn known_root(&self, root: Root) -> Known<'_> {
        known::root(root, Known::Nothing)
    }

    /// What is certain of what a step left behind.
    fn known_step(&self, _step: u32, field: StepField) -> Known<'_> {
        known::step_field(field)
    }
}

/// One read that an expression makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A root, or something below it.
    Root {
        /// The root.
        root: Root,
        /// Where it is written.
        span: Span,
    },
    /// What a step left behind.
    Step {
        /// The step's plan index.
        step: u32,
        /// What is read of it.
        field: StepField,
        /// Whether absence is taken care of by `has()` or `default()`.
        guarded: bool,
        /// Where it is written.
        span: Span,
    },
}

/// Something compiled, with what it reads.
#[derive(Clone, Debug)]
pub(crate) struct Compiled<T> {
    /// The executable form.
    pub(crate) code: T,
    /// What it reads, in the order written.
    pub(crate) reads: Vec<Read>,
}

/// The names that a component's own texts see: its input and the run, never steps.
#[derive(Clone, Copy, Default)]
pub(crate) struct ComponentVocabulary<'a> {
    /// What is certain of the input.
    pub(crate) input: Known<'a>,
}

impl Vocabulary for ComponentVocabulary<'_> {
    fn sees(&self, root: Root) -> bool {
        match root {
            Root::Input | Root::RunId | Root::RunStartedAt => true,
            Root::Prev
            | Root::Item
            | Root::Index
            | Root::RoundIndex
            | Root::RoundFeedback
            | Root::Branches
            | Root::RunEnvironment => false,
            _ => false,
        }
    }

    fn step(&self, _id: &str) -> Option<u32> {
        None
    }

    fn steps(&self) -> &[&str] {
        &[]
    }

    fn known_root(&self, root: Root) -> Known<'_> {
        known::root(root, self.input)
    }
}
