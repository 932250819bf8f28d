//! A shop that takes orders: an agent reads them, the owner agrees, a function books them.
//!
//! ```sh
//! cargo run -- memory "two lamps"
//! cargo run -- sqlite:orders.db "two lamps"
//! ```

use std::error::Error;
use std::sync::Arc;

use kneo::provider::{Answer, Script, ScriptedProvider};
use kneo::store::{MemoryStore, SqliteStore, Store};
use kneo::tool::CallError;
use kneo::{Actor, Decision, Name, Outcome, Runtime, Start, Value, tool};
use serde::{Deserialize, Serialize};

/// What the model asks for; its JSON Schema is made from this type.
#[derive(Deserialize, schemars::JsonSchema)]
struct Wanted {
    /// The article, in the singular.
    article: String,
}

#[derive(Serialize)]
struct Price {
    euros: u32,
}

async fn price(wanted: Wanted) -> Result<Price, CallError> {
    match wanted.article.as_str() {
        "lamp" => Ok(Price { euros: 29 }),
        "desk" => Ok(Price { euros: 340 }),
        other => Err(CallError::fatal("tool_article_unknown", format!("there is no article `{other}`"))),
    }
}

/// What the spec hands to the function.
#[derive(Deserialize)]
struct Order {
    order: String,
    offer: String,
    approved_by: String,
}

async fn book(order: Order) -> Result<String, CallError> {
    Ok(format!("booked `{}` ({}), approved by {}", order.order, order.offer, order.approved_by))
}

/// Stands where a real model would: the same line of the builder registers either.
fn model() -> Result<ScriptedProvider, Box<dyn Error>> {
    let asks = Answer::tool_call("price", Value::map([("article", "lamp".into())])?);
    Ok(ScriptedProvider::builder().agent("clerk", Script::new().turn(asks).turn("two lamps at 29 euros")).build()?)
}

async fn store(address: &str) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    match address.split_once(':') {
        None if address == "memory" => Ok(Arc::new(MemoryStore::default())),
        Some(("sqlite", path)) => Ok(Arc::new(SqliteStore::open(path).await?)),
        _ => Err(format!("`{address}` is not a store: it is `memory` or `sqlite:PATH`").into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "memory".to_owned());
    let order = arguments.next().unwrap_or_else(|| "two lamps".to_owned());

    let plan = kneo::spec::compile_str("order.yaml", include_str!("../order.yaml"))?;
    let runtime = Runtime::builder()
        .store(store(&address).await?)
        .provider("house", Arc::new(model()?))
        .tool(tool::tool("price", "Gives the price of an article", price)?)
        .function("orders.book", tool::function(book))
        .build()?;
    runtime.bind(&plan)?;

    let run = runtime.start(&plan, Start::new(order).by("web shop")).await?;
    let mut outcome = run.wait().await?;
    while let Outcome::Blocked(tasks) = outcome {
        // A real shop would tell Ana, and take her answer in another process, next week if need be.
        for task in tasks {
            println!("{}", task.request.description);
            runtime.decide(task.task, Decision::approve(), Actor::trusted(Name::new("ana")?)).await?;
        }
        outcome = run.wait().await?;
    }
    match outcome {
        Outcome::Completed(booked) => println!("{}", booked.to_text()),
        other => println!("the run {} is {}", run.id(), other.status()),
    }
    runtime.shutdown().await;
    Ok(())
}
