//! What a place trusts.

use std::collections::BTreeMap;

use kneo_core::Name;
use kneo_core::seal::{Claim, SealKey};

use super::BundleError;

/// What counts at a place that verifies bundles: keys, and which bundles it takes.
///
/// Keys rotate by id: sign with a new id, let both count until no bundle of the old one is left, then drop the old.
#[derive(Debug, Default)]
pub struct Trust {
    keys: BTreeMap<Name, SealKey>,
    environment: Option<Name>,
    workflow: Option<Name>,
    least: u64,
}

impl Trust {
    /// Trust in nobody: no key counts yet.
    #[must_use]
    pub fn new() -> Trust {
        Trust::default()
    }

    /// Lets a key count, under its id.
    #[must_use]
    pub fn key(mut self, id: Name, key: SealKey) -> Trust {
        self.keys.insert(id, key);
        self
    }

    /// Where this is: bundles for another environment are refused. Without it, those for any are taken: for looking at
    /// bundles, not for running them.
    #[must_use]
    pub fn environment(mut self, here: Name) -> Trust {
        self.environment = Some(here);
        self
    }

    /// Which workflow is meant: a bundle of another one is refused, whatever its file is called.
    #[must_use]
    pub fn workflow(mut self, workflow: Name) -> Trust {
        self.workflow = Some(workflow);
        self
    }

    /// The least sequence that is taken.
    #[must_use]
    pub fn least(mut self, sequence: u64) -> Trust {
        self.least = sequence;
        self
    }

    pub(super) fn find(&self, id: &str) -> Result<&SealKey, BundleError> {
        self.keys.get(id).ok_or_else(|| BundleError::UnknownKey {
            key: id.to_owned(),
            known: match self.keys.is_empty() {
                true => "none".to_owned(),
                false => self.keys.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "),
            },
        })
    }

    /// Whether a claim that is genuine is one for this place.
    pub(super) fn admits(&self, claim: &Claim) -> Result<(), BundleError> {
        if let (Some(here), Some(bound)) = (&self.environment, &claim.environment)
            && here != bound
        {
            return Err(BundleError::OtherEnvironment { bound: bound.clone(), here: here.clone() });
        }
        if let Some(wanted) = self.workflow.as_ref().filter(|wanted| **wanted != claim.workflow) {
            return Err(BundleError::OtherWorkflow { workflow: claim.workflow.clone(), wanted: wanted.clone() });
        }
        if claim.sequence < self.least {
            return Err(BundleError::RolledBack { sequence: claim.sequence, least: self.least });
        }
        Ok(())
    }
}
