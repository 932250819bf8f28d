//! Who does something.

use std::fmt;

use crate::id::WorkerId;
use crate::name::Name;

/// Who is behind a record.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Actor {
    /// The host application, on nobody's behalf.
    Host,
    /// A worker that advances the run.
    Worker(WorkerId),
    /// A person or service whom the host has authenticated.
    Named(Name),
}

impl Actor {
    /// Somebody whom the host has authenticated.
    #[must_use]
    pub fn trusted(name: Name) -> Actor {
        Actor::Named(name)
    }

    /// The name, if somebody named is behind it.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        match self {
            Actor::Named(name) => Some(name),
            Actor::Host | Actor::Worker(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Host => f.write_str("the host"),
            Actor::Worker(id) => write!(f, "{id}"),
            Actor::Named(name) => write!(f, "{name}"),
        }
    }
}
