//! Who does something.

use std::fmt;

use crate::id::WorkerId;
use crate::name::Name;

/// A text that is not the stored form of an [`Actor`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an actor: it is `h`, `w:<worker id>` or `n:<name>`")]
pub struct ParseActorError(String);

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

    /// The stored form: `h` for the host, `w:<the digits of the worker's id>`, `n:<name>`.
    #[must_use]
    pub fn to_stored(&self) -> String {
        match self {
            Actor::Host => "h".to_owned(),
            Actor::Worker(id) => format!("w:{}", id.digits()),
            Actor::Named(name) => format!("n:{name}"),
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// A text of another shape.
    pub fn from_stored(text: &str) -> Result<Actor, ParseActorError> {
        let actor = match text.split_once(':') {
            None if text == "h" => Some(Actor::Host),
            Some(("w", digits)) => WorkerId::from_digits(digits).map(Actor::Worker),
            Some(("n", name)) => Name::new(name).ok().map(Actor::Named),
            _ => None,
        };
        actor.ok_or_else(|| ParseActorError(text.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_round_trips_and_strangers_are_refused() {
        let worker = WorkerId::from_bytes([7; 16]);
        for actor in [Actor::Host, Actor::Worker(worker), Actor::trusted(Name::new("n:a:b").unwrap())] {
            assert_eq!(Actor::from_stored(&actor.to_stored()), Ok(actor));
        }
        for text in ["", "x", "w:", "w:7", "n:", "n: a", "h:"] {
            assert!(Actor::from_stored(text).is_err(), "{text}");
        }
    }
}
