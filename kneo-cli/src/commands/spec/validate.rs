//! `kneo spec validate`.

use std::path::PathBuf;

use kneo::spec::diagnostic::to_json;
use kneo::spec::{CompileOptions, compile};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;
use crate::spec_file::SpecFile;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The specs
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let mut valid = true;
        let mut reports = Vec::new();
        for path in &self.specs {
            let SpecFile { sources, file } = SpecFile::read(path)?;
            let compilation = compile(&sources, file, &CompileOptions::default());
            valid &= compilation.plan.is_some();
            if output.json {
                reports.push(to_json(&compilation.diagnostics, &sources));
                continue;
            }
            output.diagnostics(&compilation.diagnostics, &sources);
            if compilation.plan.is_some() {
                output.text(&format!("`{}` is valid", path.display()))?;
            }
        }
        if output.json {
            output.object(&merged(valid, &reports))?;
        }
        Ok(if valid { Exit::Done } else { Exit::Failed })
    }
}

/// One report of several: all files, and all diagnostics in the order of the files.
fn merged(ok: bool, reports: &[Value]) -> Value {
    let all = |key: &str| -> Vec<Value> {
        reports.iter().filter_map(|report| report.get(key)?.as_array()).flatten().cloned().collect()
    };
    json!({"ok": ok, "files": all("files"), "diagnostics": all("diagnostics")})
}
