//! `kneo spec bundle`: specs that somebody vouches for.

mod sign;
mod verify;

use std::fmt::Write as _;
use std::path::Path;

use clap::Subcommand;
use kneo::bundle::Bundle;
use serde_json::{Map, Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compile a spec, and sign it together with its plan
    Sign(Box<sign::Args>),
    /// Verify a bundle, and tell what it holds
    Verify(verify::Args),
}

impl Command {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        match self {
            Command::Sign(args) => args.run(output),
            Command::Verify(args) => args.run(output),
        }
    }
}

/// Writes what a bundle holds, below a first line about it.
fn tell(bundle: &Bundle, path: &Path, first: &str, output: Output) -> std::io::Result<()> {
    if output.json { output.object(&object(bundle, path)) } else { output.text(&text(bundle, first)) }
}

fn environment(bundle: &Bundle) -> &str {
    bundle.claim().environment.as_ref().map_or("", |environment| environment.as_str())
}

fn object(bundle: &Bundle, path: &Path) -> Value {
    let claim = bundle.claim();
    let files = bundle.files().iter().map(|(name, digest)| (name.to_owned(), json!(digest.to_string())));
    json!({
        "ok": true,
        "bundle": path.to_string_lossy(),
        "workflow": claim.workflow.as_str(),
        "environment": environment(bundle),
        "sequence": claim.sequence,
        "approved_by": claim.approved_by.as_str(),
        "key": claim.key.as_str(),
        "signed_at": claim.sealed_at.to_string(),
        "plan": claim.plan.to_string(),
        "spec": bundle.spec_digest().to_string(),
        "files": files.collect::<Map<_, _>>(),
        "compiler": bundle.compiler(),
    })
}

fn text(bundle: &Bundle, first: &str) -> String {
    let claim = bundle.claim();
    let mut text = format!("{first}\n");
    let mut line = |what: &str, value: &str| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {what:<12} {value}");
    };
    line("workflow", claim.workflow.as_str());
    line("environment", environment(bundle));
    line("sequence", &claim.sequence.to_string());
    line("approved by", claim.approved_by.as_str());
    line("signed", &format!("{} with key {}", claim.sealed_at, claim.key));
    line("plan", &format!("{} by version {}", claim.plan, bundle.compiler()));
    line("spec", &bundle.spec_digest().to_string());
    for (name, digest) in bundle.files().iter() {
        line("file", &format!("{digest} {name}"));
    }
    text
}
