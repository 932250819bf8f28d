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
        kneo::secret::from_fn(move |name| variables.value(name))
    }

    /// The value of a secret. What should have filled in a variable that is empty failed: it has none.
    fn value(&self, name: &Name) -> Option<String> {
        std::env::var(self.of(name.as_str())).ok().filter(|value| !value.trim().is_empty())
    }

    /// The secrets that are not there.
    pub(crate) fn missing(&self, secrets: impl IntoIterator<Item = Name>) -> Vec<Name> {
        secrets.into_iter().filter(|name| self.value(name).is_none()).collect()
    }

    /// Checks that every one of some secrets is there.
    pub(crate) fn check(&self, secrets: impl IntoIterator<Item = Name>) -> Result<(), Problem> {
        let missing = self.missing(secrets);
        match missing.as_slice() {
            [] => Ok(()),
            [first, ..] => {
                let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
                let message = format!(
                    "the spec needs secrets that the environment does not have, or has empty: {}",
                    names.join(", ")
                );
                Err(Problem::new("secret_missing", message).with_help(self.advice(first.as_str())))
            }
        }
    }

    /// How a secret is set. A shell takes no variable of just any name.
    fn advice(&self, secret: &str) -> String {
        let variable = self.of(secret);
        if is_variable(variable) {
            return format!("set them, as in `export {variable}=…`");
        }
        let other = to_variable(secret);
        format!(
            "name the variables in which they stand, as in `secrets: {{{secret}: {other}}}` in `.kneo/config.yaml`, and \
             set those, as in `export {other}=…`"
        )
    }
}

fn is_variable(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty()
}

/// A name that a shell takes for a variable.
fn to_variable(secret: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = secret.chars().map(word).collect();
    if is_variable(&name) { name } else { format!("_{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_can_be_typed() {
        let named = BTreeMap::from([("own".to_owned(), "OWN".to_owned()), ("odd".to_owned(), "o-d".to_owned())]);
        let advice = |secret| Variables::new(named.clone()).advice(secret);
        assert_eq!(advice("API_KEY"), "set them, as in `export API_KEY=…`");
        assert_eq!(advice("own"), "set them, as in `export OWN=…`");
        for (secret, variable) in [("search-token", "SEARCH_TOKEN"), ("odd", "ODD"), ("2nd.key", "_2ND_KEY")] {
            let says = format!("`secrets: {{{secret}: {variable}}}` in `.kneo/config.yaml`");
            let said = advice(secret);
            assert!(said.contains(&says) && said.ends_with(&format!("as in `export {variable}=…`")), "{said}");
        }
    }
}
