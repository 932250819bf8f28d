//! A host of `specs/hello.yaml`: runs it with its own store and models, and answers what it asks.

use std::error::Error;
use std::sync::Arc;

use kneo::provider::DummyProvider;
use kneo::store::SqliteStore;
use kneo::{Actor, Decision, Name, Outcome, Runtime, Start};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let who = std::env::args().nth(1).unwrap_or_else(|| "world".to_owned());

    // Every mistake at once, each with its line.
    let plan = kneo::spec::compile_str("specs/hello.yaml", include_str!("../specs/hello.yaml"))?;
    let runtime = Runtime::builder()
        .store(Arc::new(SqliteStore::open(".kneo/kneo.db").await?))
        // `kneo::provider::openai` (feature `openai`) asks real models.
        .provider("dummy", Arc::new(DummyProvider::new()))
        .build()?;
    // Everything that is missing, at once.
    runtime.preflight(&plan).await?;

    let run = runtime.start(&plan, Start::new(who).by("__NAME__")).await?;
    let mut outcome = run.wait().await?;
    while let Outcome::Blocked(tasks) = outcome {
        // A real host tells somebody, and takes the answer in another process, next week if need be.
        for task in tasks {
            println!("{} {}", task.request.description, task.request.subject);
            runtime.decide(task.task, Decision::approve(), Actor::trusted(Name::new("owner")?)).await?;
        }
        outcome = run.wait().await?;
    }
    match outcome {
        Outcome::Completed(output) => println!("{output}"),
        other => println!("the run {} is {}", run.id(), other.status()),
    }
    runtime.shutdown().await;
    Ok(())
}
