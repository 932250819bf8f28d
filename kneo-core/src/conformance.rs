//! What a suite found that holds an implementation against a contract.

use std::fmt;

/// What a suite found.
#[derive(Debug)]
#[must_use]
pub struct Report {
    cases: Vec<(&'static str, Verdict)>,
}

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a case has no other end")]
pub enum Verdict {
    /// What was looked at keeps this part of the contract.
    Passed,
    /// The case cannot be set up, as where the implementation need not do what it asks for.
    Skipped,
    /// What was looked at breaks the contract, in this way.
    Violated(String),
}

impl Report {
    /// A report of cases, each by its name; a name tells one case from all others of its suite.
    pub fn new(cases: Vec<(&'static str, Verdict)>) -> Report {
        Report { cases }
    }

    /// Every case by its name, with how it ended.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.cases.iter().map(|(name, verdict)| (*name, verdict))
    }

    /// The cases that are not passed, with the reason.
    pub fn violations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cases().filter_map(|(name, verdict)| match verdict {
            Verdict::Violated(reason) => Some((name, reason.as_str())),
            Verdict::Passed | Verdict::Skipped => None,
        })
    }
}

/// One case a line.
impl fmt::Display for Report {
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

/// How a case ends that says `Ok(false)` where it cannot be set up, and else what is wrong.
impl From<Result<bool, String>> for Verdict {
    fn from(ended: Result<bool, String>) -> Verdict {
        match ended {
            Ok(true) => Verdict::Passed,
            Ok(false) => Verdict::Skipped,
            Err(reason) => Verdict::Violated(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_how_each_case_ended() {
        let ends = [("keeps", Ok(true)), ("cannot", Ok(false)), ("breaks", Err("it does not".to_owned()))];
        let report = Report::new(ends.map(|(name, end)| (name, Verdict::from(end))).to_vec());
        assert_eq!(report.violations().collect::<Vec<_>>(), [("breaks", "it does not")]);
        assert_eq!(report.to_string(), "passed   keeps\nskipped  cannot\nVIOLATED breaks: it does not\n");
    }
}
