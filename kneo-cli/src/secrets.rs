//! Secrets: this program takes them from its environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use kneo::Name;
use kneo::secret::SecretSource;

use crate::problem::Problem;

/// In which variable each secret stands: the one that the project names, else the one of the secret's own name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(crate) fn new(named: BTreeMap<String, String>) -> Variables {
        Variables(named)
    }

    /// The variable of a secret.
    pub(crate) fn of<'a>(&'a self, secret: &'a str) -> &'a str {
        self.0.get(secret).map_or(secret, String::as_str)
    }

    /// The secrets of this program's environment.
    pub(crate) fn source(&self) -> Arc<dyn SecretSource> {
        let variables = self.clone();
        kneo::secret::from_fn(move |name| std::env::var(variables.of(name.as_str())).ok())
    }

    /// The secrets that are not there. None is read any further.
    pub(crate) fn missing(&self, secrets: impl IntoIterator<Item = Name>) -> Vec<Name> {
        secrets.into_iter().filter(|name| std::env::var_os(self.of(name.as_str())).is_none()).collect()
    }

    /// Checks that every one of some secrets is there.
    pub(crate) fn check(&self, secrets: impl IntoIterator<Item = Name>) -> Result<(), Problem> {
        let missing = self.missing(secrets);
        match missing.as_slice() {
            [] => Ok(()),
            [first, ..] => {
                let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
                let message =
                    format!("the spec needs secrets that the environment does not have: {}", names.join(", "));
                let help = format!("set them, as in `export {}=…`", self.of(first.as_str()));
                Err(Problem::new("secret_missing", message).with_help(help))
            }
        }
    }
}
