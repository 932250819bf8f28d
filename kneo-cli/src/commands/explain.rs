//! `kneo explain`.

use kneo::spec::diagnostic::Code;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::remedy::{self, Remedy};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code, such as `E_STEP_REF` or `already_decided`
    code: String,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let (text, json) = if let Some(code) = Code::find(&self.code) {
            (code.page().to_string(), page(code))
        } else if let Some(remedy) = remedy::of(&self.code.to_ascii_lowercase()) {
            (explained(remedy), described(remedy))
        } else {
            return Err(unknown(&self.code).into());
        };
        if output.json {
            output.object(&json)?;
        } else {
            output.text(&text)?;
        }
        Ok(Exit::Done)
    }
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
    format!("{}\n\n{}.\n\nWhat to do: {}.\n", remedy.code, remedy.meaning, remedy.help)
}

fn described(remedy: &Remedy) -> Value {
    json!({
        "code": remedy.code,
        "severity": "error",
        "meaning": remedy.meaning,
        "help": remedy.help,
        "exit_code": remedy.exit.code(),
    })
}

fn unknown(code: &str) -> Problem {
    let problem = Problem::new("code_unknown", format!("there is no code `{code}`"));
    let nearest = Code::nearest(code).map(Code::as_str).or_else(|| remedy::nearest(code));
    match nearest {
        Some(nearest) => problem.with_help(format!("did you mean `{nearest}`?")),
        None => problem,
    }
}
