//! One thing that is looked at, and what was found.

use std::time::Duration;

use kneo::{Failure, FailureKind, OfferedTools, Probe, ProbeSubject};
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::remedy;
use crate::visible::{line, lines};

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Check {
    what: String,
    found: Result<String, Wrong>,
    took: Option<Duration>,
    /// What scripts may want to know beyond the words.
    details: Value,
}

/// What is wrong with it.
#[derive(Debug)]
struct Wrong {
    code: String,
    message: String,
    help: Option<String>,
    exit: Exit,
    /// A report that stands on its own, on standard error.
    problem: Option<Problem>,
}

impl Check {
    pub(super) fn of(what: &str, found: Result<String, Problem>) -> Check {
        let found = found.map_err(|problem| Wrong {
            code: problem.code.to_owned(),
            message: problem.message.clone(),
            help: problem.help.clone(),
            exit: problem.exit,
            problem: problem.report.is_some().then_some(problem),
        });
        Check { what: what.to_owned(), found, took: None, details: Value::Null }
    }

    /// What a model or a server answered.
    pub(super) fn of_probe(spec: &str, probe: Probe) -> Check {
        let what = match &probe.subject {
            ProbeSubject::Model { provider, model: Some(model), .. } => {
                format!("{spec}: model `{model}` of `{provider}`")
            }
            ProbeSubject::Model { provider, model: None, .. } => format!("{spec}: the model of `{provider}`"),
            ProbeSubject::Server { server } => format!("{spec}: server `{server}`"),
            _ => spec.to_owned(),
        };
        let found = match (&probe.result, &probe.offered) {
            (Ok(()), Some(offered)) => Ok(said(offered)),
            (Ok(()), None) => Ok("can be asked".to_owned()),
            (Err(failure), _) => Err(wrong(failure)),
        };
        let details = probe.offered.map_or(Value::Null, |offered| details(&offered));
        Check { what, found, took: Some(probe.took), details }
    }

    fn text(&self) -> String {
        let took = self.took.map_or_else(String::new, |took| format!(" ({} ms)", took.as_millis()));
        let what = line(&self.what);
        match &self.found {
            Ok(found) => format!("{} {what}: {}{}", "✓".green(), lines(found), took.dimmed()),
            Err(wrong) => {
                let help = wrong.help.as_ref();
                let help = help.map_or_else(String::new, |help| format!("\n    {} {}", "help:".cyan(), lines(help)));
                let (message, code) = (lines(&wrong.message), format!("[{}]", line(&wrong.code)));
                format!("{} {what}: {message} {}{}{help}", "✗".red(), code.dimmed(), took.dimmed())
            }
        }
    }

    fn json(&self) -> Value {
        let wrong = self.found.as_ref().err();
        json!({
            "what": self.what,
            "ok": self.found.is_ok(),
            "message": match &self.found { Ok(found) => found, Err(wrong) => &wrong.message },
            "code": wrong.map(|wrong| &wrong.code),
            "help": wrong.and_then(|wrong| wrong.help.as_ref()),
            "took_ms": self.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            "details": self.details,
        })
    }
}

fn said(OfferedTools { tools, digest, .. }: &OfferedTools) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    let offers = match names.as_slice() {
        [] => "offers no tool".to_owned(),
        [one] => format!("offers `{one}`"),
        many => format!("offers {} tools: {}", many.len(), many.join(", ")),
    };
    format!("{offers}; digest {digest}")
}

fn details(OfferedTools { tools, digest, .. }: &OfferedTools) -> Value {
    let tools: Vec<Value> = tools
        .iter()
        .map(|tool| json!({"name": &*tool.name, "description": &*tool.description, "parameters": tool.parameters.to_json()}))
        .collect();
    json!({"tools": tools, "digest": digest.to_string()})
}

fn wrong(failure: &Failure) -> Wrong {
    let code = failure.code.as_deref().unwrap_or(failure.kind.as_str());
    let message = remedy::worded(code, &failure.message);
    // Many a message says it already.
    let help = remedy::help(code, &message).filter(|help| !message.contains(help));
    let help = match (failure.kind, &failure.code) {
        // The doctor itself has waited no longer.
        (FailureKind::Timeout, None) => Some("see that it answers, or wait longer for it: `--patience SECONDS`"),
        _ => help,
    };
    let help = help.map(str::to_owned);
    Wrong { code: code.to_owned(), message, help, exit: Exit::Unavailable, problem: None }
}

/// What was looked at so far; told as it comes.
#[derive(Debug)]
pub(super) struct Report {
    checks: Vec<Check>,
    output: Output,
}

impl Report {
    pub(super) fn new(output: Output) -> Report {
        Report { checks: Vec::new(), output }
    }

    pub(super) fn add(&mut self, check: Check) {
        if let Err(Wrong { problem: Some(problem), .. }) = &check.found {
            self.output.complain(problem);
        }
        if !self.output.json {
            // Whether anybody reads it shows at the end.
            let _ = self.output.text(&check.text());
        }
        self.checks.push(check);
    }

    /// Whether a problem was told.
    pub(super) fn has_said(&self, problem: &Problem) -> bool {
        let wrong = self.checks.iter().filter_map(|check| check.found.as_ref().err());
        wrong.into_iter().any(|wrong| wrong.code == problem.code && wrong.message == problem.message)
    }

    /// Says what came of it: the worst of what is wrong.
    pub(super) fn finish(self) -> Result<Exit, Stop> {
        let wrong: Vec<&Wrong> = self.checks.iter().filter_map(|check| check.found.as_ref().err()).collect();
        let exit = match wrong.as_slice() {
            [] => Exit::Done,
            wrong if wrong.iter().any(|wrong| matches!(wrong.exit, Exit::Failed | Exit::Usage)) => Exit::Failed,
            _ => Exit::Unavailable,
        };
        if self.output.json {
            let checks: Vec<Value> = self.checks.iter().map(Check::json).collect();
            self.output.object(&json!({"ok": wrong.is_empty(), "checks": checks}))?;
        } else {
            let sum = match wrong.len() {
                0 => "all is well".green().to_string(),
                1 => "1 thing is wrong".red().to_string(),
                many => format!("{many} things are wrong").red().to_string(),
            };
            self.output.text(&sum)?;
        }
        Ok(exit)
    }
}
