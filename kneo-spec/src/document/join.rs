//! Branches that run side by side, and how they become one.

use std::num::NonZeroU32;

use kneo_core::plan::{Combine, JoinRule, OnBranchError, Rest};

use super::Stage;
use crate::source::{Span, Spanned};

/// How branches that run side by side become one.
#[derive(Clone, Copy)]
pub(crate) struct Joining {
    pub(crate) join: Join,
    pub(crate) rest: Rest,
    pub(crate) on_branch_error: OnBranchError,
    pub(crate) combine: Combine,
}

/// How many branches must complete.
#[derive(Clone, Copy)]
pub(crate) enum Join {
    All,
    Any,
    AtLeast(Spanned<NonZeroU32>),
    /// Something that was reported.
    Broken,
}

/// A node all of whose edges are followed, as far as their conditions hold.
pub(crate) struct FanOut<S: Stage> {
    /// Where the branches meet; `None` when it could not be resolved, which was reported.
    pub(crate) join_at: Option<S::StepRef>,
    pub(crate) joining: Joining,
    /// Where it says so.
    pub(crate) span: Span,
}

impl Join {
    pub(crate) fn rule(self) -> JoinRule {
        match self {
            // INVARIANT: in a valid document no join is broken.
            Self::All | Self::Broken => JoinRule::All,
            Self::Any => JoinRule::Any,
            Self::AtLeast(count) => JoinRule::AtLeast(count.value),
        }
    }

    /// Whether each of so many branches must have completed, if it was started at all.
    pub(crate) fn is_of_all(self, branches: usize) -> bool {
        match self {
            Self::All | Self::Broken => true,
            Self::Any => branches <= 1,
            Self::AtLeast(count) => count.value.get() as usize >= branches,
        }
    }

    /// Whether a branch whose condition does not hold keeps the join from being reached.
    pub(crate) fn is_of_every(self, branches: usize) -> bool {
        !matches!(self, Self::All | Self::Broken) && self.is_of_all(branches)
    }
}
