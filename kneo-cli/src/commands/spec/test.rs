//! `kneo spec test`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kneo::spec::tests::Test;
use kneo::spec::{CompileOptions, compile};
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use crate::dash;
use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::spec_file::SpecFile;
use crate::spec_test::{self, Verdict};
use crate::visible::lines;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The specs
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,

    /// Run only tests whose names contain this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// What came of the specs so far.
#[derive(Default)]
struct Sum {
    /// How many tests ran, and how many of them failed.
    run: usize,
    failed: usize,
    /// Tests that stand in the specs, chosen or not.
    known: usize,
    /// Every test that ran, for scripts.
    reports: Vec<Value>,
    /// What kept specs from being tested.
    problems: Vec<Problem>,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let several = self.specs.len() > 1;
        let mut sum = Sum::default();
        for path in &self.specs {
            if let Err(stop) = self.spec(path, several, &mut sum, output) {
                match stop {
                    Stop::Problem(problem) if several => {
                        output.complain(&problem);
                        sum.problems.push(problem);
                    }
                    stop => return Err(stop),
                }
            }
        }
        if sum.run == 0 && sum.problems.is_empty() {
            return Err(self.nothing(sum.known).into());
        }
        if output.json {
            output.object(&self.object(&sum))?;
        } else {
            output.text(&summary(&sum, self.specs.len()))?;
        }
        Ok(match sum.problems.iter().map(|problem| problem.exit).find(|exit| *exit == Exit::Unavailable) {
            Some(exit) => exit,
            None if sum.failed == 0 && sum.problems.is_empty() => Exit::Done,
            None => Exit::Failed,
        })
    }

    /// Runs the tests of one spec.
    fn spec(&self, path: &Path, several: bool, sum: &mut Sum, output: Output) -> Result<(), Stop> {
        let SpecFile { sources, file } = SpecFile::read(path)?;
        let compilation = compile(&sources, file, &CompileOptions::default());
        let Some(plan) = compilation.plan else {
            return Err(SpecFile { sources, file }.invalid(compilation.diagnostics).into());
        };
        output.diagnostics(&compilation.diagnostics, &sources);
        let wanted = |test: &&Test| self.filter.as_ref().is_none_or(|text| test.name.as_str().contains(text.as_str()));
        let tests: Vec<&Test> = compilation.tests.iter().filter(wanted).collect();
        sum.known += compilation.tests.len();
        if several && compilation.tests.is_empty() {
            output.note(&format!("`{}` has no tests", dash::name(path)));
        }
        if several && !tests.is_empty() && !output.json {
            output.text(&dash::name(path))?;
        }
        for test in tests {
            let verdict = spec_test::run(&plan, test)?;
            sum.run += 1;
            sum.failed += usize::from(!verdict.passes());
            if output.json {
                sum.reports.push(described(test, &verdict));
            } else {
                output.text(&told(test, &verdict))?;
            }
        }
        Ok(())
    }

    /// One object for all specs: the tests of all, and what kept some from being tested as one error.
    fn object(&self, sum: &Sum) -> Value {
        let files: Vec<String> = self.specs.iter().map(|path| dash::name(path)).collect();
        let mut object = json!({
            "ok": sum.failed == 0 && sum.problems.is_empty(),
            // Of several there is none.
            "file": if let [only] = files.as_slice() { Some(only) } else { None },
            "files": files,
            "tests": sum.reports,
        });
        if let (Some(entries), Some(first)) = (object.as_object_mut(), sum.problems.first()) {
            let messages: Vec<&str> = sum.problems.iter().map(|problem| problem.message.as_str()).collect();
            let error = json!({"code": first.code, "message": messages.join("; "), "help": first.help});
            entries.insert("error".to_owned(), error);
            let diagnostics =
                sum.problems.iter().filter_map(|problem| match problem.to_json().get_mut("diagnostics") {
                    Some(Value::Array(found)) => Some(std::mem::take(found)),
                    _ => None,
                });
            entries.insert("diagnostics".to_owned(), diagnostics.flatten().collect());
        }
        object
    }

    /// A check that checks nothing does not succeed.
    fn nothing(&self, all: usize) -> Problem {
        let names: Vec<String> = self.specs.iter().map(|path| format!("`{}`", dash::name(path))).collect();
        let (specs, has) = (names.join(", "), if names.len() == 1 { "has" } else { "have" });
        match &self.filter {
            Some(text) if all > 0 => Problem::new("tests_missing", format!("no test of {specs} is called `{text}`"))
                .with_help(format!("there are {all}; without `--filter` all of them run")),
            _ => Problem::new("tests_missing", format!("{specs} {has} no tests")),
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

fn summary(sum: &Sum, specs: usize) -> String {
    let tests = |count: usize| if count == 1 { "1 test".to_owned() } else { format!("{count} tests") };
    let of = if specs > 1 { format!(" of {specs} specs") } else { String::new() };
    let told = match (sum.run, sum.failed) {
        (all, 0) => format!("{}{of} passed", tests(all)),
        (all, failed) => format!("{failed} of {}{of} failed", tests(all)),
    };
    match sum.problems.len() {
        0 => told,
        1 => format!("{told}, and 1 spec could not be tested"),
        more => format!("{told}, and {more} specs could not be tested"),
    }
}
