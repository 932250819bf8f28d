//! `kneo spec schema`.

use std::path::PathBuf;

use kneo::spec::{SCHEMA_URL, json_schema};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;
use crate::written;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the schema to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let schema = json_schema();
        if let Some(path) = written::to_file(self.output.as_deref()) {
            written::file(path, schema.as_bytes())?;
        }
        if output.json {
            let schema: Value = serde_json::from_str(&schema).map_err(std::io::Error::from)?;
            output.object(&json!({"ok": true, "url": SCHEMA_URL, "schema": schema}))?;
        } else if let Some(path) = written::to_file(self.output.as_deref()) {
            let line = format!("# yaml-language-server: $schema={}", path.display());
            output.note(&format!(
                "specs in this folder are completed and checked by editors if they begin with\n  {line}"
            ));
        } else {
            output.product(&schema)?;
        }
        Ok(Exit::Done)
    }
}
