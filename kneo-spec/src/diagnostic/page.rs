//! The page behind a code.

use std::fmt;

use super::{Code, Severity};

/// What there is to know about a code: the rule, a spec that breaks it, the same spec put right,
/// and why the rule exists. `kneo explain CODE` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The code.
    pub code: Code,
    /// How much a diagnostic of this code weighs.
    pub severity: Severity,
    /// The rule in one sentence.
    pub rule: &'static str,
    /// A whole spec that breaks the rule.
    pub wrong: &'static str,
    /// The spec put right.
    pub right: &'static str,
    /// Why the rule exists.
    pub why: &'static str,
}

impl Page {
    /// Reads a page's text; its parts are empty where the text lacks them, which a test refuses.
    pub(super) fn read(code: Code, text: &'static str) -> Self {
        let part = |name: &str| {
            text.split("\n## ")
                .find_map(|part| part.strip_prefix(name)?.strip_prefix('\n'))
                .unwrap_or_default()
                .trim_matches('\n')
        };
        let spec = |name: &str| {
            let body = part(name);
            body.strip_prefix("```yaml\n").and_then(|body| body.strip_suffix("```")).unwrap_or_default()
        };
        Self {
            code,
            severity: code.severity(),
            rule: code.rule(),
            wrong: spec("Wrong"),
            right: spec("Right"),
            why: part("Why"),
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indented = |spec: &str| {
            spec.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect::<String>()
        };
        writeln!(f, "{} ({})\n\n{}\n", self.code, self.severity, self.rule)?;
        writeln!(f, "Wrong:\n\n{}", indented(self.wrong))?;
        writeln!(f, "Right:\n\n{}", indented(self.right))?;
        write!(f, "{}", self.why)
    }
}
