//! The values of settings, resolved when a connection is needed.

use kneo_core::Name;
use kneo_core::call::CallContext;
use kneo_core::plan::Setting;
use kneo_core::secret::Secret;

use crate::problem::Problem;

/// The secrets that a definition names, in its order: settings first, then what else it refers to.
#[derive(Debug)]
pub(crate) struct Credentials {
    named: Vec<Name>,
    values: Vec<Secret>,
}

impl Credentials {
    /// Asks the call's source for each secret.
    ///
    /// # Errors
    /// The first that is not to be had.
    pub(crate) async fn resolve(named: Vec<Name>, context: &CallContext) -> Result<Credentials, Problem> {
        let mut values = Vec::with_capacity(named.len());
        for name in &named {
            values.push(context.secrets.secret(name).await.map_err(Problem::Secret)?);
        }
        Ok(Credentials { named, values })
    }

    pub(crate) fn values(&self) -> &[Secret] {
        &self.values
    }

    /// The value of a secret.
    ///
    /// # Errors
    /// It is not one of these.
    pub(crate) fn secret(&self, name: &Name) -> Result<&str, Problem> {
        let mut pairs = self.named.iter().zip(&self.values);
        let found = pairs.find(|(named, _)| *named == name).map(|(_, value)| value.reveal());
        found.ok_or_else(|| Problem::Definition(format!("the secret `{name}` was not asked for")))
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// It is a secret that is not one of these.
    pub(crate) fn setting<'a>(&'a self, setting: &'a Setting) -> Result<&'a str, Problem> {
        match setting {
            Setting::Plain(text) => Ok(text),
            Setting::Secret(name) => self.secret(name),
        }
    }
}
