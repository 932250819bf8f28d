//! Model providers for Kneo that need no network.
//!
//! - [`DummyProvider`] answers with what it was told: enough to run a spec without a key.
//! - [`ScriptedProvider`] answers what a script says, tool calls and failures included: enough to test one.
//!
//! Both answer the same request in the same way in every process, so a run that is resumed elsewhere goes on as it
//! would have. The `conformance` feature adds the suite that every provider must pass.

mod cancelled;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dummy;
mod scripted;
mod words;

pub use dummy::DummyProvider;
pub use scripted::{Answer, AskedRequest, Reply, Script, ScriptError, ScriptedProvider, ScriptedProviderBuilder, Turn};
