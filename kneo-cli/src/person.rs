//! In whose name something is done.

use kneo::{Actor, Name};

use crate::problem::Problem;

/// A name, or the user's own.
#[derive(Debug, clap::Args)]
pub(crate) struct ByArgs {
    /// In whose name [default: the user's]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl ByArgs {
    /// Who acts; the program itself if the user has no name.
    pub(crate) fn actor(&self) -> Result<Actor, Problem> {
        match &self.by {
            Some(name) => named(name),
            None => Ok(user().map_or(Actor::Host, Actor::trusted)),
        }
    }
}

/// Somebody of this name.
pub(crate) fn named(name: &str) -> Result<Actor, Problem> {
    let name =
        Name::new(name).map_err(|error| Problem::new("name_invalid", format!("`{name}` names nobody: {error}")))?;
    Ok(Actor::trusted(name))
}

/// The name under which the user is logged in.
fn user() -> Option<Name> {
    ["USER", "LOGNAME", "USERNAME"].iter().find_map(|variable| Name::new(std::env::var(variable).ok()?).ok())
}
