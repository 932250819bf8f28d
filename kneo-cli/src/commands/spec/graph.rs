//! `kneo spec graph`.

use std::path::PathBuf;

use kneo::spec::CompileOptions;
use serde_json::json;

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;
use crate::spec_file::SpecFile;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The spec
    spec: PathBuf,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let spec = SpecFile::read(&self.spec)?;
        match kneo::spec::mermaid(&spec.sources, spec.file, &CompileOptions::default()) {
            Ok(drawing) if output.json => output.object(&json!({"ok": true, "mermaid": drawing}))?,
            Ok(drawing) => output.text(&drawing)?,
            Err(diagnostics) => return Err(spec.invalid(diagnostics).into()),
        }
        Ok(Exit::Done)
    }
}
