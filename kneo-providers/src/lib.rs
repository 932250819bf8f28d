//! Model providers for Kneo.
//!
//! - [`DummyProvider`] answers with what it was told: enough to run a spec without a key.
//! - [`ScriptedProvider`] answers what a script says, tool calls and failures included: enough to test one.
//! - `openai::OpenAiProvider`, with the feature `openai`, asks models behind OpenAI's API or one like it.
//!
//! The first two need no network and answer the same request in the same way in every process, so a run that is resumed
//! elsewhere goes on as it would have.
//!
//! # Features
//!
//! None is on unless asked for.
//!
//! - `openai`: models behind OpenAI's chat completions API. Brings an HTTP client with TLS by rustls and ring.
//! - `conformance`: the suite that every provider must pass.

mod cancelled;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dummy;
#[cfg(feature = "openai")]
mod http;
#[cfg(feature = "openai")]
pub mod openai;
mod scripted;
mod words;

pub use dummy::DummyProvider;
pub use scripted::{Answer, AskedRequest, Reply, Script, ScriptError, ScriptedProvider, ScriptedProviderBuilder, Turn};
