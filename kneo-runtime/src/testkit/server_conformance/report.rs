//! What the suite found.

use std::fmt;
use std::future::Future;

/// What the suite found.
#[derive(Debug)]
#[must_use]
pub struct ServerReport {
    cases: Vec<(&'static str, Verdict)>,
}

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a case has no other end")]
pub enum Verdict {
    /// The server keeps this part of the contract.
    Passed,
    /// The fixture cannot set the case up, or does not say what the server has seen.
    Skipped,
    /// The server breaks the contract, in this way.
    Violated(String),
}

impl ServerReport {
    pub(super) fn of(cases: Vec<(&'static str, Verdict)>) -> ServerReport {
        ServerReport { cases }
    }

    /// Every case by its name, with how it ended.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.cases.iter().map(|(name, verdict)| (*name, verdict))
    }

    /// The cases that the server does not pass, with the reason.
    pub fn violations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cases().filter_map(|(name, verdict)| match verdict {
            Verdict::Violated(reason) => Some((name, reason.as_str())),
            Verdict::Passed | Verdict::Skipped => None,
        })
    }
}

/// One case a line.
impl fmt::Display for ServerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in self.cases() {
            match verdict {
                Verdict::Passed => writeln!(f, "passed   {name}")?,
                Verdict::Skipped => writeln!(f, "skipped  {name}")?,
                Verdict::Violated(reason) => writeln!(f, "VIOLATED {name}: {reason}")?,
            }
        }
        Ok(())
    }
}

/// How a case ends; `Ok(false)` is one that cannot be set up.
pub(super) type Checked = Result<bool, String>;

pub(super) async fn verdict(case: impl Future<Output = Checked>) -> Verdict {
    match case.await {
        Ok(true) => Verdict::Passed,
        Ok(false) => Verdict::Skipped,
        Err(reason) => Verdict::Violated(reason),
    }
}
