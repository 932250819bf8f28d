//! Everything that a host or an operator can read, by where it stands.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use kneo_tests::canary::{Canary, Kind, sightings};

use super::table;

/// Who looks at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Whoever operates the host: logs, spans and metrics, columns of indexes, `Debug` of what a host holds.
    Operators,
    /// Whoever may read what was said: records, events, outcomes, spans whose contents the host lets leave.
    Readers,
}

/// Texts, each from somewhere.
#[derive(Default)]
pub(crate) struct Sights(Vec<(Place, String, String)>);

impl Sights {
    pub(crate) fn add(&mut self, place: Place, name: impl Into<String>, text: impl Into<String>) {
        self.0.push((place, name.into(), text.into()));
    }

    /// What `Debug` shows of a thing, on one line and on several.
    pub(crate) fn debug(&mut self, place: Place, name: &str, thing: &dyn Debug) {
        self.add(place, name, format!("{thing:?}\n{thing:#?}"));
    }

    /// An error with its causes, in every form.
    pub(crate) fn error(&mut self, place: Place, name: &str, error: &(dyn Error + 'static)) {
        let mut text = String::new();
        let mut next = Some(error);
        while let Some(error) = next {
            writeln!(text, "{error}\n{error:?}\n{error:#?}").unwrap();
            next = error.source();
        }
        self.add(place, name, text);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a place of some name shows something.
    pub(crate) fn shows(&self, name: &str, text: &str) -> bool {
        self.0.iter().any(|(_, known, shown)| known.starts_with(name) && shown.contains(text))
    }

    /// Where a canary is seen that must not be there.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let of = |kinds: &[Kind]| -> Vec<&Canary> {
            table::all().iter().filter(|canary| kinds.contains(&canary.kind)).collect()
        };
        let (secret, private) = (of(&[Kind::Held, Kind::Undeclared]), of(&[Kind::Said]));
        let texts = |wanted: Option<Place>| {
            let texts = self.0.iter().filter(move |(place, ..)| wanted.is_none_or(|wanted| *place == wanted));
            texts.map(|(_, name, text)| (name.as_str(), text.as_str()))
        };
        let mut leaks = sightings(&secret, texts(None));
        leaks.extend(sightings(&private, texts(Some(Place::Operators))));
        leaks
    }
}
