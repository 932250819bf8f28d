//! The least sequence that may start.

use crate::name::Name;
use crate::seal::Claim;

/// The least sequence of a workflow's plans that may start in an environment, as far as a start says.
///
/// A store keeps the greatest that it was told, for each namespace, workflow and environment, and refuses starts below it.
/// `None` is an environment of its own: that of seals for any.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub struct Floor {
    /// The workflow's name.
    pub workflow: Name,
    /// The environment that the seal is for.
    pub environment: Option<Name>,
    /// The seal's sequence: at most [`MAX_SEQUENCE`](crate::seal::MAX_SEQUENCE).
    pub sequence: u64,
}

impl Floor {
    /// The floor that a claim raises, once it was verified.
    #[must_use]
    pub fn of(claim: &Claim) -> Floor {
        let Claim { workflow, environment, sequence, .. } = claim;
        Floor { workflow: workflow.clone(), environment: environment.clone(), sequence: *sequence }
    }
}
