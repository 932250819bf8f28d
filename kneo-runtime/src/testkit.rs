//! What tests of workflows need: time and randomness that the test decides, models that say what they are told to.
//!
//! Virtual time is tokio's: in a test with `#[tokio::test(start_paused = true)]`, time moves on to the next timer
//! whenever nothing else is left to do, so that hours pass at once and nothing ever sleeps.

mod clock;
mod entropy;
mod harness;
mod model;
mod plan;
mod server;
pub mod server_conformance;

pub use clock::VirtualClock;
pub use entropy::SeededEntropy;
pub use harness::{Finished, Harness, HarnessError};
pub use model::{ScriptedModel, answer, asks_for};
pub use plan::{PlanBuilder, PlanProblem, ScopeBuilder};
pub use server::{ScriptedServer, ScriptedServers};
