//! Where diagnostics gather.

use std::collections::HashSet;

use super::{Code, Diagnostic, Severity};
use crate::source::Span;
use crate::suggest::Suggestions;

/// The diagnostics of one compilation, sorted by file, offset and code.
///
/// Keeps the first thousand and counts the rest: a hostile spec can have hundreds of thousands,
/// and nobody reads them.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    omitted: usize,
    errors: bool,
    gathering: Box<Gathering>,
}

/// What is needed while diagnostics gather.
#[derive(Clone, Debug, Default)]
struct Gathering {
    seen: HashSet<(Code, Span, String)>,
    places: HashSet<(Code, Span)>,
    suggestions: Suggestions,
}

impl Diagnostics {
    /// The most diagnostics that are kept.
    pub const KEPT: usize = 1_000;

    /// Adds a diagnostic; one that says the same of the same place is not added twice.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.errors |= diagnostic.severity == Severity::Error;
        if self.items.len() >= Self::KEPT {
            self.omitted += 1;
            return;
        }
        let same = (diagnostic.code, diagnostic.primary.span, diagnostic.message.clone());
        if self.gathering.seen.insert(same) {
            self.gathering.places.insert((diagnostic.code, diagnostic.primary.span));
            self.items.push(diagnostic);
        }
    }

    /// Says whether no more are kept.
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= Self::KEPT
    }

    /// Counts an error without a word about it, if no more are kept; so that wording them costs nothing.
    pub(crate) fn is_full_then_count(&mut self) -> bool {
        let full = self.items.len() >= Self::KEPT;
        if full {
            self.errors = true;
            self.omitted += 1;
        }
        full
    }

    /// Takes back what was said of the text from an offset on.
    pub(crate) fn take_back(&mut self, from: usize) {
        self.items.retain(|known| known.primary.span.start() < from);
        self.errors = self.items.iter().any(|known| known.severity == Severity::Error);
    }

    /// Says whether a place was reported under a code.
    pub(crate) fn has(&self, code: Code, span: Span) -> bool {
        self.gathering.places.contains(&(code, span))
    }

    /// Finds the name that an unknown one most likely meant. When no more diagnostics are kept nobody would read it.
    pub(crate) fn nearest<'a>(&mut self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        if self.items.len() >= Self::KEPT {
            return None;
        }
        self.gathering.suggestions.nearest(word, known)
    }

    /// Says whether an error is among them, so that there is no plan.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors
    }

    /// Says whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The number of diagnostics kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// How many more there were than are kept.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// The diagnostics, in order of place.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }

    /// Sorts by place and gives each diagnostic its spec path.
    pub(crate) fn settle(&mut self, path_of: impl Fn(Span) -> String) {
        self.items.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.primary.span.file(), d.primary.span.start(), d.code.as_str());
            key(a)
                .cmp(&key(b))
                .then_with(|| a.primary.span.cmp(&b.primary.span))
                .then_with(|| a.message.cmp(&b.message))
        });
        for diagnostic in &mut self.items {
            diagnostic.path = path_of(diagnostic.primary.span);
        }
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
