//! `kneo spec resolve`.

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
        match kneo::spec::resolve(&spec.sources, spec.file, &CompileOptions::default()) {
            Ok(yaml) if output.json => output.object(&json!({"ok": true, "yaml": yaml}))?,
            Ok(yaml) => output.product(&yaml)?,
            Err(diagnostics) => return Err(spec.invalid(diagnostics).into()),
        }
        Ok(Exit::Done)
    }
}
