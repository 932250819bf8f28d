//! `kneo spec graph`.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use kneo::spec::CompileOptions;
use kneo::spec::graph::Graph;
use serde_json::json;

use crate::exit::Exit;
use crate::output::Output;
use crate::problem::Stop;
use crate::spec_file::SpecFile;
use crate::written;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The spec
    spec: PathBuf,

    /// As a Mermaid flowchart, for Graphviz, or as a picture [default: what the ending of --output means, else mermaid]
    #[arg(long, short, value_enum)]
    format: Option<Format>,

    /// Write the drawing to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The forms of a drawing.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Mermaid,
    Dot,
    Svg,
}

impl Format {
    /// The form of files with this ending.
    fn of_ending(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "mmd" | "mermaid" => Some(Format::Mermaid),
            "dot" | "gv" => Some(Format::Dot),
            "svg" => Some(Format::Svg),
            _ => None,
        }
    }
}

impl Args {
    pub(crate) fn run(self, output: Output) -> Result<Exit, Stop> {
        let SpecFile { sources, file } = SpecFile::read(&self.spec)?;
        let compilation = kneo::spec::compile(&sources, file, &CompileOptions::default());
        let Some(plan) = compilation.plan else {
            return Err(SpecFile { sources, file }.invalid(compilation.diagnostics).into());
        };
        let graph = Graph::of(plan.plan());
        let of_file = || self.output.as_deref().and_then(Format::of_ending);
        let format = self.format.or_else(of_file).unwrap_or(Format::Mermaid);
        let drawing = match format {
            Format::Mermaid => graph.mermaid(),
            Format::Dot => graph.dot(),
            Format::Svg => graph.svg(),
        };
        let format = format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        match written::to_file(self.output.as_deref()) {
            Some(path) => {
                written::file(path, drawing.as_bytes())?;
                if output.json {
                    output.object(&json!({"ok": true, "format": format, "file": path.display().to_string()}))?;
                }
            }
            None if output.json => output.object(&json!({"ok": true, "format": format, (format.as_str()): drawing}))?,
            None => output.product(&drawing)?,
        }
        Ok(Exit::Done)
    }
}
