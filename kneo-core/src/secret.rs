//! Secrets, by reference.

use std::fmt;

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
/// References are resolved at the last moment before use; a value is never put into a record, log, span or error. The
/// source may be asked for the same secret many times, at the same time, and decides itself what it caches.
///
/// # Cancel safety
/// Dropping the future forgets the question.
#[async_trait]
pub trait SecretSource: fmt::Debug + Send + Sync + 'static {
    /// The secret of a name.
    async fn secret(&self, name: &Name) -> Result<Secret, SecretError>;
}
