//! Which failures were told, so that none is told again one level up.

use kneo::{Failure, FailureKind, Path};

/// The failures that were told, with their places.
#[derive(Debug, Default)]
pub(super) struct Told {
    failures: Vec<(Path, Failure)>,
    /// Questions to which the answer was no, or none: what waited for them fails with that.
    refused: Vec<Path>,
}

impl Told {
    /// A failure is told.
    pub(super) fn tell(&mut self, path: &Path, failure: &Failure) {
        self.failures.push((path.clone(), failure.clone()));
    }

    /// It is told that a question was answered with no, or not at all.
    pub(super) fn refuse(&mut self, path: &Path) {
        self.refused.push(path.clone());
    }

    /// Whether a step's failure was told, in it or below.
    pub(super) fn knows(&self, step: &Path, failure: &Failure) -> bool {
        let below = self.failures.iter().any(|(path, told)| path.is_within(step) && is_of(told, failure));
        let said = matches!(failure.kind, FailureKind::Rejected | FailureKind::Expired | FailureKind::Uncertain);
        below || said && self.refused.contains(step)
    }

    /// Whether a run's failure was told.
    pub(super) fn knows_of_run(&self, failure: &Failure) -> bool {
        self.failures.iter().any(|(_, told)| is_of(told, failure))
    }
}

/// Whether a failure is the other one, perhaps with the name of its branch before it.
fn is_of(told: &Failure, failure: &Failure) -> bool {
    !told.message.is_empty() && failure.message.ends_with(&*told.message)
}
