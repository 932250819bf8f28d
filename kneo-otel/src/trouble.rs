//! What went wrong last, so that whoever waits can be told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What went wrong last at each place that is sent to, until something goes well there. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    places: BTreeMap<String, String>,
    /// Why something was dropped last.
    lost: Option<Arc<str>>,
}

impl Trouble {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that holds the lock leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what went wrong at a place.
    pub(crate) fn note(&self, place: &str, what: String) {
        self.lock().places.insert(place.to_owned(), what);
    }

    /// Notes what went wrong at a place, if nobody who knows more has said anything.
    pub(crate) fn note_at_least(&self, place: &str, what: impl FnOnce() -> String) {
        let all = &mut self.lock().places;
        if all.is_empty() {
            all.insert(place.to_owned(), what());
        }
    }

    /// Notes that something went well at a place.
    pub(crate) fn is_over(&self, place: &str) {
        self.lock().places.remove(place);
    }

    /// All of it, in one line; `None` if all is well.
    pub(crate) fn told(&self) -> Option<Arc<str>> {
        self.lock().told()
    }

    /// Notes that something was dropped because of what went wrong.
    pub(crate) fn lose(&self) {
        let mut inner = self.lock();
        inner.lost = inner.told();
    }

    /// Notes that something was dropped, and why.
    pub(crate) fn lose_by(&self, why: &str) {
        self.lock().lost = Some(why.into());
    }

    /// Why something was dropped last, even if all is well since.
    pub(crate) fn lost(&self) -> Option<Arc<str>> {
        self.lock().lost.clone()
    }
}

impl Inner {
    fn told(&self) -> Option<Arc<str>> {
        let all: Vec<&str> = self.places.values().map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; ").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_each_place_is_told_until_all_is_well_there() {
        let trouble = Trouble::default();
        assert_eq!(trouble.told(), None);
        trouble.note("a", "a: 503".to_owned());
        trouble.note("a", "a: 404".to_owned());
        trouble.note("b", "b: closed".to_owned());
        trouble.note_at_least("spans", || "some error".to_owned());
        assert_eq!(trouble.told().as_deref(), Some("a: 404; b: closed"));
        trouble.is_over("a");
        assert_eq!(trouble.told().as_deref(), Some("b: closed"));
        trouble.is_over("b");
        trouble.note_at_least("spans", || "some error".to_owned());
        assert_eq!((trouble.told().as_deref(), trouble.lost()), (Some("some error"), None));
        trouble.lose();
        trouble.is_over("spans");
        assert_eq!((trouble.told(), trouble.lost().as_deref()), (None, Some("some error")));
    }
}
