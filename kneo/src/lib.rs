//! Durable agent workflows, written as YAML specs and embedded in a Rust program.
//!
//! A spec is compiled into an immutable plan, like source code. A [`Runtime`] runs plans with the host's own tools,
//! models and store, and journals every model turn, tool call and decision of a person: a crash, a deploy or a week of
//! waiting loses nothing and repeats nothing that was committed.
//!
//! ```
//! use kneo::store::SqliteStore;
//! use kneo::{Actor, Decision, Name, Outcome, Runtime, Start, tool};
//! use std::sync::Arc;
//!
//! const SPEC: &str = "
//! version: v1
//! templates: true
//! workflow:
//!   type: sequential
//!   steps:
//!     - {id: count, kind: function, ref: {implementation: count_words}}
//!     - {id: agree, kind: human, ref: {description: 'Publish {{ input }} words?', assignee: ana}}
//! ";
//!
//! #[tokio::main(flavor = "multi_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #   let folder = tempfile::tempdir()?;
//! #   let path = folder.path().join("kneo.db");
//!     let plan = kneo::spec::compile_str("words.yaml", SPEC)?; // every mistake at once, with its line
//!     let count = |text: String| async move { Ok::<_, std::io::Error>(text.split_whitespace().count()) };
//!     let runtime = Runtime::builder()
//!         .store(Arc::new(SqliteStore::open(path).await?))
//!         .function("count_words", tool::function(count))
//!         .build()?;
//!     runtime.bind(&plan)?; // everything that is missing, at once
//!
//!     let run = runtime.start(&plan, Start::new("to be or not to be")).await?;
//!     let Outcome::Blocked(tasks) = run.wait().await? else { panic!("ana is asked") };
//!     assert_eq!(&*tasks[0].request.description, "Publish 6 words?");
//!
//!     // Now, or next week in another process: the first decision counts.
//!     runtime.decide(tasks[0].task, Decision::approve(), Actor::trusted(Name::new("ana")?)).await?;
//!     assert!(matches!(run.wait().await?, Outcome::Completed(_)));
//!     runtime.shutdown().await;
//!     Ok(())
//! }
//! ```
//!
//! | To | use |
//! | --- | --- |
//! | compile and check specs | [`spec`] |
//! | run plans, and steer the runs | [`Runtime`], [`Start`], [`RunHandle`], [`RuntimeError`] |
//! | give models, tools, functions, commands | [`provider`], [`tool`] |
//! | let agents use the tools of MCP servers, or of servers of your own | [`mcp`] |
//! | choose where runs live, or write a store | [`store`] |
//! | run only plans that somebody vouches for | [`bundle`], [`seal`], [`RuntimeBuilder::plan_verifier`] |
//! | read what happened | [`EventStream`], [`event`], [`record`] |
//! | follow runs in a tracing system | [`observer`], [`trace`]; `otel` with the feature of that name |
//! | build plans in code | [`plan`], [`expr`] |
//! | test workflows without models and without waiting | [`testkit`], [`provider::ScriptedProvider`] |
//!
//! # Features
//!
//! Features only add; none changes how anything works.
//!
//! - `sqlite` (on unless switched off): the store in one SQLite file.
//! - `openai`: models behind OpenAI's chat completions API or one like it, in `provider::openai`. Brings an HTTP client.
//! - `mcp`: `McpConnector` in [`mcp`], which starts MCP servers and connects to them; without it a host may still give a
//!   connector of its own.
//! - `otel`: spans and metrics of runs for OpenTelemetry, in the module `otel`.
//! - `otlp`: the same, and a sender by OTLP over HTTP.

pub use kneo_core::task::{Decision, DecisionKind};
pub use kneo_core::{
    Actor, Attempt, Cancel, CommitId, CompiledPlan, Digest, Failure, FailureKind, Fence, List, Map, Name, Namespace,
    Number, Path, Payload, Plan, RunId, RunKey, RunOutcome, RunStatus, Segment, Seq, TaskId, Timestamp, Usage, Value,
    ValueError, WorkerId, cancel, clock, commit, event, expr, failure, message, name, observer, payload, plan, record,
    run, schema, seal, secret, task, trace,
};
/// OpenTelemetry: spans and metrics of runs.
#[cfg(feature = "otel")]
pub use kneo_otel as otel;
pub use kneo_runtime::{
    Action, Admission, BindError, BuildError, Cancelled, Cursor, Decided, Delta, DeltaSink, EventStream, OfferedTools,
    Outcome, Place, PreflightError, PreflightProblem, Probe, ProbeSubject, Resume, RunEvent, RunHandle, RunView,
    Runtime, RuntimeBuilder, RuntimeError, Start, StepView, Waiting, replay, system, testkit,
};
/// The compiler: spec text to diagnostics and an immutable plan.
pub use kneo_spec as spec;
#[doc(no_inline)]
pub use kneo_spec::bundle;

pub mod mcp;
pub mod provider;
pub mod store;
pub mod tool;
