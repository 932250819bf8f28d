//! Models: the contract of providers, the providers that need no network, and with the feature `openai` one that asks
//! models behind OpenAI's chat completions API or one like it.

#[doc(inline)]
pub use kneo_core::call::{CallContext, CallError, Deltas};
#[doc(inline)]
pub use kneo_core::provider::*;
/// Models behind OpenAI's chat completions API, or one like it.
#[cfg(feature = "openai")]
pub use kneo_providers::openai;
pub use kneo_providers::{
    Answer, AskedRequest, DummyProvider, Reply, Script, ScriptError, ScriptedProvider, ScriptedProviderBuilder, Turn,
};
