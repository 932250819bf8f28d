//! Kneo's figures, as ratios in one run: what Kneo does and the raw limit, interleaved.
//!
//! `cargo run --release -p kneo-benches -- [FIGURE…] [--rounds N] [--json]`, for example `-- P4 P5 --rounds 9`. Figures
//! of whole processes (P12, P14) need the program: `cargo build --release -p kneo-cli` first.

mod compile;
mod durable;
mod figure;
mod memory;
mod process;
mod raw;
mod work;

use std::process::ExitCode;

use figure::Figure;

type Measure = fn(rounds: usize) -> Result<Vec<Figure>, String>;

const FIGURES: &[(&str, Measure)] = &[
    ("P1", memory::pure_step),
    ("P1b", memory::function_step),
    ("P2", memory::growth),
    ("P3", durable::one_run_normal),
    ("P4", durable::one_run_full),
    ("P5", durable::many_runs_full),
    ("P10", durable::bytes_per_step),
    ("P11", compile::large_spec),
    ("P12", process::cold_start),
    ("P14", process::validate),
];

fn main() -> ExitCode {
    let (mut wanted, mut rounds, mut json) = (Vec::new(), 7, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => json = true,
            "--rounds" => match args.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0) {
                Some(n) => rounds = n,
                None => return usage("`--rounds` takes a number from 1"),
            },
            name if FIGURES.iter().any(|(known, _)| *known == name) => wanted.push(name.to_owned()),
            other => return usage(&format!("`{other}` is not a figure")),
        }
    }
    let mut failed = false;
    for (name, measure) in FIGURES {
        if !wanted.is_empty() && !wanted.iter().any(|want| want == name) {
            continue;
        }
        match measure(rounds) {
            Ok(figures) if json => figures.iter().for_each(|figure| println!("{}", figure.to_json())),
            Ok(figures) => figures.iter().for_each(|figure| println!("{figure}\n")),
            Err(problem) => {
                eprintln!("{name}: {problem}");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn usage(problem: &str) -> ExitCode {
    let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
    eprintln!("{problem}\nusage: kneo-bench [{}] [--rounds N] [--json]", names.join("|"));
    ExitCode::from(2)
}
