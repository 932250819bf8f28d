//! `kneo explain`.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use kneo::spec::diagnostic::Code;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::remedy::{self, Remedy};
use crate::table::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code, such as `E_STEP_REF` or `already_decided`; without it all codes are listed
    #[arg(value_parser = Typed, hide_possible_values = true)]
    code: Option<String>,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let (text, json) = match &self.code {
            Some(code) => one(code)?,
            None => all(),
        };
        if output.json {
            output.object(&json)?;
        } else {
            output.text(&text)?;
        }
        Ok(Exit::Done)
    }
}

/// A code as somebody types it: any text, since one that is not known is helped; shells complete those that are.
#[derive(Clone, Copy)]
struct Typed;

impl TypedValueParser for Typed {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(known().map(PossibleValue::new)))
    }
}

/// Every code, the compiler's first.
fn known() -> impl Iterator<Item = &'static str> {
    Code::ALL.iter().map(|code| code.as_str()).chain(remedy::all().map(|remedy| remedy.code))
}

fn one(code: &str) -> Result<(String, Value), Problem> {
    if let Some(code) = Code::find(code) {
        return Ok((code.page().to_string(), page(code)));
    }
    match remedy::of(&code.to_ascii_lowercase()) {
        Some(remedy) => Ok((explained(&remedy), described(&remedy))),
        None => Err(unknown(code)),
    }
}

/// Every code with what it means, the compiler's first.
fn all() -> (String, Value) {
    let compiler = Code::ALL.iter().map(|code| (code.as_str(), code.page().severity.as_str(), code.page().rule));
    let others = remedy::all().map(|remedy| (remedy.code, "error", remedy.meaning));
    let codes: Vec<(&str, &str, &str)> = compiler.chain(others).collect();
    let rows = codes.iter().map(|(code, _, meaning)| vec![(*code).to_owned(), (*meaning).to_owned()]);
    let objects = codes.iter().map(|(code, severity, meaning)| {
        let meaning = meaning.trim_end_matches('.');
        json!({"code": code, "severity": severity, "meaning": meaning})
    });
    (table(&["CODE", "MEANING"], rows), json!({"codes": objects.collect::<Vec<_>>()}))
}

fn page(code: Code) -> Value {
    let page = code.page();
    json!({
        "code": code.as_str(),
        "severity": page.severity.as_str(),
        "rule": page.rule,
        "wrong": page.wrong,
        "right": page.right,
        "why": page.why,
        "docs_url": code.docs_url(),
    })
}

fn explained(remedy: &Remedy) -> String {
    let details = remedy::details(remedy.code).map_or_else(String::new, |details| format!("\n{details}"));
    format!("{}\n\n{}.\n\nWhat to do: {}.\n{details}", remedy.code, remedy.meaning, remedy.help)
}

fn described(remedy: &Remedy) -> Value {
    json!({
        "code": remedy.code,
        "severity": "error",
        "meaning": remedy.meaning,
        "help": remedy.help,
        "details": remedy::details(remedy.code),
        "exit_code": remedy.exit.code(),
    })
}

fn unknown(code: &str) -> Problem {
    let problem = Problem::new("code_unknown", format!("there is no code `{code}`"));
    match remedy::nearest(code, known()) {
        Some(nearest) => problem.with_help(format!("did you mean `{nearest}`? `kneo explain` lists all codes")),
        None => problem,
    }
}
