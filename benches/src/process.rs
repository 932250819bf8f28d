//! Whole processes of the `kneo` program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::figure::{Figure, Samples, Watch};

/// The program beside this one.
fn program() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = here.with_file_name("kneo");
    if program.exists() {
        Ok(program)
    } else {
        Err(format!("{} is not there: run `cargo build --release -p kneo-cli`", program.display()))
    }
}

/// Milliseconds of a process that must succeed.
fn spawn_ms(program: &Path, dir: &Path, args: &[&str]) -> Result<f64, String> {
    let watch = Watch::start();
    let output = Command::new(program).args(args).current_dir(dir).stdin(Stdio::null()).output();
    let took = watch.stop();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{args:?} failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(took.wall.as_secs_f64() * 1e3)
}

pub(crate) fn cold_start(rounds: usize) -> Result<Vec<Figure>, String> {
    let program = program()?;
    let dir = tempfile::tempdir_in(".").map_err(|error| error.to_string())?;
    // Ten steps that a commit each makes durable: agents of the offline provider.
    let mut text = String::from("version: v1\nname: ten\nworkflow:\n  type: sequential\n  steps:\n");
    for step in 0..10 {
        text.push_str(&format!("    - {{id: s{step}, kind: agent, ref: echo}}\n"));
    }
    text.push_str("components:\n  agents:\n    echo:\n      name: echo\n      model: {provider: dummy}\n      strategy: {type: simple}\n");
    std::fs::write(dir.path().join("ten.yaml"), text).map_err(|error| error.to_string())?;
    let (mut kneo, mut floor, mut most) = (Samples::default(), Samples::default(), Samples::default());
    for round in 0..rounds {
        let stores = [format!("sqlite:cold-{round}.db"), format!("sqlite:mem-{round}.db")];
        let [run, watched] =
            stores.each_ref().map(|store| ["run", "ten.yaml", "--input", "x", "--store", store, "--json"]);
        kneo.push(spawn_ms(&program, dir.path(), &run)?);
        most.push(spawn_mib(&program, dir.path(), &watched)?);
        floor.push(spawn_ms(&program, dir.path(), &["--version"])?);
    }
    let mut figure = Figure {
        id: "P12",
        what: "cold start: a process, a new database file and 10 durable steps".to_owned(),
        unit: "ms",
        rows: Vec::new(),
        ratio: None,
        goal: "≤ 15 ms",
    };
    figure.row("kneo run", kneo);
    figure.row("kneo --version: a process that does nothing", floor);
    let mut memory = Figure {
        id: "P12",
        what: "its memory at the most".to_owned(),
        unit: "MiB",
        rows: Vec::new(),
        ratio: None,
        goal: "≤ 16 MiB",
    };
    memory.row("kneo run, resident at its peak", most);
    Ok(vec![figure, memory])
}

/// The most resident memory of a process that must succeed, in MiB: the kernel's own high-water mark, read until the
/// process is gone.
fn spawn_mib(program: &Path, dir: &Path, args: &[&str]) -> Result<f64, String> {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let status = format!("/proc/{}/status", child.id());
    let mut most: f64 = 0.0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
        most = most.max(kib.unwrap_or_default() / 1024.0);
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(most),
            Some(status) => return Err(format!("{args:?} failed: {status}")),
            None => {}
        }
    }
}

pub(crate) fn validate(rounds: usize) -> Result<Vec<Figure>, String> {
    let program = program()?;
    let dir = tempfile::tempdir_in(".").map_err(|error| error.to_string())?;
    let text = "version: v1\nname: small\nworkflow:\n  type: sequential\n  steps:\n    - {id: a, kind: function, ref: f, when: \"size(string(prev)) > 3\"}\n    - {id: b, kind: function, ref: f}\ncomponents:\n  functions:\n    f: {implementation: f}\n";
    std::fs::write(dir.path().join("small.yaml"), text).map_err(|error| error.to_string())?;
    let mut kneo = Samples::default();
    for _ in 0..rounds.max(20) {
        kneo.push(spawn_ms(&program, dir.path(), &["spec", "validate", "small.yaml"])?);
    }
    let mut figure = Figure {
        id: "P14",
        what: "`kneo spec validate` of a small spec, the whole process".to_owned(),
        unit: "ms",
        rows: Vec::new(),
        ratio: None,
        goal: "≤ 15 ms",
    };
    figure.row("kneo spec validate", kneo);
    Ok(vec![figure])
}
