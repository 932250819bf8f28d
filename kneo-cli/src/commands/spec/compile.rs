//! `kneo spec compile`.

use std::fmt::Write as _;
use std::path::PathBuf;

use kneo::plan::CompiledPlan;
use kneo::spec::CompileOptions;
use kneo::spec::diagnostic::to_json;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::dash;
use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::spec_file::SpecFile;
use crate::visible::line;
use crate::written;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The spec
    spec: PathBuf,
    /// Write the plan's canonical bytes to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let SpecFile { sources, file } = SpecFile::read(&self.spec)?;
        let compilation = kneo::spec::compile(&sources, file, &CompileOptions::default());
        let Some(plan) = compilation.plan else {
            return Err(SpecFile { sources, file }.invalid(compilation.diagnostics).into());
        };
        if let Some(path) = written::to_file(self.output.as_deref()) {
            written::file(path, plan.bytes())?;
        }
        if self.output.as_deref().is_some_and(dash::is_meant) && !output.json {
            output.diagnostics(&compilation.diagnostics, &sources);
            output.bytes(plan.bytes())?;
        } else if output.json {
            output.object(&described(&plan, to_json(&compilation.diagnostics, &sources))?)?;
        } else {
            output.diagnostics(&compilation.diagnostics, &sources);
            output.text(&summary(&plan))?;
        }
        Ok(Exit::Done)
    }
}

/// The report of the compiler, with the plan beside it.
fn described(plan: &CompiledPlan, mut report: Value) -> Result<Value, Problem> {
    let unreadable = |error| Problem::new("plan_unreadable", format!("the plan is not JSON: {error}"));
    let body: Box<RawValue> = serde_json::from_slice(plan.bytes()).map_err(unreadable)?;
    let body: Value = serde_json::from_str(body.get()).map_err(unreadable)?;
    if let Some(report) = report.as_object_mut() {
        report.insert("name".to_owned(), json!(plan.plan().name.as_str()));
        report.insert("digest".to_owned(), json!(plan.digest().to_string()));
        report.insert("requirements".to_owned(), requirements(plan).into());
        report.insert("plan".to_owned(), body);
    }
    Ok(report)
}

fn requirements(plan: &CompiledPlan) -> Vec<String> {
    plan.plan().requirements().iter().map(ToString::to_string).collect()
}

fn summary(plan: &CompiledPlan) -> String {
    let body = plan.plan();
    let mut text = format!("{}\n", body.name);
    let mut row = |what: &str, value: &str| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {what:<10} {}", line(value));
    };
    row("digest", &plan.digest().to_string());
    row("size", &format!("{} bytes, {} steps, {} edges", plan.bytes().len(), body.nodes.len(), body.edges.len()));
    let mut requirements = requirements(plan).into_iter();
    row("needs", &requirements.next().unwrap_or_else(|| "nothing".to_owned()));
    for requirement in requirements {
        row("", &requirement);
    }
    text
}
