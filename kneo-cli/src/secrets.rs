//! Secrets: this program takes them from its environment.

use std::sync::Arc;

use kneo::Name;
use kneo::plan::{Plan, Requirement};
use kneo::secret::SecretSource;

use crate::problem::Problem;

/// The secrets of this program's environment, by the names of its variables.
pub(crate) fn from_environment() -> Arc<dyn SecretSource> {
    kneo::secret::from_fn(|name| std::env::var(name.as_str()).ok())
}

/// The secrets that a plan refers to and that are not there. None is read any further.
pub(crate) fn missing(plan: &Plan) -> Vec<Name> {
    let named = plan.requirements().into_iter().filter_map(|requirement| match requirement {
        Requirement::Secret(name) => Some(name),
        _ => None,
    });
    named.filter(|name| std::env::var_os(name.as_str()).is_none()).collect()
}

/// Checks that every secret a plan refers to is there.
pub(crate) fn check(plan: &Plan) -> Result<(), Problem> {
    let missing = missing(plan);
    match missing.as_slice() {
        [] => Ok(()),
        [first, ..] => {
            let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
            let message =
                format!("the spec refers to secrets that the environment does not have: {}", names.join(", "));
            Err(Problem::new("secret_missing", message).with_help(format!("set them, as in `export {first}=…`")))
        }
    }
}
