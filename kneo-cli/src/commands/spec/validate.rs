//! `kneo spec validate`.

use std::path::PathBuf;

use kneo::spec::diagnostic::to_json;
use kneo::spec::{CompileOptions, compile};
use serde_json::{Value, json};

use crate::dash;
use crate::exit::Exit;
use crate::output::Output;
use crate::problem::{Problem, Stop};
use crate::spec_file::SpecFile;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The specs
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let (mut valid, mut invalid) = (0, 0);
        let (mut reports, mut unread) = (Vec::new(), Vec::new());
        for path in &self.specs {
            let SpecFile { sources, file } = match SpecFile::read(path) {
                Ok(read) => read,
                Err(problem) => {
                    output.complain(&problem);
                    unread.push(problem);
                    continue;
                }
            };
            let compilation = compile(&sources, file, &CompileOptions::default());
            *(if compilation.plan.is_some() { &mut valid } else { &mut invalid }) += 1;
            if output.json {
                reports.push(to_json(&compilation.diagnostics, &sources));
                continue;
            }
            output.diagnostics(&compilation.diagnostics, &sources);
            if compilation.plan.is_some() {
                output.text(&format!("`{}` is valid", dash::name(path)))?;
            }
        }
        if output.json {
            output.object(&merged(valid == self.specs.len(), &reports, &unread))?;
        } else if self.specs.len() > 1 {
            output.text(&summary(valid, invalid, unread.len()))?;
        }
        // What could not be read may be valid; what was, as a bundle in the place of a spec, is not.
        Ok(match unread.iter().any(|problem| problem.exit == Exit::Unavailable) {
            true => Exit::Unavailable,
            false if valid == self.specs.len() => Exit::Done,
            false => Exit::Failed,
        })
    }
}

fn summary(valid: usize, invalid: usize, unread: usize) -> String {
    let parts = [(valid, "valid"), (invalid, "invalid"), (unread, "not read")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    format!("{} specs: {}", valid + invalid + unread, parts.collect::<Vec<_>>().join(", "))
}

/// One report of several: all files, all diagnostics in the order of the files, and the files that could not be read
/// as one error.
fn merged(ok: bool, reports: &[Value], unread: &[Problem]) -> Value {
    let all = |key: &str| -> Vec<Value> {
        reports.iter().filter_map(|report| report.get(key)?.as_array()).flatten().cloned().collect()
    };
    let mut object = json!({"ok": ok, "files": all("files"), "diagnostics": all("diagnostics")});
    if let (Some(entries), Some(first)) = (object.as_object_mut(), unread.first()) {
        let messages: Vec<&str> = unread.iter().map(|problem| problem.message.as_str()).collect();
        let error = json!({"code": first.code, "message": messages.join("; "), "help": first.help});
        entries.insert("error".to_owned(), error);
    }
    object
}
