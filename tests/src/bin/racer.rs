//! A process that takes part in races: it opens a store, then does what each line of its input says, at once.
//!
//! `racer DATABASE LOG`; the lines are
//!
//! ```text
//! decide TASK NAME approve|reject [UNIX MICROSECONDS]
//! cancel RUN NAME
//! resume RUN
//! ```
//!
//! and each is answered by a line of JSON. The function `work` notes each of its calls in the log and adds an `x` to its
//! input.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kneo::clock::Clock as _;
use kneo::store::SqliteStore;
use kneo::system::SystemClock;
use kneo::tool::{self, CallContext};
use kneo::{Actor, Decision, Name, Outcome, Resume, Runtime, RuntimeError, Timestamp};
use kneo_tests::Outcome as Done;
use serde_json::{Value as Json, json};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Done<()> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [database, log] = paths.as_slice() else { return Err("usage: racer DATABASE LOG".into()) };
    let log = log.clone();
    let runtime = Runtime::builder()
        .store(Arc::new(SqliteStore::open(database).await?))
        .on_request()
        .poll(Duration::from_millis(5))
        .function("work", tool::function_with(move |input: String, context| work(log.clone(), input, context)))
        .build()?;
    println!("{}", json!({"worker": runtime.worker().to_string()}));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match obey(&runtime, &words).await? {
            Ok(answer) => answer,
            Err(error) => json!({"code": error.code(), "text": error.to_string()}),
        };
        println!("{answer}");
    }
    runtime.shutdown().await;
    Ok(())
}

async fn work(log: PathBuf, input: String, context: CallContext) -> std::io::Result<String> {
    let line = format!("{} {} {}\n", context.run.run, context.path, context.attempt);
    std::fs::File::options().append(true).create(true).open(log)?.write_all(line.as_bytes())?;
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(input + "x")
}

/// Does what a line says; the outer error is a line that says nothing.
async fn obey(runtime: &Runtime, words: &[&str]) -> Done<Result<Json, RuntimeError>> {
    Ok(match *words {
        ["decide", task, name, what, ref rest @ ..] => {
            let decision = match what {
                "approve" => Decision::approve(),
                "reject" => Decision::reject(),
                other => return Err(format!("`{other}` is no decision").into()),
            };
            if let [at] = rest {
                await_moment(Timestamp::from_unix_micros(at.parse()?)).await;
            }
            let decided = runtime.decide(task.parse()?, decision, Actor::trusted(Name::new(name)?)).await;
            decided.map(|_| json!({"ok": true}))
        }
        ["cancel", run, name] => {
            let cancelled = runtime.cancel(run.parse()?, "enough", Actor::trusted(Name::new(name)?)).await;
            cancelled.map(|_| json!({"ok": true}))
        }
        ["resume", run] => resume(runtime, run).await?,
        _ => return Err(format!("`{}` says nothing", words.join(" ")).into()),
    })
}

async fn resume(runtime: &Runtime, run: &str) -> Done<Result<Json, RuntimeError>> {
    let waited = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&waited);
    let resume = Resume::new(run.parse()?).on_wait(move |_| told.store(true, Ordering::Relaxed));
    let handle = match runtime.resume(resume).await {
        Ok(handle) => handle,
        Err(error) => return Ok(Err(error)),
    };
    Ok(handle.wait().await.map(|outcome: Outcome| {
        json!({"ok": true, "status": outcome.status().as_str(), "waited": waited.load(Ordering::Relaxed)})
    }))
}

/// Comes back as close to a moment as this machine can.
async fn await_moment(at: Timestamp) {
    let left = at.since(SystemClock.now());
    tokio::time::sleep(left.saturating_sub(Duration::from_millis(3))).await;
    while SystemClock.now() < at {
        std::hint::spin_loop();
    }
}
