//! A file that is a spec or a bundle.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use kneo::bundle::{Bundle, MAX_BUNDLE_BYTES};
use kneo::plan::CompiledPlan;

use crate::dash;
use crate::output::Output;
use crate::problem::Problem;
use crate::spec_file::SpecFile;
use crate::trust::{Trusted, WantedArgs};

/// What a file gives to run.
#[derive(Debug)]
pub(crate) enum Given {
    Spec(SpecFile),
    Bundle(Box<Bundle>),
}

impl Given {
    /// Reads a file, once. Where keys count, only a bundle will do; a bundle is verified in any case.
    pub(crate) fn read(path: &Path, trusted: &Trusted, wanted: &WantedArgs) -> Result<Given, Problem> {
        let bytes = read(path, MAX_BUNDLE_BYTES)?;
        if trusted.is_asked_for() || wanted.are_given() || looks_like_bundle(&bytes) {
            let bundle = trusted.verify(path, &bytes, wanted);
            let bundle = bundle.map_err(|problem| match problem.code {
                "bundle_malformed" if trusted.is_asked_for() => problem
                    .with_help("where keys are given only bundles run: sign the spec with `kneo spec bundle sign`"),
                _ => problem,
            });
            return Ok(Given::Bundle(Box::new(bundle?)));
        }
        SpecFile::of_bytes(path, bytes).map(Given::Spec)
    }

    /// The plan.
    pub(crate) fn plan(self, output: Output) -> Result<Arc<CompiledPlan>, Problem> {
        match self {
            Given::Spec(spec) => spec.compile(output),
            Given::Bundle(bundle) => Ok(Arc::clone(bundle.plan())),
        }
    }
}

/// Whether a file means to be a bundle: no spec begins so.
pub(crate) fn looks_like_bundle(bytes: &[u8]) -> bool {
    let inner = bytes.trim_ascii_start().strip_prefix(b"{");
    inner.is_some_and(|inner| inner.trim_ascii_start().starts_with(b"\"body\""))
}

/// The bytes of a file, at most one more than so many.
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Problem> {
    let name = dash::name(path);
    let unreadable = |error: std::io::Error| unreadable(&name, &error);
    if dash::is_meant(path) {
        return dash::read(most as u64 + 1).map_err(unreadable);
    }
    open(path, most).map_err(unreadable)
}

/// The bytes of what can only be a file.
pub(crate) fn read_file(path: &Path, most: usize) -> Result<Vec<u8>, Problem> {
    open(path, most).map_err(|error| unreadable(&path.display().to_string(), &error))
}

fn open(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(name: &str, error: &std::io::Error) -> Problem {
    match error.kind() {
        ErrorKind::NotFound => Problem::new("file_not_found", format!("there is no file `{name}`")),
        ErrorKind::IsADirectory => Problem::new("file_unreadable", format!("cannot read `{name}`: it is a directory")),
        _ => Problem::new("file_unreadable", format!("cannot read `{name}`: {error}")),
    }
}
