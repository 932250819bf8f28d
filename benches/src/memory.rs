//! Steps in memory: the engine's own cost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kneo_core::call::CallContext;
use kneo_core::run::RunKey;
use kneo_core::{Attempt, Cancel, CompiledPlan, Namespace, Path, RunId, Value};
use kneo_store::{MemoryStore, SystemClock};

use crate::figure::{Figure, Samples, Watch};
use crate::work;

const RUNS: usize = 50;

/// Microseconds per step of whole runs: start, steps, end.
fn per_step(plan: &Arc<CompiledPlan>, steps: usize, runs: usize) -> Result<f64, String> {
    let tokio = work::tokio()?;
    tokio.block_on(async {
        let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
        let runtime = work::runtime(store, work::nothing())?;
        work::run(&runtime, plan).await?;
        let watch = Watch::start();
        for _ in 0..runs {
            work::run(&runtime, plan).await?;
        }
        let took = watch.stop();
        runtime.shutdown().await;
        Ok(took.wall_us_per(steps * runs))
    })
}

/// The floor: a loop in Rust that makes the same maps.
fn hand_loop(steps: usize) -> f64 {
    let mut state = work::state();
    let watch = Watch::start();
    for _ in 0..steps {
        let n = state.get("n").and_then(Value::as_i64).unwrap_or(0);
        let pad = state.get("pad").cloned().unwrap_or_default();
        state = std::hint::black_box(
            Value::map([("n", Value::int(n + 1).unwrap_or_default()), ("pad", pad)]).unwrap_or_default(),
        );
    }
    watch.stop().wall_us_per(steps)
}

pub(crate) fn pure_step(rounds: usize) -> Result<Vec<Figure>, String> {
    let plan = work::set_chain(100)?;
    let (mut kneo, mut floor) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        kneo.push(per_step(&plan, 100, RUNS)?);
        floor.push(hand_loop(100_000));
    }
    let ratio = kneo.median() / floor.median();
    let mut figure = Figure {
        id: "P1",
        what: "a step in memory: one `set` of two expressions, chains of 100".to_owned(),
        unit: "µs/step",
        rows: Vec::new(),
        ratio: Some(ratio),
        goal: "≤ 0.5 µs a step (the ratio is to a loop written by hand)",
    };
    figure.row("kneo, memory store, whole runs", kneo);
    figure.row("a loop in Rust that makes the same maps", floor);
    Ok(vec![figure])
}

/// The floor of a step that calls a function: the same call, and what it gave appended to a journal behind a lock.
fn hand_calls(steps: usize) -> Result<f64, String> {
    let function = work::nothing();
    let journal: Mutex<BTreeMap<u64, Value>> = Mutex::default();
    let tokio = work::tokio()?;
    tokio.block_on(async {
        let mut state = work::state();
        let watch = Watch::start();
        for seq in (0u64..).take(steps) {
            let cancel = Cancel::new();
            let run = RunKey::new(Namespace::default(), RunId::from_bytes([7; 16]));
            let context = CallContext::new(run, Path::root(), Attempt::FIRST, cancel);
            state = function.call(state, &context).await.map_err(|error| error.to_string())?;
            journal.lock().map_err(|_| "a panic")?.insert(seq, state.clone());
        }
        Ok(watch.stop().wall_us_per(steps))
    })
}

pub(crate) fn function_step(rounds: usize) -> Result<Vec<Figure>, String> {
    let plan = work::function_chain(100)?;
    let (mut kneo, mut floor) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        kneo.push(per_step(&plan, 100, RUNS)?);
        floor.push(hand_calls(50_000)?);
    }
    let ratio = kneo.median() / floor.median();
    let mut figure = Figure {
        id: "P1b",
        what: "a step that calls a function which does nothing, memory store, chains of 100".to_owned(),
        unit: "µs/step",
        rows: Vec::new(),
        ratio: Some(ratio),
        goal: "≤ 1.5 µs a step (the ratio is to calls and a journal written by hand)",
    };
    figure.row("kneo, one commit a step", kneo);
    figure.row("the same calls, and a map behind a lock", floor);
    Ok(vec![figure])
}

pub(crate) fn growth(rounds: usize) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let chains: [(&str, work::Chain); 2] = [("`set` steps", work::set_chain), ("function steps", work::function_chain)];
    for (name, chain) in chains {
        let (short, long) = (chain(100)?, chain(10_000)?);
        let (mut short_us, mut long_us) = (Samples::default(), Samples::default());
        for _ in 0..rounds {
            short_us.push(per_step(&short, 100, 100)?);
            long_us.push(per_step(&long, 10_000, 1)?);
        }
        let ratio = long_us.median() / short_us.median();
        let mut figure = Figure {
            id: "P2",
            what: format!("growth: the cost of a step in a chain of 10,000 over one of 100, {name}"),
            unit: "µs/step",
            rows: Vec::new(),
            ratio: Some(ratio),
            goal: "≤ 1.2",
        };
        figure.row("chain of 10,000", long_us);
        figure.row("chain of 100", short_us);
        figures.push(figure);
    }
    Ok(figures)
}
