//! OpenTelemetry for Kneo: spans and metrics of runs, from what was committed.
//!
//! An [`OtelObserver`] is told of every record that a runtime commits, and makes of it spans — a run, its steps, the
//! turns of agents, calls of models, tools and functions, waits for people — and metrics. All spans of a run are in one
//! trace, whichever processes advanced it: their ids are derived from the run and the place, and a process that takes a
//! run over is told its past, so that what began elsewhere ends here with its true beginning.
//!
//! ```
//! use std::time::Duration;
//!
//! use kneo_otel::OtelObserver;
//! # use opentelemetry_sdk::trace::InMemorySpanExporter;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let my_exporter = InMemorySpanExporter::default();
//! let observer = OtelObserver::builder().exporter(my_exporter).build()?;
//! // let runtime = Runtime::builder().observer(observer.clone())…
//! observer.shutdown(Duration::from_secs(5)).await?; // once the runtime has ended
//! # Ok(()) }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run()).unwrap();
//! ```
//!
//! # What leaves
//!
//! Names, places, times, counts, codes. What people, models and tools say — inputs, outputs, prompts, answers, arguments,
//! results, questions, the words of errors — stays, unless a [`ContentPolicy`] lets it leave. The names are those of
//! OpenTelemetry's semantic conventions for generative AI in version 1.41.0 ([`SCHEMA_URL`]), which is the last of the
//! general conventions that has them; what those have no word for is `kneo.*`. `docs/guide/telemetry.md` lists all.
//!
//! # What it costs a run
//!
//! Notes in memory, and a place in a bounded queue. Whatever an exporter does — fail, panic, block, take for ever — is felt
//! on a thread of the observer's own. What does not fit is dropped, counted and told: see [`Stats`].
//!
//! # What a killed process takes with it
//!
//! What it had not exported: at most what ended within [`OtelObserverBuilder::max_delay`] and the export that was under
//! way. No other process knows whether that left, and none exports it: a span is never exported twice.
//!
//! # Features
//!
//! - `otlp`: `Otlp`, which sends by OTLP over HTTP.

mod attribute;
mod builder;
mod content;
mod error;
mod export;
mod finished;
mod fold;
#[cfg(test)]
mod guide;
mod ids;
mod metrics;
mod observer;
#[cfg(feature = "otlp")]
mod otlp;
mod place;
mod price;
mod queue;
mod runs;
mod shared;
mod sink;
mod spans;
#[cfg(test)]
mod testing;
mod trace;
mod trouble;
mod vocabulary;

/// The API and the SDK whose types exporters, samplers and meter providers have.
pub use {opentelemetry, opentelemetry_sdk};

pub use builder::OtelObserverBuilder;
pub use content::{Content, ContentPolicy, Withheld};
pub use error::{BuildError, Unfinished};
pub use observer::{OtelObserver, Stats};
#[cfg(feature = "otlp")]
pub use otlp::Otlp;
pub use price::Prices;
pub use shared::SharedProcessor;

/// The schema of the semantic conventions by which spans and metrics are named: version 1.41.0.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.41.0";
