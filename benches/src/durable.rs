//! Durable steps on SQLite, against SQLite itself.

use std::path::Path;
use std::sync::Arc;

use kneo_core::CompiledPlan;
use kneo_store::{SqliteOptions, SqliteStore, Synchronous};

use crate::figure::{Figure, Samples, Took, Watch};
use crate::raw::{self, Sync};
use crate::work;

const STEPS: usize = 100;

/// After so many steps the write-ahead log has its length, and is written over from then on.
pub(crate) const WARM_STEPS: usize = 600;

async fn open(path: &Path, sync: Sync) -> Result<Arc<SqliteStore>, String> {
    let synchronous = match sync {
        Sync::Normal => Synchronous::Normal,
        Sync::Full => Synchronous::Full,
    };
    let options = SqliteOptions::new().synchronous(synchronous);
    SqliteStore::open_with(path, options).await.map(Arc::new).map_err(|error| error.to_string())
}

/// Whole runs one after the other: start, steps, end.
fn one_run(dir: &Path, sync: Sync, plan: &Arc<CompiledPlan>, runs: usize) -> Result<Took, String> {
    work::tokio()?.block_on(async {
        let runtime = work::runtime(open(&dir.join("kneo-one.db"), sync).await?, work::add())?;
        for _ in 0..WARM_STEPS / STEPS {
            work::run(&runtime, plan).await?;
        }
        let watch = Watch::start();
        for _ in 0..runs {
            work::run(&runtime, plan).await?;
        }
        let took = watch.stop();
        runtime.shutdown().await;
        Ok(took)
    })
}

fn one(id: &'static str, sync: Sync, goal: &'static str, rounds: usize) -> Result<Vec<Figure>, String> {
    let dir = tempfile::tempdir_in(".").map_err(|error| error.to_string())?;
    let plan = work::function_chain(STEPS)?;
    let runs = 5;
    let names = ["kneo", "kneo, processor time", "raw append + update", "raw, processor time"];
    let mut samples = [const { Vec::new() }; 4].map(|_: Vec<f64>| Samples::default());
    for _ in 0..rounds {
        let kneo = one_run(dir.path(), sync, &plan, runs)?;
        let raw = raw::one_run(dir.path(), sync, STEPS * runs)?;
        let steps = STEPS * runs;
        let took = [kneo.wall_us_per(steps), kneo.cpu_us_per(steps), raw.wall_us_per(steps), raw.cpu_us_per(steps)];
        samples.iter_mut().zip(took).for_each(|(samples, sample)| samples.push(sample));
    }
    let [kneo, _, raw, _] = &samples;
    let ratio = kneo.median() / raw.median();
    let level = if sync == Sync::Full { "FULL" } else { "NORMAL" };
    let what = format!("a durable step, one run, SQLite {level}, chains of {STEPS}");
    let mut figure = Figure { id, what, unit: "µs/step", rows: Vec::new(), ratio: Some(ratio), goal };
    names.into_iter().zip(samples).for_each(|(name, samples)| figure.row(name, samples));
    Ok(vec![figure])
}

pub(crate) fn one_run_normal(rounds: usize) -> Result<Vec<Figure>, String> {
    one("P3", Sync::Normal, "≤ 1.3× raw", rounds)
}

pub(crate) fn one_run_full(rounds: usize) -> Result<Vec<Figure>, String> {
    one("P4", Sync::Full, "≤ 1.25× raw and ≤ 40 µs of processor time a step", rounds)
}

pub(crate) fn many_runs_full(rounds: usize) -> Result<Vec<Figure>, String> {
    const RUNS: usize = 1_000;
    const STEPS: usize = 10;
    let dir = tempfile::tempdir_in(".").map_err(|error| error.to_string())?;
    let plan = work::function_chain(STEPS)?;
    let (mut kneo, mut cpu, mut raw) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..rounds {
        let took = work::tokio()?.block_on(async {
            let store = open(&dir.path().join("kneo-many.db"), Sync::Full).await?;
            let runtime = Arc::new(work::runtime(store, work::add())?);
            work::run(&runtime, &plan).await?;
            let watch = Watch::start();
            let mut running = Vec::with_capacity(RUNS);
            for _ in 0..RUNS {
                let (runtime, plan) = (Arc::clone(&runtime), Arc::clone(&plan));
                running.push(tokio::spawn(async move { work::run(&runtime, &plan).await }));
            }
            for run in running {
                run.await.map_err(|error| error.to_string())??;
            }
            let took = watch.stop();
            runtime.shutdown().await;
            Ok::<_, String>(took)
        })?;
        kneo.push(1e6 / took.wall_us_per(RUNS * STEPS));
        cpu.push(took.cpu_us_per(RUNS * STEPS));
        raw.push(1e6 / raw::many_runs(dir.path(), RUNS, STEPS)?.wall_us_per(RUNS * STEPS));
    }
    let ratio = kneo.median() / raw.median();
    let what = format!("{RUNS} runs of {STEPS} steps at once, SQLite FULL");
    let mut figure =
        Figure { id: "P5", what, unit: "steps/s", rows: Vec::new(), ratio: Some(ratio), goal: "≥ 0.6× raw" };
    figure.row("kneo", kneo);
    figure.row("raw, one transaction for a step of every run", raw);
    let mut spent = Figure {
        id: "P5",
        what: "its processor time".to_owned(),
        unit: "µs/step",
        rows: Vec::new(),
        ratio: None,
        goal: "what stands between the rate and the goal",
    };
    spent.row("kneo, all threads", cpu);
    Ok(vec![figure, spent])
}

pub(crate) fn bytes_per_step(_: usize) -> Result<Vec<Figure>, String> {
    let dir = tempfile::tempdir_in(".").map_err(|error| error.to_string())?;
    let path = dir.path().join("kneo-bytes.db");
    let plan = work::function_chain(STEPS)?;
    let runs = 20;
    let pages = |path: &Path| -> Result<f64, String> {
        let db = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
        let checkpoint = db.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
        checkpoint.map_err(|error| error.to_string())?;
        std::fs::metadata(path).map(|data| data.len() as f64).map_err(|error| error.to_string())
    };
    let before = {
        work::tokio()?.block_on(open(&path, Sync::Normal))?;
        pages(&path)?
    };
    work::tokio()?.block_on(async {
        let runtime = work::runtime(open(&path, Sync::Normal).await?, work::add())?;
        for _ in 0..runs {
            work::run(&runtime, &plan).await?;
        }
        runtime.shutdown().await;
        Ok::<_, String>(())
    })?;
    let mut bytes = Samples::default();
    bytes.push((pages(&path)? - before) / (runs * STEPS) as f64);
    let mut figure = Figure {
        id: "P10",
        what: "bytes on disk for a step with a state of 256 characters".to_owned(),
        unit: "B/step",
        rows: Vec::new(),
        ratio: None,
        goal: "≤ 600",
    };
    figure.row("kneo, the whole database file", bytes);
    Ok(vec![figure])
}
