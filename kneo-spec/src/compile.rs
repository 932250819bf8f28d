//! The five stages, in order.

use std::fmt;
use std::sync::Arc;

use kneo_core::plan::CompiledPlan;

use crate::check::{Valid, check};
use crate::cut;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, TextStyle, to_text};
use crate::document::{Document, Linked};
use crate::emit::{self, emit};
use crate::link::{Layout, link};
#[cfg(feature = "fs")]
use crate::loader::fs::FsLoader;
use crate::loader::{LoadError, Loader};
use crate::lower::lower;
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::{Limits, Tree, parse};
use crate::tests::Test;

/// What a compilation may be told.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CompileOptions {
    /// How large the spec may be.
    pub limits: Limits,
}

impl CompileOptions {
    /// The same options with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// What a compilation gives: all diagnostics, and a plan when none is an error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Compilation {
    /// The plan; there is one exactly when no diagnostic is an error.
    pub plan: Option<Arc<CompiledPlan>>,
    /// Everything there is to say, sorted by place.
    pub diagnostics: Diagnostics,
    /// The tests that stand in the spec, in its order; none without a plan.
    pub tests: Vec<Test>,
}

/// Compiles a file of the source map.
///
/// Pure: the same text gives the same diagnostics and the same plan, byte for byte. Reads nothing
/// but the source map. A file that the map does not have gives neither plan nor diagnostics.
#[must_use]
pub fn compile(sources: &SourceMap, file: FileId, options: &CompileOptions) -> Compilation {
    match valid_document(sources, file, options) {
        Ok(valid) => write(&valid, sources),
        Err(diagnostics) => Compilation { plan: None, diagnostics, tests: Vec::new() },
    }
}

/// What the stages before the last one give.
pub(crate) struct ValidSpec {
    pub(crate) tree: Tree,
    pub(crate) document: Valid<Document<Linked>>,
    pub(crate) layout: Layout,
    /// Warnings.
    pub(crate) diagnostics: Diagnostics,
}

/// A valid document, for writing its plan, drawing it or printing it; or all diagnostics.
pub(crate) fn valid_document(
    sources: &SourceMap,
    file: FileId,
    options: &CompileOptions,
) -> Result<ValidSpec, Diagnostics> {
    let mut sink = Diagnostics::default();
    let Some(tree) = sources.file(file).and_then(|file| parse(file, options.limits, &mut sink)) else {
        sink.settle(|_| String::new());
        return Err(sink);
    };
    let valid = match tree.cut() {
        None => understand(&tree, options.limits, &mut sink),
        // Before anything was read, there is nothing to say.
        Some(_) if tree.root().is_none() => None,
        Some(cut) => {
            let mut found = Diagnostics::default();
            drop(understand(&tree, options.limits, &mut found));
            cut::keep(&found, &tree, cut, &mut sink);
            None
        }
    };
    sink.settle(|span| tree.path_at(span));
    match valid {
        Some((document, layout)) => Ok(ValidSpec { tree, document, layout, diagnostics: sink }),
        None => Err(sink),
    }
}

fn understand(tree: &Tree, limits: Limits, sink: &mut Diagnostics) -> Option<(Valid<Document<Linked>>, Layout)> {
    let raw = lower(tree, sink)?;
    let (linked, layout) = link(raw, tree, limits, sink);
    let valid = check(linked, &layout, tree, limits, sink)?;
    Some((valid, layout))
}

fn write(spec: &ValidSpec, sources: &SourceMap) -> Compilation {
    let mut diagnostics = spec.diagnostics.clone();
    let plan = match emit(&spec.document, &spec.layout, sources) {
        Ok(plan) => Some(plan),
        Err(error) => {
            diagnostics.push(internal(spec.document.get().span, &error.to_string()));
            None
        }
    };
    let tests = if plan.is_some() { emit::tests(&spec.document, sources) } else { Vec::new() };
    Compilation { plan, diagnostics, tests }
}

/// A plan that the core refuses is a mistake of this crate.
fn internal(span: Span, why: &str) -> Diagnostic {
    Diagnostic::new(Code::Internal, span, format!("the compiler made a plan that is not whole: {why}"))
        .help("please report this together with the spec")
}

/// Compiles a text under a name that diagnostics print.
///
/// Warnings are not seen this way; [`compile`] gives them.
///
/// # Errors
///
/// A [`CompileError`] that prints the whole report.
pub fn compile_str(name: &str, text: &str) -> Result<Arc<CompiledPlan>, CompileError> {
    let mut sources = SourceMap::new();
    let file = sources.add(name, text);
    finish(sources, file)
}

/// Compiles the text that a loader finds under a name.
///
/// Warnings are not seen this way; [`compile`] gives them.
///
/// # Errors
///
/// A [`CompileError`]: the text cannot be read, or does not compile.
pub fn compile_with(loader: &dyn Loader, name: &str) -> Result<Arc<CompiledPlan>, CompileError> {
    let text = loader.load(name)?;
    compile_str(name, &text)
}

/// Compiles a file.
///
/// Warnings are not seen this way; [`compile`] gives them.
///
/// # Errors
///
/// A [`CompileError`]: the file cannot be read, or does not compile.
#[cfg(feature = "fs")]
pub fn compile_file(path: impl AsRef<std::path::Path>) -> Result<Arc<CompiledPlan>, CompileError> {
    compile_with(&FsLoader, &path.as_ref().to_string_lossy())
}

fn finish(sources: SourceMap, file: FileId) -> Result<Arc<CompiledPlan>, CompileError> {
    let compilation = compile(&sources, file, &CompileOptions::default());
    compilation.plan.ok_or(CompileError::Invalid(Report { sources, diagnostics: compilation.diagnostics }))
}

/// Why there is no plan.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompileError {
    /// The text could not be read.
    Load(LoadError),
    /// The text has errors.
    Invalid(Report),
}

/// Diagnostics with the texts they point into; prints as a terminal report.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The texts.
    pub sources: SourceMap,
    /// What there is to say about them.
    pub diagnostics: Diagnostics,
}

impl CompileError {
    /// The stable code of this error: `spec_invalid`, or that of the load error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Load(error) => error.code(),
            Self::Invalid(_) => "spec_invalid",
        }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::Invalid(report) => report.fmt(f),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = to_text(&self.diagnostics, &self.sources, TextStyle::Plain);
        f.write_str(text.trim_end())
    }
}

impl std::error::Error for CompileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Load(error) => Some(error),
            Self::Invalid(_) => None,
        }
    }
}

impl From<LoadError> for CompileError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No spec can show this code, so its report is made by hand.
    #[test]
    fn a_plan_that_is_not_whole_is_the_compilers_fault() {
        let mut sources = SourceMap::new();
        let page = Code::Internal.page();
        let file = sources.add("E_INTERNAL.yaml", page.wrong);
        let mut sink = Diagnostics::default();
        sink.push(internal(Span::new(file, 0..11), "the plan refers to node 7, which it does not have"));
        let report = to_text(&sink, &sources, TextStyle::Plain);
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/spec/diagnostics/codes/E_INTERNAL.txt");
        assert_eq!(report, std::fs::read_to_string(golden).unwrap());
    }
}
