//! What a plan needs, looked at before a run needs it.

use std::fmt;
use std::sync::Arc;

use kneo_core::Name;
use kneo_core::plan::{CompiledPlan, Requirement};
use kneo_core::secret::SecretError;
use kneo_core::store::{Page, RunQuery};

use crate::error::{BindError, RuntimeError};
use crate::shared::Shared;
use crate::verify;

/// Everything that would keep runs of a plan from getting on in this host.
#[derive(Clone)]
#[non_exhaustive]
pub struct PreflightError {
    /// The workflow.
    pub workflow: Name,
    /// What is wrong, in the order in which it was looked for; at least one.
    pub problems: Vec<PreflightProblem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PreflightProblem {
    /// Something is not registered, refused or unusable.
    Bind(Arc<BindError>),
    /// A secret cannot be had.
    Secret(SecretError),
    /// Nobody vouches for the plan, or a later one has started.
    Unverified(RuntimeError),
    /// The store does not answer.
    Store(kneo_core::store::StoreError),
}

impl PreflightProblem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            PreflightProblem::Bind(error) => error.code(),
            PreflightProblem::Secret(error) => error.code(),
            PreflightProblem::Unverified(error) => error.code(),
            PreflightProblem::Store(error) => error.code(),
        }
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            PreflightProblem::Bind(_) => "register what is missing before the runtime is built",
            PreflightProblem::Secret(SecretError::Missing { .. }) => "give the secret source a secret of this name",
            PreflightProblem::Secret(_) => "see that the secret source can be reached",
            PreflightProblem::Unverified(_) => "start what a signed bundle holds, with a key that counts here",
            PreflightProblem::Store(_) => "see that the store can be reached, read and written",
        }
    }
}

impl fmt::Display for PreflightProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PreflightProblem::Bind(error) => error.fmt(f),
            PreflightProblem::Secret(error) => error.fmt(f),
            PreflightProblem::Unverified(error) => error.fmt(f),
            PreflightProblem::Store(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for PreflightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "runs of `{}` would not get on here", self.workflow)?;
        self.problems.iter().try_for_each(|problem| write!(f, "; {problem}: {}", problem.remedy()))
    }
}

/// What a program prints whose `main` gives the error back.
impl fmt::Debug for PreflightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for PreflightError {}

pub(crate) async fn preflight(shared: &Shared, plan: &Arc<CompiledPlan>) -> Result<(), PreflightError> {
    let mut problems = Vec::new();
    let bound = shared.plans.bind(plan);
    // Without a source the binding has named every secret already.
    let secrets = shared.plans.secrets();
    if secrets.has_source() {
        for requirement in plan.plan().requirements() {
            let Requirement::Secret(name) = requirement else { continue };
            problems.extend(secrets.secret(&name).await.err().map(PreflightProblem::Secret));
        }
    }
    problems.extend(match verify::preflight(shared, plan).await {
        Err(RuntimeError::Store(error)) => Some(PreflightProblem::Store(error)),
        verified => verified.err().map(PreflightProblem::Unverified),
    });
    let look = shared.store.runs(&RunQuery::new(shared.namespace.clone()), Page { offset: 0, limit: 1 }).await;
    problems.extend(look.err().map(PreflightProblem::Store));
    if let Err(error) = bound {
        problems.insert(0, PreflightProblem::Bind(error));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(PreflightError { workflow: plan.plan().name.clone(), problems }),
    }
}
