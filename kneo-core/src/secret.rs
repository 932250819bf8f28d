//! Secrets, by reference.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::name::Name;

/// A secret value: never shown by `Debug`, and wiped from memory when dropped.
pub struct Secret(zeroize::Zeroizing<String>);

impl Secret {
    /// Takes a secret value.
    #[must_use]
    pub fn new(value: String) -> Secret {
        Secret(zeroize::Zeroizing::new(value))
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a secret is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// There is no secret of this name.
    #[error("there is no secret `{name}`")]
    Missing {
        /// The name.
        name: Name,
    },
    /// The source does not answer.
    #[error("the secret source does not answer: {message}")]
    Unavailable {
        /// What happened; holds no secret.
        message: String,
    },
}

impl SecretError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SecretError::Missing { .. } => "secret_missing",
            SecretError::Unavailable { .. } => "secret_unavailable",
        }
    }
}

/// Where secrets come from.
///
/// # Contract
/// - **Last moment.** A reference is resolved where its value is needed; a value is never put into a record, log, span,
///   error or export.
/// - **Freshness.** The source may be asked for the same secret many times and decides itself what it caches, so that a
///   rotated secret is used without a restart.
/// - **Concurrency.** It may be asked at any time from any task.
///
/// # Implementing
/// [`MemorySecrets`] is the reference; [`from_fn`] makes a source of a closure, such as one that reads the environment.
///
/// # Cancel safety
/// Dropping the future forgets the question.
#[async_trait]
pub trait SecretSource: fmt::Debug + Send + Sync + 'static {
    /// The secret of a name.
    ///
    /// # Errors
    /// [`SecretError::Missing`] if there is none: asking again does not help. [`SecretError::Unavailable`] if that cannot
    /// be told at the moment. Neither holds a secret.
    async fn secret(&self, name: &Name) -> Result<Secret, SecretError>;
}

/// Secrets that are given once and kept in memory.
#[derive(Debug, Default)]
pub struct MemorySecrets(BTreeMap<Name, Secret>);

impl MemorySecrets {
    /// A source without secrets.
    #[must_use]
    pub fn new() -> MemorySecrets {
        MemorySecrets::default()
    }

    /// The same source with one secret more; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: Name, secret: Secret) -> MemorySecrets {
        self.0.insert(name, secret);
        self
    }
}

#[async_trait]
impl SecretSource for MemorySecrets {
    async fn secret(&self, name: &Name) -> Result<Secret, SecretError> {
        let secret = self.0.get(name).ok_or_else(|| SecretError::Missing { name: name.clone() })?;
        Ok(Secret::new(secret.reveal().to_owned()))
    }
}

/// A source that asks a closure, which does not block; `None` is a secret that is not there.
pub fn from_fn(find: impl Fn(&Name) -> Option<String> + Send + Sync + 'static) -> Arc<dyn SecretSource> {
    Arc::new(Asked(Box::new(find)))
}

struct Asked(Box<Find>);

type Find = dyn Fn(&Name) -> Option<String> + Send + Sync;

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

#[async_trait]
impl SecretSource for Asked {
    async fn secret(&self, name: &Name) -> Result<Secret, SecretError> {
        (self.0)(name).map(Secret::new).ok_or_else(|| SecretError::Missing { name: name.clone() })
    }
}

/// The secrets that a call may ask for: those of the host's source, or none.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Option<Arc<dyn SecretSource>>);

impl Secrets {
    /// The secrets of a source.
    #[must_use]
    pub fn of(source: Arc<dyn SecretSource>) -> Secrets {
        Secrets(Some(source))
    }

    /// The secret of a name.
    ///
    /// # Errors
    /// As of [`SecretSource::secret`]; without a source every secret is missing.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the question.
    pub async fn secret(&self, name: &Name) -> Result<Secret, SecretError> {
        match &self.0 {
            Some(source) => source.secret(name).await,
            None => Err(SecretError::Missing { name: name.clone() }),
        }
    }

    /// Whether there is a source.
    #[must_use]
    pub fn has_source(&self) -> bool {
        self.0.is_some()
    }
}
