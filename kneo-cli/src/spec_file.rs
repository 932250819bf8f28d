//! Spec files on their way to the compiler.

use std::path::Path;
use std::sync::Arc;

use kneo::plan::CompiledPlan;
use kneo::spec::diagnostic::Diagnostics;
use kneo::spec::loader::{LoadError, LoadErrorKind};
use kneo::spec::source::{FileId, SourceMap};
use kneo::spec::{CompileOptions, Limits, compile};

use crate::dash;
use crate::given_file;
use crate::output::Output;
use crate::problem::Problem;

/// A file that has been read.
#[derive(Debug)]
pub(crate) struct SpecFile {
    pub(crate) sources: SourceMap,
    pub(crate) file: FileId,
}

impl SpecFile {
    /// Reads a file, once: it may be a pipe.
    pub(crate) fn read(path: &Path) -> Result<SpecFile, Problem> {
        let bytes = given_file::read(path, Limits::default().bytes)?;
        if given_file::looks_like_bundle(&bytes) {
            let message = format!("`{}` is a bundle: a spec is asked for here", dash::name(path));
            return Err(Problem::new("spec_expected", message));
        }
        SpecFile::of_bytes(path, bytes)
    }

    /// A file whose bytes have been read.
    pub(crate) fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<SpecFile, Problem> {
        let name = dash::name(path);
        let limit = Limits::default().bytes as u64;
        // Of a file beyond the limit no more than one byte was read.
        let size = std::fs::metadata(path).map_or(0, |known| known.len()).max(bytes.len() as u64);
        let fail = |kind| unreadable(LoadError::new(name.as_str(), kind));
        if bytes.len() as u64 > limit {
            return Err(fail(LoadErrorKind::TooLarge { bytes: size, limit }));
        }
        let text = String::from_utf8(bytes)
            .map_err(|error| fail(LoadErrorKind::NotUtf8 { offset: error.utf8_error().valid_up_to() }))?;
        let mut sources = SourceMap::new();
        let file = sources.add(&*name, text);
        Ok(SpecFile { sources, file })
    }

    /// The plan; says what the compiler warns of.
    pub(crate) fn compile(self, output: Output) -> Result<Arc<CompiledPlan>, Problem> {
        let compilation = compile(&self.sources, self.file, &CompileOptions::default());
        match compilation.plan {
            Some(plan) => {
                output.diagnostics(&compilation.diagnostics, &self.sources);
                Ok(plan)
            }
            None => Err(self.invalid(compilation.diagnostics)),
        }
    }

    /// The problem of a spec that does not compile.
    pub(crate) fn invalid(self, diagnostics: Diagnostics) -> Problem {
        let name = self.sources.file(self.file).map_or_else(String::new, |file| file.name().to_owned());
        let mut problem = Problem::new("spec_invalid", format!("`{name}` does not compile"));
        problem.report = Some(Box::new((self.sources, diagnostics)));
        problem
    }
}

fn unreadable(error: LoadError) -> Problem {
    let text = error.to_string();
    match text.split_once("; ") {
        Some((message, help)) => Problem::new(error.code(), message).with_help(help),
        None => Problem::new(error.code(), text),
    }
}
