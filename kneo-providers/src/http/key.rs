//! The key that a request carries.

use std::fmt;
use std::sync::Arc;

use kneo_core::Name;
use kneo_core::call::CallError;
use kneo_core::secret::{Secret, SecretError, Secrets};
use reqwest::header::HeaderValue;

use super::code::Code;

/// Where a key comes from.
#[derive(Clone)]
pub(crate) enum KeySource {
    /// The host has given it.
    Given(Arc<Secret>),
    /// The secret of a name.
    Named(Name),
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::Given(_) => f.write_str("given"),
            KeySource::Named(name) => write!(f, "secret {name:?}"),
        }
    }
}

impl KeySource {
    /// The key.
    ///
    /// # Errors
    /// A secret that is not there, or cannot be had now.
    pub(crate) async fn resolve(&self, secrets: &Secrets) -> Result<Arc<Secret>, CallError> {
        match self {
            KeySource::Given(key) => Ok(Arc::clone(key)),
            KeySource::Named(name) => {
                match secrets.secret(name).await {
                    Ok(key) => Ok(Arc::new(key)),
                    Err(error @ SecretError::Missing { .. }) => Err(Code::KeyMissing
                        .error(format!("{error}, which is to be the key; give it to the secret source"))),
                    Err(error) => Err(Code::KeyUnavailable.error(error.to_string())),
                }
            }
        }
    }
}

/// The header that carries a key.
///
/// # Errors
/// A key that no header can carry, such as one with the line feed of the file that it was read from.
pub(crate) fn bearer(key: &Secret) -> Result<HeaderValue, CallError> {
    let key = key.reveal();
    let unusable = |why: &str| Code::KeyUnusable.error(format!("the secret that is to be the key {why}"));
    if key.is_empty() {
        return Err(unusable("is empty"));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable("holds white space or other characters that no key has, perhaps a line feed at its end"));
    }
    let text = zeroize::Zeroizing::new(format!("Bearer {key}"));
    let mut value = HeaderValue::from_str(&text).map_err(|_| unusable("cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_cannot_be_sent_is_refused_without_being_shown() {
        for key in ["", "hunter2\n", " hunter2", "hunter 2", "hunter2ß", "hunter2\0"] {
            let error = bearer(&Secret::new(key.to_owned())).unwrap_err();
            assert_eq!(&*error.code, "provider_key_unusable");
            assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
        }
        let header = bearer(&Secret::new("hunter2".to_owned())).unwrap();
        assert_eq!(header, "Bearer hunter2");
        assert!(!format!("{header:?}").contains("hunter"), "{header:?}");
    }
}
