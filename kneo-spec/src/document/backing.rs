//! What runs behind a tool or a function.

use std::sync::Arc;

use kneo_core::name::Name;
use kneo_core::plan::{Effect, OnUncertain};

use super::Stage;
use crate::source::Spanned;

pub(crate) enum Backing<S: Stage> {
    Implementation(Spanned<Name>),
    Command(Command<S>),
    /// None, several, or one that this version does not run; reported.
    Broken,
}

pub(crate) struct Command<S: Stage> {
    pub(crate) argv: Vec<S::Text>,
    pub(crate) env: Vec<(Spanned<Name>, S::Text)>,
    pub(crate) cwd: Option<Arc<str>>,
}

/// What is written of running it again, and of who must agree; what holds where nothing is, [`Terms`] says.
///
/// [`Terms`]: super::Terms
pub(crate) struct Running<S: Stage> {
    pub(crate) effect: Option<Effect>,
    /// With the place of the field.
    pub(crate) on_uncertain: Option<Spanned<OnUncertain>>,
    pub(crate) approval: Option<Approval<S>>,
}

pub(crate) enum Approval<S: Stage> {
    Never,
    Always,
    When(Spanned<S::Expr>),
}
