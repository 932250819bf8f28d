//! `kneo spec test`.

use std::fmt::Write as _;
use std::path::PathBuf;

use kneo::spec::tests::Test;
use kneo::spec::{CompileOptions, compile};
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::spec_file::SpecFile;
use crate::spec_test::{self, Verdict};
use crate::visible::lines;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The spec
    spec: PathBuf,

    /// Run only tests whose names contain this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let SpecFile { sources, file } = SpecFile::read(&self.spec)?;
        let compilation = compile(&sources, file, &CompileOptions::default());
        let Some(plan) = compilation.plan else {
            return Err(SpecFile { sources, file }.invalid(compilation.diagnostics).into());
        };
        output.diagnostics(&compilation.diagnostics, &sources);
        let wanted = |test: &&Test| self.filter.as_ref().is_none_or(|text| test.name.as_str().contains(text.as_str()));
        let tests: Vec<&Test> = compilation.tests.iter().filter(wanted).collect();
        if tests.is_empty() {
            return Err(self.nothing(compilation.tests.len()).into());
        }
        let mut reports = Vec::with_capacity(tests.len());
        let mut failed = 0usize;
        for test in &tests {
            let verdict = spec_test::run(&plan, test)?;
            failed += usize::from(!verdict.passes());
            if output.json {
                reports.push(described(test, &verdict));
            } else {
                output.text(&told(test, &verdict))?;
            }
        }
        if output.json {
            let name = self.spec.to_string_lossy();
            output.object(&json!({"ok": failed == 0, "file": name, "tests": reports}))?;
        } else {
            output.text(&summary(tests.len(), failed))?;
        }
        Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
    }

    /// A check that checks nothing does not succeed.
    fn nothing(&self, all: usize) -> Problem {
        let spec = self.spec.display();
        match &self.filter {
            Some(text) if all > 0 => Problem::new("tests_missing", format!("no test of `{spec}` is called `{text}`"))
                .with_help(format!("it has {all}; `kneo spec test {spec}` runs them all")),
            _ => Problem::new("tests_missing", format!("`{spec}` has no tests")),
        }
    }
}

fn described(test: &Test, verdict: &Verdict) -> Value {
    let difference = |found: &spec_test::Difference| json!({"about": found.about, "expected": found.expected, "actual": found.actual});
    let differences: Vec<Value> = verdict.differences.iter().map(difference).collect();
    json!({
        "name": test.name.as_str(),
        "file": &*test.origin.file,
        "line": test.origin.line,
        "ok": verdict.passes(),
        "status": verdict.status.map(|status| status.as_str()),
        "differences": differences,
    })
}

fn told(test: &Test, verdict: &Verdict) -> String {
    if verdict.passes() {
        return format!("{} {}\n", "ok".green().bold(), test.name);
    }
    let place = format!("{}:{}", test.origin.file, test.origin.line);
    let mut text = format!("{} {} ({place})\n", "FAILED".red().bold(), test.name);
    for found in &verdict.differences {
        // Writing to a `String` cannot fail.
        let _ = match found.about {
            "script" => writeln!(text, "  {}", lines(&found.actual)),
            about => {
                let (expected, actual) = (lines(&found.expected), lines(&found.actual));
                writeln!(text, "  {about}\n    expected  {expected}\n    but got   {actual}")
            }
        };
    }
    text
}

fn summary(all: usize, failed: usize) -> String {
    match (all, failed) {
        (1, 0) => "1 test passed".to_owned(),
        (all, 0) => format!("{all} tests passed"),
        (all, failed) => format!("{failed} of {all} {} failed", if all == 1 { "test" } else { "tests" }),
    }
}
