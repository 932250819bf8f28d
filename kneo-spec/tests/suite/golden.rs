//! Expected output in files; `UPDATE_EXPECT=1` writes them.

use std::path::{Path, PathBuf};

use kneo_spec::diagnostic::{TextStyle, to_text};
use kneo_spec::source::SourceMap;
use kneo_spec::{Compilation, CompileOptions, compile};

/// The corpus.
pub(super) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/spec")
}

/// The specs of a folder, by name.
pub(super) fn specs(folder: &str) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = std::fs::read_dir(corpus().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no specs in {folder}");
    found
}

/// Compares with the file, or writes it.
pub(super) fn check(path: &Path, actual: &str) {
    #[expect(clippy::disallowed_methods, reason = "the switch of whoever runs the tests")]
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    if update {
        std::fs::write(path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} differs; UPDATE_EXPECT=1 writes it\n--- expected\n{expected}\n--- actual\n{actual}",
        path.display()
    );
}

/// The time that this thread has computed, however busy the machine is; on systems that do not tell, the time.
pub(super) fn computed() -> std::time::Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.as_deref().and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(elapsed, std::time::Duration::from_nanos)
}

fn elapsed() -> std::time::Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "the time is what is tested")]
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// Does work on a text and fails when it computes longer than any spec may: a second, in what users run. An
/// unoptimised build is only kept from running away.
pub(super) fn in_time<T>(text: &str, work: impl FnOnce() -> T) -> T {
    let started = computed();
    let result = work();
    let took = computed().saturating_sub(started);
    let most = if cfg!(debug_assertions) { 30 } else { 1 };
    let start: String = text.chars().take(2_000).collect();
    assert!(took.as_secs() < most, "{took:?}: {start}");
    result
}

/// Compiles a text under a file name.
pub(super) fn run(name: &str, text: &str, options: &CompileOptions) -> (SourceMap, Compilation) {
    let mut sources = SourceMap::new();
    let file = sources.add(name, text);
    let compilation = compile(&sources, file, options);
    assert_eq!(
        compilation.plan.is_none(),
        compilation.diagnostics.has_errors(),
        "there is a plan exactly when there is no error: {name}"
    );
    (sources, compilation)
}

/// The report of a text, with the names of all codes in it.
pub(super) fn report(name: &str, text: &str) -> (String, Vec<&'static str>) {
    let (sources, compilation) = run(name, text, &CompileOptions::default());
    let codes = compilation.diagnostics.iter().map(|d| d.code.as_str()).collect();
    (to_text(&compilation.diagnostics, &sources, TextStyle::Plain), codes)
}
