//! The compiler, against the YAML scanner alone.

use std::fmt::Write as _;

use crate::figure::{Figure, Samples, Watch};

/// A sequential spec in which every step has prose and every fourth an expression.
fn spec(steps: usize) -> (String, usize) {
    let mut text = String::from("version: v1\nname: large\nworkflow:\n  type: sequential\n  steps:\n");
    let mut expressions = 0;
    for step in 0..steps {
        let _ = write!(
            text,
            "    - id: step_{step}\n      kind: function\n      ref: work\n      on_error: retry\n      max_retries: 2\n      timeout_seconds: 30\n"
        );
        if step % 4 == 3 {
            let _ = writeln!(text, "      when: \"size(string(prev)) > {step}\"");
            expressions += 1;
        }
    }
    text.push_str("components:\n  functions:\n    work: {implementation: work, effect: read}\n");
    (text, expressions)
}

fn compile_ms(text: &str) -> Result<f64, String> {
    let watch = Watch::start();
    kneo_spec::compile_str("large.yaml", text).map_err(|error| error.to_string())?;
    Ok(watch.stop().wall.as_secs_f64() * 1e3)
}

/// Every event with its marks, and nothing made of them.
fn scan_ms(text: &str) -> Result<f64, String> {
    let watch = Watch::start();
    let mut bytes = 0usize;
    for event in granit_parser::Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        bytes += span.end.index() - span.start.index();
        std::hint::black_box(&event);
    }
    std::hint::black_box(bytes);
    Ok(watch.stop().wall.as_secs_f64() * 1e3)
}

pub(crate) fn large_spec(rounds: usize) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    for steps in [1_000, 10_000] {
        let (text, expressions) = spec(steps);
        let (mut kneo, mut scan) = (Samples::default(), Samples::default());
        for _ in 0..rounds {
            kneo.push(compile_ms(&text)?);
            scan.push(scan_ms(&text)?);
        }
        let allowed = 3.0 * scan.median() + 0.020 * expressions as f64;
        let ratio = kneo.median() / allowed;
        let kib = text.len() / 1024;
        let mut figure = Figure {
            id: "P11",
            what: format!("compile a spec of {steps} steps and {expressions} expressions ({kib} KiB), fully checked"),
            unit: "ms",
            rows: Vec::new(),
            ratio: Some(ratio),
            goal: "≤ 1: three times the marked parse plus 20 µs an expression",
        };
        figure.row("kneo, text to plan", kneo);
        figure.row("the YAML events with their marks", scan);
        figures.push(figure);
    }
    Ok(figures)
}
