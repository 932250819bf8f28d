//! Secrets: this program takes them from its environment.

use std::collections::BTreeSet;
use std::sync::Arc;

use kneo::Value;
use kneo::plan::Plan;
use kneo::secret::SecretSource;

use crate::problem::Problem;

/// The secrets of this program's environment, by the names of its variables.
pub(crate) fn from_environment() -> Arc<dyn SecretSource> {
    kneo::secret::from_fn(|name| std::env::var(name.as_str()).ok())
}

/// The secrets that a plan refers to and that are not there. None is read any further.
pub(crate) fn missing(plan: &Plan) -> Vec<&str> {
    references(plan).into_iter().filter(|name| std::env::var_os(name).is_none()).collect()
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

/// The names under the keys of a model that end in `_ref`.
fn references(plan: &Plan) -> BTreeSet<&str> {
    let extras = plan.agents.iter().filter_map(|agent| match &agent.model.extra {
        Some(Value::Map(extra)) => Some(extra),
        _ => None,
    });
    extras.flatten().filter(|(key, _)| key.ends_with("_ref")).filter_map(|(_, name)| name.as_str()).collect()
}
