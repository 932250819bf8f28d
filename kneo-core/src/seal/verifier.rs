//! Who decides whether a plan may run.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use super::{Claim, Seal, SealError, SealKey};
use crate::name::Name;
use crate::plan::CompiledPlan;
use crate::secret::Secrets;

/// What lets a plan run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a seal was verified, or was not")]
pub enum Vouched {
    /// Its seal, which was verified: its sequence counts.
    BySeal,
    /// Something else, such as a list of digests: its seal, if it has one, says nothing.
    Otherwise,
}

/// Decides whether a plan may run.
///
/// # Contract
/// - **Before anything runs.** The runtime asks before it starts a run, and before it goes on with one that it takes up:
///   a refused plan has no effect here.
/// - **Only what was verified counts.** [`Vouched::BySeal`] says that this seal was verified: with a key that counts, for
///   this place. Once its plan has started, no older one of its workflow and environment does so under a seal that was
///   verified, in any process; of a seal that was not looked at that must not be said.
/// - **The plan as it is.** The digest of what is asked about was computed from the bytes at hand.
/// - **No side effect.** It may be asked many times.
///
/// # Implementing
/// [`SealVerifier`] is what most hosts need.
///
/// # Cancel safety
/// Dropping the future forgets the question.
#[async_trait]
pub trait PlanVerifier: fmt::Debug + Send + Sync + 'static {
    /// Whether a plan may run under this seal, and on what grounds.
    ///
    /// # Errors
    /// Why it may not; or that this cannot be told at the moment, which refuses it as well.
    async fn verify(&self, plan: &CompiledPlan, seal: Option<&Seal>) -> Result<Vouched, SealError>;
}

/// Lets plans run that one of some keys has sealed.
///
/// Keys rotate by id: seal with a new id, let both count until no run of the old one is left, then drop the old.
#[derive(Debug)]
pub struct SealVerifier {
    secrets: Secrets,
    /// Key ids, and the secrets that they stand for.
    keys: BTreeMap<Name, Name>,
    environment: Option<Name>,
    least: BTreeMap<Name, u64>,
}

impl SealVerifier {
    /// A verifier for which no key counts yet.
    #[must_use]
    pub fn new(secrets: Secrets) -> SealVerifier {
        SealVerifier { secrets, keys: BTreeMap::new(), environment: None, least: BTreeMap::new() }
    }

    /// Lets a key count: its id in seals, and the secret that it is.
    #[must_use]
    pub fn key(mut self, id: Name, secret: Name) -> SealVerifier {
        self.keys.insert(id, secret);
        self
    }

    /// Where this is: seals for another environment, or for none, are refused.
    #[must_use]
    pub fn environment(mut self, here: Name) -> SealVerifier {
        self.environment = Some(here);
        self
    }

    /// The least sequence of a workflow that counts, for runs that start and for those that go on.
    #[must_use]
    pub fn least(mut self, workflow: Name, sequence: u64) -> SealVerifier {
        self.least.insert(workflow, sequence);
        self
    }
}

#[async_trait]
impl PlanVerifier for SealVerifier {
    async fn verify(&self, plan: &CompiledPlan, seal: Option<&Seal>) -> Result<Vouched, SealError> {
        let seal = seal.ok_or(SealError::Missing)?;
        let Claim { key, sequence, environment, .. } = seal.claim();
        let secret = self
            .keys
            .get(key)
            .ok_or_else(|| SealError::UnknownKey { key: key.clone(), known: words(self.keys.keys()) })?;
        let secret = self.secrets.secret(secret).await?;
        seal.verify(plan, &SealKey::new(&secret)?)?;
        if let Some(here) = &self.environment
            && environment.as_ref() != Some(here)
        {
            let sealed = environment.as_ref().map_or("any environment".to_owned(), |name| format!("`{name}`"));
            return Err(SealError::OtherEnvironment { sealed, here: here.clone() });
        }
        match self.least.get(&plan.plan().name) {
            Some(least) if sequence < least => Err(SealError::RolledBack { sequence: *sequence, least: *least }),
            _ => Ok(Vouched::BySeal),
        }
    }
}

fn words<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
