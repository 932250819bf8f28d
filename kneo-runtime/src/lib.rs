//! Runs plans durably: a pure engine, an asynchronous driver, and the API by which a host embeds both.
//!
//! ```
//! # async fn host(plan: std::sync::Arc<kneo_core::CompiledPlan>, store: std::sync::Arc<dyn kneo_core::store::Store>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use kneo_runtime::{Outcome, Runtime, Start, typed};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Draft { text: String }
//!
//! let publish = typed::function(|draft: Draft| async move { Ok::<_, std::io::Error>(draft.text.len()) });
//! let runtime = Runtime::builder().store(store).function("publish", publish).build()?;
//! runtime.bind(&plan)?; // everything that is missing, at once
//! let run = runtime.start(&plan, Start::new("hello").by("ana")).await?;
//! match run.wait().await? {
//!     Outcome::Completed(output) => println!("{output}"),
//!     Outcome::Blocked(tasks) => println!("waits for {} people", tasks.len()),
//!     other => println!("{}", other.status()),
//! }
//! runtime.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! | To | read |
//! | --- | --- |
//! | put a runtime together | [`Runtime::builder`], [`typed`] |
//! | start, watch and steer runs | [`Runtime`], [`Start`], [`RunHandle`] |
//! | know what may go wrong | [`RuntimeError`], [`BindError`] |
//! | test a workflow | [`testkit`] |
//! | understand what a run does next | [`engine`] |

mod bind;
mod builder;
mod deltas;
mod draw;
mod driver;
pub mod engine;
mod error;
mod event;
mod human;
mod observe;
mod preflight;
mod probe;
mod replay;
mod run;
mod runtime;
mod shared;
mod start;
mod steer;
pub mod system;
pub mod testkit;
pub mod typed;
mod verify;
mod view;

pub use builder::RuntimeBuilder;
pub use deltas::{Delta, DeltaSink};
pub use error::{Action, BindError, BuildError, Place, RuntimeError};
pub use event::{Cursor, EventStream, RunEvent};
pub use human::Decided;
pub use preflight::{PreflightError, PreflightProblem};
pub use probe::{OfferedTools, Probe, ProbeSubject};
pub use replay::replay;
pub use run::{Admission, Outcome, RunHandle};
pub use runtime::Runtime;
pub use start::Start;
pub use steer::{Cancelled, Resume, Waiting};
pub use view::{RunView, StepView};
