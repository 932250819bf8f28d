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

/// The name under which the user is logged in, or that the system has for the user.
pub(crate) fn user() -> Option<Name> {
    let variable = |variable: &&str| Name::new(std::env::var(variable).ok()?).ok();
    ["USER", "LOGNAME", "USERNAME"].iter().find_map(variable).or_else(registered)
}

/// The name of the user whose process this is, as the system's list of users has it: a container sets no variable.
#[cfg(unix)]
fn registered() -> Option<Name> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    Name::new(name_of(rustix::process::getuid().as_raw(), &users)?).ok()
}

#[cfg(not(unix))]
fn registered() -> Option<Name> {
    None
}

/// The name of a user in a list of lines `name:password:number:…`.
#[cfg(unix)]
fn name_of(user: u32, users: &str) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then_some(name)
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nhalf:x\n# 7\nana:x:7:7::/:/bin/sh\nben:x:17:7::/:/bin/sh\n";
        assert_eq!(name_of(0, users), Some("root"));
        assert_eq!(name_of(7, users), Some("ana"));
        assert_eq!(name_of(1, users), None);
    }
}
