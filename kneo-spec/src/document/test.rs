//! Tests, with the places of what they name.

use std::sync::Arc;

use kneo_core::name::Name;
use kneo_core::task::DecisionKind;

use crate::source::{Span, Spanned};
use crate::tests;

pub(crate) struct Test {
    pub(crate) name: Spanned<Name>,
    /// Where the input was written; of one without, where the test was.
    pub(crate) input: Span,
    /// What it names, to be looked up.
    pub(crate) mentions: Vec<Mention>,
    /// The test, its names as written.
    pub(crate) body: tests::Test,
}

/// Something that a test names.
pub(crate) struct Mention {
    pub(crate) name: Spanned<Arc<str>>,
    pub(crate) kind: MentionKind,
}

pub(crate) enum MentionKind {
    Agent,
    Function,
    Tool,
    Server,
    /// A human step, with what is decided there.
    Human(Vec<Choice>),
    /// A tool or function that runs only if a person agrees, with what is decided.
    Approval(Vec<Choice>),
    /// A tool that the model of an agent asks for.
    ToolOf(Arc<str>),
    /// A tool as some model sees it.
    AnyTool,
    /// Steps, one inside the other.
    Path,
    /// Who is asked.
    Asked,
}

/// A decision, as far as it must fit the question.
pub(crate) struct Choice {
    pub(crate) kind: DecisionKind,
    pub(crate) option: Option<Arc<str>>,
    pub(crate) span: Span,
}
